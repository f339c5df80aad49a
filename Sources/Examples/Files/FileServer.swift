import Swiftlet

/// The files of several users: each has a folder and a quota, and sees nothing else.
actor FileServer {
    struct Limits: Sendable {
        /// Bytes of all files of a user, also of those that are not whole yet.
        var quota = 1 << 30
        /// Files of a user, those that are not whole among them.
        var files = 1_000
    }

    private let limits: Limits
    private let folder: @Sendable (_ user: String) async throws -> any Folder
    /// What is being uploaded: the lengths by users, and by the names of what is not whole yet.
    private var uploads: [String: [String: Int]] = [:]

    init(
        _ limits: Limits, folder: @escaping @Sendable (_ user: String) async throws -> any Folder
    ) {
        self.limits = limits
        self.folder = folder
    }

    /// Serves one client that has proven that it is a user.
    nonisolated func serve(_ messages: Messages, user: String) async throws {
        guard isFileName(user) else { throw Failure(.data, "no folder is called '\(user)'") }
        let folder = try await folder(user)
        try await messages.serve { try await self.answer($0, of: user, folder, messages) }
    }

    private nonisolated func answer(
        _ request: Message, of user: String, _ folder: any Folder, _ messages: Messages
    ) async throws -> Message? {
        switch try request.header.text("do") {
        case "put":
            try await upload(Offer(request.header), of: user, into: folder, messages)
        case "get":
            let offer = try await Offer(of: fileName(request), in: folder)
            try await messages.write(Message(header: offer.header))
            try await send(offer, from: folder, over: messages)
        case "list":
            let lines = try await folder.sizes().filter { isFileName($0.key) }
                .sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)\n" }
            return Message(header: [:], body: Array(lines.joined().utf8))
        case "remove":
            try await remove(fileName(request), of: user, in: folder)
        case let verb:
            throw Failure(.data, "there is no '\(verb)' to do")
        }
        return Message(header: [:])
    }

    private nonisolated func fileName(_ request: Message) throws -> String {
        let name = try request.header.text("name")
        guard isFileName(name) else { throw Failure(.data, "no file is called '\(name)'") }
        return name
    }

    private nonisolated func upload(
        _ offer: Offer, of user: String, into folder: any Folder, _ messages: Messages
    ) async throws {
        try await reserve(offer, for: user, in: folder)
        do { try await receive(offer, into: folder, over: messages) } catch {
            await release(offer, of: user)
            throw error
        }
        await release(offer, of: user)
    }

    /// Counts all of a file before its first byte is taken.
    private func reserve(_ offer: Offer, for user: String, in folder: any Folder) async throws {
        guard offer.length <= limits.quota, uploads[user]?[offer.partName] == nil else {
            throw Failure(
                .unavailable,
                "\(offer.name): larger than \(limits.quota) bytes, or on its way"
                    + " over another connection: then try again in a minute")
        }
        // Before the await: an actor lets others in there, which would count without this one.
        uploads[user, default: [:]][offer.partName] = offer.length
        do {
            let sizes = try await folder.sizes()
            let files = sizes.merging(uploads[user] ?? [:]) { _, length in length }
            let used = files.values.reduce(0) { $0.addingReportingOverflow($1).partialValue }
            guard (0...limits.quota).contains(used), files.count <= limits.files else {
                throw Failure(
                    .unavailable,
                    "\(offer.name): that would be more than \(limits.quota) bytes"
                        + " or \(limits.files) files; remove some")
            }
        } catch {
            release(offer, of: user)
            throw error
        }
    }

    private func release(_ offer: Offer, of user: String) {
        uploads[user]?[offer.partName] = nil
        if uploads[user]?.isEmpty == true { uploads[user] = nil }
    }

    /// Removes a file, and what is there of it that never became whole.
    private func remove(_ name: String, of user: String, in folder: any Folder) async throws {
        let sizes = try await folder.sizes()
        let parts = sizes.keys.filter { part in
            part.hasPrefix(".\(name).") && part.utf8.count == name.utf8.count + 34
                && uploads[user]?[part] == nil
        }
        for part in parts { try await folder.remove(part) }
        if sizes[name] != nil || parts.isEmpty { try await folder.remove(name) }
    }
}
