import Swiftlet

/// Serves the files of a store.
struct TFTPServer: Sendable {
    let store: any TFTPStore
    let mayWrite: Bool
    let maxSize: Int
    let tries: Int

    /// Answers a request from a port of its own, as the two ends of a transfer are known by their
    /// ports (RFC 1350, 4). A request that comes twice waits for this handler, and goes with it: it
    /// begins no second transfer.
    @Sendable func serve(_ client: DatagramPeer) async throws {
        guard let first = try await client.receive(),
            case .request(let isWrite, let name, let mode, let options)? = TFTPPacket(first.bytes)
        else { return }
        let socket = try await DatagramSocket.connect(
            to: client.address, from: client.localAddress?.with(port: 0),
            options: TFTPLink.options)
        var link = TFTPLink(socket: socket, peer: client.address, isPeerKnown: true, tries: tries)
        try await link.tellingErrors { link in
            guard ["octet", "netascii"].contains(mode) else {
                throw Failure(.notAllowed, "no such mode: \(mode.debugDescription)")
            }
            let isText = mode == "netascii"
            try await isWrite
                ? take(name, isText, options, &link) : give(name, isText, options, &link)
        }
    }

    private func give(
        _ name: String, _ isText: Bool, _ options: [String: String], _ link: inout TFTPLink
    ) async throws {
        try await store.reading(name) { file in
            // How long a text is on the wire is not known before it was sent.
            let options = options.filter { !isText || $0.key != "tsize" }
            let taken = link.terms.take(options, size: file.size)
            if !taken.isEmpty {
                try await link.exchange({ [.options(taken)] }) { packet -> TFTPLink.Verdict<Void> in
                    packet == .acknowledgement(0) ? .enough(()) : .ignored
                }
            }
            var source = TFTPSource(file, isText: isText)
            try await link.send(&source)
        }
    }

    private func take(
        _ name: String, _ isText: Bool, _ options: [String: String], _ link: inout TFTPLink
    ) async throws {
        guard mayWrite else { throw Failure(.notAllowed, "files are only read here") }
        if options["tsize"].flatMap({ Int($0) }) ?? 0 > maxSize {
            throw Failure(.io, "it is longer than \(maxSize) bytes")
        }
        let taken = link.terms.take(options, size: nil)
        let end = try await link.receive(
            name, into: store, isText: isText, limit: maxSize,
            taken.isEmpty ? .acknowledgement(0) : .options(taken))
        // The file is whole and has its name, whatever becomes of this.
        try? await link.finish(end, patience: 5.5)
    }
}

/// Gets and puts files.
struct TFTPClient: Sendable {
    let isText: Bool
    /// What it asks for; with no options it is the protocol of 1981.
    var options: [String: String]
    let tries: Int

    /// Gets a file, and calls `done` when it is whole.
    func get(
        _ name: String, from server: String, into store: any TFTPStore, as local: String,
        done: () async throws -> Void = {}
    ) async throws {
        var link = try await begin(with: server)
        let end = try await link.tellingErrors { link in
            let first = try await ask(&link, isWrite: false, name, size: isText ? nil : 0)
            // A server without options begins at once.
            let begins = if case .data = first { true } else { false }
            if begins { link.held = first }
            return try await link.receive(
                local, into: store, isText: isText, limit: .max,
                begins ? nil : .acknowledgement(0))
        }
        try await done()
        // The file is whole, whatever becomes of this; and somebody waits for the command to end.
        try? await link.finish(end, patience: 1.5)
    }

    func put(
        _ name: String, to server: String, from store: any TFTPStore, as local: String
    ) async throws {
        var link = try await begin(with: server)
        try await link.tellingErrors { link in
            try await store.reading(local) { file in
                _ = try await ask(&link, isWrite: true, name, size: isText ? nil : file.size)
                var source = TFTPSource(file, isText: isText)
                try await link.send(&source)
            }
        }
    }

    private func begin(with server: String) async throws -> TFTPLink {
        // To connect finds the address of a name, and the address of this end. The transfer comes
        // from another port than the one that is asked, which a connected socket would not hear.
        let found = try await DatagramSocket.connect(to: server)
        let socket = try await DatagramSocket.bind(
            to: found.localAddress.with(port: 0), options: TFTPLink.options)
        return TFTPLink(
            socket: socket, peer: found.remoteAddress ?? found.localAddress, isPeerKnown: false,
            tries: tries)
    }

    private func ask(
        _ link: inout TFTPLink, isWrite: Bool, _ name: String, size: Int?
    ) async throws -> TFTPPacket {
        var options = options
        if !options.isEmpty { options["tsize"] = size.map { "\($0)" } }
        let request = TFTPPacket.request(
            isWrite: isWrite, name: name, mode: isText ? "netascii" : "octet", options: options)
        let first = try await link.exchange({ [request] }) { packet in
            switch packet {
            case .options: .enough(packet)
            case .data(1, _) where !isWrite, .acknowledgement(0) where isWrite: .enough(packet)
            default: .ignored
            }
        }
        guard case .options(let answer) = first else { return first }
        _ = link.terms.take(answer, size: nil)
        for (name, value) in answer where Int(value) ?? 0 > Int(options[name] ?? "") ?? 0 {
            if name != "tsize" { throw Failure(.notAllowed, "\(name) \(value) was not asked for") }
        }
        return first
    }
}
