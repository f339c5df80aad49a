import Flags
import Swiftlet

// A name server for a hosts file, over UDP, and over TCP for what is longer than a datagram.

extension Program {
    static let names = Program(
        "names", "Answers questions of DNS from a hosts file.",
        [
            Service.flags(port: 7053, idle: .seconds(10)),
            FlagGroup(
                "Answers:",
                [
                    Flag("hosts", nil, "FILE", help: "addresses and their names (/etc/hosts)"),
                    Flag("ttl", nil, "N", help: "seconds that others may keep an answer (60)"),
                ]),
        ], footer: ["Ask it: dig @127.0.0.1 -p 7053 localhost"]
    ) { arguments in
        var table = try await hosts(arguments.text("hosts") ?? "/etc/hosts")
        table.timeToLive = UInt32(try arguments.count("ttl", in: 0...604_800) ?? 60)
        let server = NameServer(table: table)
        let both = try await BothServers(try Service(arguments, port: 7053, idle: .seconds(10)))
        try await say("listening on \(both.address)")
        try await both.serve(server.serve, datagrams: server.answer)
    }

    private static func hosts(_ path: String) async throws -> HostTable {
        do {
            return try await DiskFile.open(path) { file in
                let bytes = try await file.read(at: 0, atMost: 1 << 24)
                return try HostTable(String(decoding: bytes, as: UTF8.self))
            }
        } catch let error as IOError {
            throw Failure(.noInput, "\(error)")
        } catch let failure as Failure {
            throw Failure(failure.code, "\(path), \(failure)")
        }
    }
}

struct NameServer: Sendable {
    let table: HostTable

    @Sendable func answer(_ datagram: Datagram) async throws {
        guard let answer = table.answer(to: datagram.bytes) else { return }
        try await datagram.reply(answer)
    }

    /// Over TCP each message has its length before it, in two bytes (RFC 1035, 4.2.2), and a client
    /// may ask again and again on one connection (RFC 7766).
    @Sendable func serve(_ connection: Connection) async throws {
        while let head = try await connection.read(exactly: 2) {
            let count = Int(head[0]) << 8 | Int(head[1])
            // A byte now and then would hold the connection for ever.
            let patience = Duration.seconds(10)
            guard let bytes = try await connection.read(exactly: count, timeout: patience),
                let answer = table.answer(to: bytes, limit: 65_535)
            else { return }
            // In one write, so that it is in one segment: a client may not wait for the second.
            try await connection.write(
                [UInt8(answer.count >> 8), UInt8(answer.count & 255)] + answer)
        }
    }
}
