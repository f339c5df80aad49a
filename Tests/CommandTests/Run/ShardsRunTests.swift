import Foundation
import Processes
import SchemaChecks
import Testing

@testable import loadtest

/// `--shards`: more connections than a process may have descriptors, on one machine.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct ShardsRunTests {
    /// Starts `loadtest` where a process may have 400 descriptors.
    private func start(_ options: String...) throws -> Command {
        let path = try Command.path(of: "loadtest")
        let words = ([path] + options + Command.patient).joined(separator: " ")
        return try Command("/bin/sh", ["-c", "ulimit -n 400; exec \(words)"])
    }

    @Test func `a thousand connections come up where a process may have four hundred`() throws {
        let run = try start("--shards 5 -c 1000 -n 3000 --warmup 0 --json -").finish()
        let document = try JSON(run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(run.errors.contains("started 4 bundled echo servers on this port"))
        #expect(run.errors.contains("5 shards, epoll"))
        #expect(document["counts", "connects", "ok"].number == 1000)
        #expect(document["counts", "answered"].number == 3000)
        #expect(document["errors"].array.isEmpty)
        #expect(document["server", "count"].number == 4)
        #expect(try #require(document["memory", "server_connected"].number) > 0)
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `without shards it says how many would do`() throws {
        let run = try start("-c 1000").finish()

        #expect(run.code == 71)
        #expect(run.errors.contains("try: --shards 3, or ulimit -n 1035"))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal ends it with a report, and no server is left`(signal: Int32) throws {
        let command = try start("--shards 5 -c 1000 -d 1h --warmup 0 --interval 100ms")
        try command.waitForLine(saying: "measuring")
        let servers = ProcessTree(of: command.child.id).members.filter { $0 != command.child.id }
        command.send(signal)
        let run = try command.finish()

        #expect(run.code == 128 + signal)
        #expect(run.output.contains("1,000 of 1,000 up"))
        #expect(run.output.contains("I-EARLY"))
        #expect(servers.count == 4)
        for server in servers { #expect(kill(server, 0) == -1) }
    }

    @Test func `a server that dies is said`() throws {
        let command = try start("--shards 5 -c 1000 -d 1h --warmup 0 --interval 100ms")
        try command.waitForLine(saying: "measuring")
        let servers = ProcessTree(of: command.child.id).members.filter { $0 != command.child.id }
        kill(try #require(servers.first), SIGKILL)
        command.send(SIGINT)
        let run = try command.finish()

        #expect(run.output.contains("the bundled server ended with exit code 137"))
        #expect(run.output.contains("E-ERRORS"))
    }

    @Test func `there are as few servers as hold their share, by whatever dice`() {
        #expect(BundledServers.count(for: 1, descriptors: 20_000) == 1)
        #expect(BundledServers.count(for: 19_936, descriptors: 20_000) == 1)
        #expect(BundledServers.count(for: 19_937, descriptors: 20_000) == 2)
        #expect(BundledServers.count(for: 90_000, descriptors: 20_000) == 5)
        #expect(BundledServers.count(for: 99_600, descriptors: 20_000) == 6)
        // Where nothing fits, one server says so itself.
        #expect(BundledServers.count(for: 1000, descriptors: 64) == 1)
    }
}
