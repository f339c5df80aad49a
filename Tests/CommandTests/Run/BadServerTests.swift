import Foundation
import SchemaChecks
import Syscalls
import TestServers
import Testing

@Suite(.ownThread) struct `loadtest meets a server that` {
    /// Runs against a server, with the report for programs on standard output.
    private func measure(
        _ behaviour: @escaping @Sendable (Peer) -> Void, _ arguments: String...
    ) throws -> (run: Command.Finished, document: JSON) {
        let server = try TestServer(behaviour)
        defer { server.stop() }
        let all =
            [server.target, "--warmup=0", "-c4", "-d1h", "--json=-"] + Command.patient + arguments
        let run = try Command("loadtest", all).finish()
        let document = try JSON(run.output)
        #expect(try Schema.shipped().violations(of: document) == [])
        #expect(isBalanced(document["counts"]))
        #expect(document["exit_code"] == .number(Double(run.code)))
        return (run, document)
    }

    private func isBalanced(_ counts: JSON) -> Bool {
        let outcomes = ["answered", "corrupt", "timed_out", "reset", "closed_early", "unanswered"]
        let sum = outcomes.reduce(0) { $0 + (counts[$1].number ?? .nan) }
        return counts["scheduled"].number == sum
    }

    private func errors(_ document: JSON) -> Set<String> {
        Set(
            document["errors"].array.map {
                ($0["phase"].string ?? "") + " " + ($0["errno"].string ?? "")
            })
    }

    @Test func `sends wrong bytes`() throws {
        let (run, document) = try measure { $0.garble() }

        #expect(run.code == 97)
        #expect(errors(document).contains("verify mismatch"))
        #expect(run.errors.contains("wrong bytes"))
        #expect(document["corruptions"].array.count == 4)
        #expect(document["counts", "corrupt"] == .number(4))
    }

    @Test func `sends more than it got`() throws {
        let (run, document) = try measure(Lie.fourfold.behaviour())

        #expect(run.code == 97)
        #expect(document["corruptions"].array.isEmpty == false)
    }

    @Test func `closes early`() throws {
        let (run, document) = try measure { _ = $0.receive() }

        #expect(run.code == 69)
        #expect(errors(document).contains("read eof"))
        #expect(document["counts", "closed_early"] == .number(4))
    }

    @Test func `resets`() throws {
        let (run, document) = try measure { peer in
            _ = peer.receive()
            peer.reset()
        }

        #expect(run.code == 69)
        #expect(errors(document).contains("read ECONNRESET"))
    }

    @Test(arguments: ["silent", "half"])
    func `never answers in full`(name: String) throws {
        let hint = name == "silent" ? "raise --timeout" : "a part of an answer"
        // A part has to come before the limit runs out.
        let (run, document) = try withGrowingLimit(from: .milliseconds(20)) { limit in
            try measure(
                (name == "silent" ? Lie.silent : .half).behaviour(), "--timeout", limit.words)
        } until: {
            $0.run.errors.contains(hint)
        }

        #expect(run.code == 69)
        #expect(document["counts", "timed_out"] == .number(4))
        #expect(run.errors.contains(hint))
    }

    @Test func `answers later than the run takes`() throws {
        // The requests have to be sent before the run is over.
        let (run, document) = try withGrowingLimit(from: .milliseconds(100)) { limit in
            try measure(Lie.silent.behaviour(), "-d", limit.words, "--drain=20ms")
        } until: {
            $0.document["counts", "scheduled"] == .number(4)
        }

        #expect(run.code == 69)
        #expect(document["counts", "unanswered"] == .number(4))
    }

    @Test func `dies half-way`() throws {
        let (run, document) = try measure { peer in
            peer.answer { bytes, _ in
                if peer.server.answered >= 500 { peer.server.die() }
                return bytes
            }
        }

        #expect(run.code == 69)
        #expect(document["counts", "answered"].number.map { $0 > 0 } == true)
        #expect(document["run", "ending"] == .string("all_connections_lost"))
    }

    @Test func `is killed half-way`() throws {
        let server = try Command("echo-server", ["--listen", "127.0.0.1:0"])
        let ready = try server.line(beginning: "listening on ")
        let address = try #require(ready.split(separator: " ").dropFirst(2).first.map(String.init))
        let command = try Command(
            "loadtest", [address, "-c8", "-d1h", "--warmup=0", "--json=-", "--live=off"])
        // An idle server takes no time: once it has run for a quarter of a second it is under load.
        try command.wait { try ticks(of: server.child.id) > 25 }
        server.send(SIGKILL)
        let run = try command.finish()
        let document = try JSON(run.output)

        #expect(run.code == 69)
        #expect(isBalanced(document["counts"]))
        #expect(document["counts", "answered"].number.map { $0 > 0 } == true)
        // The kernel resets connections with unread bytes and ends the others in order.
        let expected: Set = ["read ECONNRESET", "read eof", "write EPIPE", "write ECONNRESET"]
        #expect(!errors(document).isEmpty && errors(document).isSubset(of: expected))
    }

    /// Processor time of a process in hundredths of a second (proc(5), `stat`).
    private func ticks(of process: CInt) throws -> Int {
        let text = try File.read("/proc/\(process)/stat", atMost: 4096)
        let fields = text.split(separator: " ")
        guard fields.count > 14 else { return 0 }
        return (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0)
    }

    @Test func `takes fewer connections than were asked for`() throws {
        // Each of them comes up in the kernel's queue, and three are closed soon: that has to be
        // before the measured time.
        let (run, refused) = try withGrowingLimit(from: .milliseconds(50)) { limit in
            let server = try EchoService("--max-connections", "3")
            let run = try Command(
                "loadtest",
                ["\(server.address)", "-c6", "-d50ms", "--warmup", limit.words] + Command.patient
            ).finish()
            return (run, try server.stop()["refused"])
        } until: {
            $0.0.code == 69
        }

        #expect(run.code == 69)
        #expect(run.output.contains("ECONNRESET") || run.output.contains("eof"), "\(run.output)")
        #expect(refused == 3)
    }

    @Test func `is not there`() throws {
        let server = try TestServer { $0.echo() }
        server.stop()
        let run = try Command.loadtest(server.target)

        #expect(run.code == 69)
        #expect(run.output.contains("ECONNREFUSED"))
        #expect(run.output.contains("nobody listens there"))
        #expect(!run.lines.contains { $0.hasPrefix("service") })
    }
}
