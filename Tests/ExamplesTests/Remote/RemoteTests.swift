import Foundation
import Swiftlet
import Testing

@testable import Examples

@Suite struct RemoteTests {
    private static func list(_ text: String) throws(Failure) -> AllowList {
        try AllowList(text, from: "list")
    }

    @Test func `a command has the arguments of its line, and a client's only behind a star`() throws
    {
        let list = try RemoteTests.list(
            "# what is allowed\n\na /bin/a x y\nb /bin/b x *\nc /bin/c *\n")
        let more = Array("p\0\0q r".utf8)

        #expect(try list.command("a", adding: []).arguments == ["x", "y"])
        #expect(try list.command("b", adding: more).arguments == ["x", "p", "", "q r"])
        #expect(try list.command("c", adding: []).arguments == [])
        #expect(throws: Failure(.notAllowed, "'a' takes no arguments")) {
            try list.command("a", adding: more)
        }
        #expect(throws: Failure(.notAllowed, "'/bin/a' is not one of a, b, c")) {
            try list.command("/bin/a", adding: [])
        }
        for bytes in [[0xFF], [UInt8](repeating: 0, count: 100)] {
            #expect(throws: Failure.self) { try list.command("b", adding: bytes) }
        }
    }

    @Test(arguments: ["", "# none", "a", "a b", "a bin/a", "a ../a", "a *", "a /bin/a\na /bin/b"])
    func `a file that is no list is refused`(text: String) {
        #expect(throws: Failure.self) { try RemoteTests.list(text) }
    }

    @Test func `spoiled lists are refused or allow only programs by their paths`() {
        let sample = Array("# x\nhello /bin/echo hello\necho /bin/echo *\n".utf8)
        fuzz([sample]) { bytes in
            guard let list = try? RemoteTests.list(String(decoding: bytes, as: UTF8.self)) else {
                return
            }
            for name in list.names {
                #expect((try? list.command(name, adding: []))?.program.first == "/")
            }
        }
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.1.2.3:1", true), ("[::1]:1", true), ("unix:/tmp/a", true),
        ("localhost:1", true), ("0.0.0.0:1", false), ("[::]:1", false), ("10.0.0.1:1", false),
        ("127.0.0.1.example.org:1", false), ("localhost.example.org:1", false), (":1", true),
        ("[::ffff:127.0.0.1]:1", false), ("example.org:1", false),
    ])
    func `only loopback addresses and Unix sockets are this machine's own`(
        text: String, isOwn: Bool
    ) {
        #expect(isLocal(text) == isOwn)
    }

    /// What a client gets, piece by piece: where it is from, and what it is; the end at last.
    private func run(
        _ script: String, time: Duration = .seconds(60), output: Int = 1_000
    ) async throws -> (out: String, err: String, last: Header) {
        try await withTemporaryFolder { folder in
            let path = folder + "/script"
            try script.write(toFile: path, atomically: false, encoding: .utf8)
            var server = RemoteServer(allowed: try RemoteTests.list("it /bin/sh \(path)"))
            (server.time, server.output) = (time, output)
            return try await serving { [server] connection in
                try await server.serve(Messages(connection: connection))
            } _: { address in
                try await Connection.connect(to: address) { connection in
                    let messages = Messages(connection: connection)
                    try await messages.write(Message(header: ["run": "it"]))
                    var texts: [String: String] = [:]
                    while let piece = try await messages.read() {
                        guard case .text(let from) = piece.header["from"] else {
                            return (texts["out"] ?? "", texts["err"] ?? "", piece.header)
                        }
                        texts[from, default: ""] += String(decoding: piece.body, as: UTF8.self)
                    }
                    throw IOError(.read, .endOfStream)
                }
            }
        }
    }

    @Test func `both streams and the code arrive, and neither pipe holds the other up`()
        async throws
    {
        // More than a pipe holds, in both.
        let script = """
            for i in 1 2 3 4 5 6 7 8 9 10; do
            head -c 20000 /dev/zero | tr '\\0' e >&2; head -c 20000 /dev/zero | tr '\\0' o
            done; exit 3
            """
        let said = try await run(script, output: 1 << 20)

        #expect(said.out == String(repeating: "o", count: 200_000))
        #expect(said.err == String(repeating: "e", count: 200_000))
        #expect(said.last == ["exit": 3])
    }

    @Test func `a command has its limits`() async throws {
        #expect(try await run("yes").last["code"] == 74)
        let late = try await run("echo begun; sleep 1000 & wait", time: .milliseconds(500))
        #expect(late.last["code"] == 74 && ["", "begun\n"].contains(late.out))
        #expect(try await run("kill -9 $$").last == ["killed": "SIGKILL"])
        #expect(try await run("cat; echo end").out == "end\n")
    }
}
