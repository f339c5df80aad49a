import Glibc
import SchemaChecks
import Syscalls
import TestServers
import Testing

/// The echo server, asked by another program what it does.
@Suite(.ownThread) struct InspectTests {
    @Test func `it tells what each coroutine waits for, to its owner alone`() throws {
        let path = "/tmp/swiftlet-inspect-\(getpid())"
        let service = try EchoService("--inspect=unix:\(path)", "--loops=2", "--drain=10ms")
        let client = try Client(service.address)
        try client.send("a word")
        #expect(try client.receive(exactly: 6) == Array("a word".utf8))

        let text = try ask("text\n", at: path)
        #expect(text.contains("'handler of 127.0.0.1:"))
        #expect(text.contains("waits to accept on \(service.address)"))
        let document = try JSON(try ask("json\n", at: path))
        #expect(try Schema.shipped("inspection.schema.json").violations(of: document) == [])
        #expect(document["loops"].array.map { $0["state"].string } == ["answers", "answers"])
        let metrics = try ask("metrics\n", at: path)
        let address = "{address=\"\(service.address)\"}"
        #expect(metrics.contains("\nswiftlet_server_accepted_total\(address) 1\n"))

        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(try service.stop()["accepted"] == 1)
        #expect(stat(path, &status) != 0)
    }

    @Test(arguments: [
        (["--inspect", "0.0.0.0:0"], "other machines could reach it"),
        (["--inspect", "somewhere"], "is not an address"),
        (["--inspect", "unix:/x", "--model", "threads"], "means nothing to --model threads"),
    ])
    func `what it cannot do is bad usage`(arguments: [String], words: String) throws {
        let run = try Command("echo-server", arguments).finish()

        #expect(run.code == 64)
        #expect(run.errors.contains(words))
    }

    @Test func `a path that is taken ends it, with the address`() throws {
        let path = "/tmp/swiftlet-inspect-taken-\(getpid())"
        let first = try EchoService("--inspect=unix:\(path)")
        let second = try Command(
            "echo-server", ["--listen", "127.0.0.1:0", "--inspect", "unix:\(path)"]
        ).finish()

        #expect(second.code == 69)
        #expect(second.errors.contains("cannot serve on unix:\(path): bind: Address already in"))
        _ = try first.stop()
    }

    /// Sends a line to a Unix socket, and gives all that comes back.
    private func ask(_ line: String, at path: String) throws -> String {
        let client = try Client(SocketAddress.unix(path: path))
        try client.send(line)
        var told: [UInt8] = []
        while case let bytes = try client.receive(), !bytes.isEmpty { told += bytes }
        return String(decoding: told, as: UTF8.self)
    }
}
