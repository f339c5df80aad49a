import Glibc
import Swiftlet

/// A folder of which clients see the files, and nothing outside: no name of theirs leads out of it,
/// neither by "..", nor by a link. What begins with a dot is hidden, as half-written files are.
struct ServedFolder: Sendable {
    /// Without links in it.
    let root: String

    init(_ path: String) async throws { root = try await resolved(path, called: path) }

    /// Lends a file that is there.
    nonisolated(nonsending) func reading(
        _ name: String, _ body: (DiskFile) async throws -> Void
    ) async throws {
        try await DiskFile.open(try await located(parts(of: name)), body)
    }

    /// Lends a new file, as `making` does.
    nonisolated(nonsending) func writing(
        _ name: String, replacing: Bool, _ body: (DiskFile) async throws -> Void
    ) async throws {
        let parts = try parts(of: name)
        let folder = try await located(parts.dropLast())
        try await ServedFolder.making(
            "\(folder)/\(parts[parts.count - 1])", replacing: replacing, body)
    }

    /// Lends a new file that has its name once `body` has returned. Until then it has another one,
    /// and when `body` throws nothing is left of it: a name never stands for half a file.
    static nonisolated(nonsending) func making(
        _ path: String, replacing: Bool, _ body: (DiskFile) async throws -> Void
    ) async throws {
        let taken = Failure(.notAllowed, "there is a file of this name already")
        if !replacing, access(path, F_OK) == 0 { throw taken }
        let end = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        let random = String(UInt64.random(in: 0 ... .max), radix: 36)
        let temporary = "\(path[..<end]).\(random).part"
        // On no thread: a task that is cancelled is given none. At a good end it is gone already.
        defer { unlink(temporary) }
        try await DiskFile.open(temporary, for: .makingNew) { file in
            try await body(file)
            try await file.synchronize()
        }
        try await offload {
            // rename(2) takes the name of another file, and link(2) does not.
            guard replacing ? rename(temporary, path) == 0 : link(temporary, path) == 0 else {
                throw taken
            }
        }
    }

    private func parts(of name: String) throws -> [Substring] {
        // By scalars, as the system does: to Swift a slash with an accent is another character. And
        // C would take a text to its first zero byte, and not see what stands behind it.
        let parts = name.unicodeScalars.split(separator: "/").filter { !$0.elementsEqual(["."]) }
        guard !parts.isEmpty, !parts.contains(where: { $0.first == "." || $0.contains("\0") })
        else { throw Failure(.notAllowed, "no name of a file here: \(name.debugDescription)") }
        return parts.map(Substring.init)
    }

    private nonisolated(nonsending) func located(
        _ parts: some Collection<Substring>
    ) async throws -> String {
        let name = parts.joined(separator: "/")
        let path = try await resolved("\(root)/\(name)", called: name)
        let inside = root == "/" ? root : root + "/"
        guard path == root || path.utf8.starts(with: inside.utf8) else {
            throw Failure(.notAllowed, "it leads out of the folder that is served")
        }
        return path
    }
}

/// A path without links and dots (realpath(3)). An error has the name that a client knows it by.
private nonisolated(nonsending) func resolved(
    _ path: String, called name: String
) async throws -> String {
    try await offload {
        guard let text = realpath(path, nil) else {
            throw Failure(.noInput, "there is no \(name.debugDescription)")
        }
        defer { free(text) }
        return String(cString: text)
    }
}
