import Drivers
import EchoServers
import Glibc
import Processes
import SchemaChecks
import Syscalls
import TestServers
import Testing

/// What each model of the echo server is there to show.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct `A model` {
    private func expectEcho(
        _ client: Client, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try client.send("are you there?")
        #expect(
            try client.receive(exactly: 14) == Array("are you there?".utf8),
            sourceLocation: sourceLocation)
    }

    @Test(arguments: [
        (EchoModel.iterative, []),
        (.fork, ["fork", "ppoll"]),
        (.threads, ["ppoll", "pthread_create"]),
        (.sweep, ["nanosleep"]),
        (.select, ["select"]),
        (.poll, ["poll"]),
        (.epoll, ["epoll_ctl", "epoll_wait"]),
        (.epollEdge, ["epoll_ctl", "epoll_wait"]),
    ])
    func `makes the calls that it is about and no other`(
        model: EchoModel, calls: [String]
    ) throws {
        let service = try EchoService("--model=\(model.rawValue)")
        let client = try Client(service.address)
        try expectEcho(client)
        client.close()
        service.command.send(SIGTERM)
        guard case .object(let counted) = try service.lastWords()["calls"] else {
            Issue.record("no calls were counted")
            return
        }

        #expect(counted.keys.sorted() == (calls + ["accept4", "recv", "send"]).sorted())
        #expect(counted.values.allSatisfy { $0.number ?? 0 >= 1 })
        #expect(counted["send"]?.number == 1)
    }

    @Test(.enabled(if: hasIOUring, "this machine refuses io_uring"))
    func `that is told what was done makes one call and no other`() throws {
        let service = try EchoService("--model=io_uring")
        let client = try Client(service.address)
        for _ in 0..<10 { try expectEcho(client) }
        client.close()
        service.command.send(SIGTERM)
        guard case .object(let counted) = try service.lastWords()["calls"] else {
            Issue.record("no calls were counted")
            return
        }

        #expect(counted.keys.sorted() == ["io_uring_enter"])
        // Two turns an echo: one hands over the send, one brings what came next.
        #expect(counted["io_uring_enter"]?.number ?? 0 <= 40)
    }

    @Test func `that is iterative lets the second client wait for the first`() throws {
        let service = try EchoService("--model=iterative")
        let first = try Client(service.address)
        let second = try Client(service.address)
        try second.send("me, too")
        for _ in 0..<100 { try expectEcho(first) }
        #expect(!second.hasSomethingToRead)

        first.close()
        #expect(try second.receive(exactly: 7) == Array("me, too".utf8))
        second.close()
        #expect(try service.stop()["open_max"] == 1)
    }

    @Test func `that sweeps is busy while nobody says anything`() throws {
        let service = try EchoService("--model=sweep")
        let client = try Client(service.address)
        try expectEcho(client)
        let process = service.command.child.id
        let before = try pauses(of: process)

        // A server that waits in the kernel would let this wait for ever.
        try service.command.wait { try pauses(of: process) > before + 20 }

        client.close()
        service.command.send(SIGTERM)
        let calls = try service.lastWords()["calls"]
        #expect(calls?["send"].number == 1)
        #expect(calls?["recv"].number ?? 0 > 10)
    }

    /// How often a process of one thread went to sleep by itself (proc(5), `status`).
    private func pauses(of process: CInt) throws -> Int {
        let text = try File.read("/proc/\(process)/status", atMost: 4096)
        let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
        return try #require(line?.split(separator: "\t").last.flatMap { Int($0) })
    }

    @Test func `that selects has no limit of 1,024 descriptors`() throws {
        let limit = try DescriptorLimit.raise()
        try #require(limit.soft > 2_300, "the test needs 2,300 descriptors: ulimit -Hn")
        let service = try EchoService("--model=select")
        let clients = try (0..<1_100).map { _ in try Client(service.address) }

        for client in clients.reversed() { try expectEcho(client) }
        for client in clients { client.close() }
        #expect(try service.stop()["open_max"] == 1_100)
    }

    @Test func `that is edge-triggered needs one epoll_ctl for each client`() throws {
        let service = try EchoService("--model=epoll-et")
        let client = try Client(service.address)
        for _ in 0..<50 { try expectEcho(client) }
        client.close()
        service.command.send(SIGTERM)

        // One for the listener, one for the signals, one for the client.
        #expect(try service.lastWords()["calls"]?["epoll_ctl"].number == 3)
    }

    /// Also when it was started by somebody who wants to hear nothing of children.
    @Test(arguments: ["true", "trap '' CHLD"])
    func `that forks leaves no zombie`(setup: String) throws {
        let service = try EchoService(afterShell: setup, "--model=fork", "--drain=1h")
        let group = service.command.child.id
        let clients = try (0..<20).map { _ in try Client(service.address) }
        for client in clients { try expectEcho(client) }
        #expect(ProcessTree(of: group).members.count == 21)

        for client in clients { client.close() }
        try service.command.wait { ProcessTree(of: group).members == [group] }
        let counters = try service.stop()
        #expect(counters["bytes_read"] == 280)
        #expect(counters["bytes_written"] == 280)
    }

    @Test func `that forks loses one client with one process`() throws {
        let service = try EchoService("--model=fork")
        let group = service.command.child.id
        let unlucky = try Client(service.address)
        try expectEcho(unlucky)
        let child = try #require(ProcessTree(of: group).members.first { $0 != group })
        let other = try Client(service.address)
        try expectEcho(other)

        kill(child, SIGKILL)
        #expect(try unlucky.receive() == [])
        try expectEcho(other)
        other.close()
        // What the dead one had counted is not lost.
        #expect(try service.stop()["bytes_read"] == 42)
    }

    @Test func `that forks takes its children along when it is killed`() throws {
        let service = try EchoService("--model=fork")
        let group = service.command.child.id
        let client = try Client(service.address)
        try expectEcho(client)

        service.command.send(SIGKILL)

        #expect(try client.receive() == [])
        try service.command.wait { !ProcessTree(of: group).members.contains(where: isAlive) }
    }

    /// Whether a process is more than a number that waits to be reaped (proc(5), `stat`).
    private func isAlive(_ process: CInt) -> Bool {
        // Without the file there is no process.
        let text = try? File.read("/proc/\(process)/stat", atMost: 4096)
        let state = text?.split(separator: ")").last?.split(separator: " ").first
        return state != nil && state != "Z" && state != "X"
    }

    @Test func `with threads joins those that have ended`() throws {
        let service = try EchoService("--model=threads")
        let tasks = "/proc/\(service.command.child.id)/status"
        let clients = try (0..<20).map { _ in try Client(service.address) }
        for client in clients { try expectEcho(client) }
        #expect(try File.read(tasks, atMost: 4096).contains("\nThreads:\t21\n"))

        for client in clients { client.close() }
        try service.command.wait {
            try File.read(tasks, atMost: 4096).contains("\nThreads:\t1\n")
        }
        #expect(try service.stop()["bytes_read"] == 280)
    }

    /// How root runs a command as somebody else; root itself has no limit of processes.
    private static func become(_ user: Int) -> String {
        getuid() == 0 ? "exec setpriv --reuid \(user) --clear-groups" : "exec"
    }

    /// Whether others may run what was built: not if it lies in root's own folder.
    private static var mayBecome: Bool {
        get throws {
            let path = try Command.path(of: "echo-server")
            let line = "\(become(61_001)) /bin/test -x \(path)"
            return try Command.run("/bin/sh", "-c", line).code == 0
        }
    }

    /// Each case has a user of its own, because processes are counted by user.
    @Test(
        .enabled("root's folder is closed to others") { try mayBecome },
        arguments: [(EchoModel.fork, "fork: ", 61_001), (.threads, "pthread_create: ", 61_002)])
    func `that can start no more refuses clearly and goes on`(
        model: EchoModel, call: String, user: Int
    ) throws {
        let become = `A model`.become(user)
        let service = try EchoService(
            afterShell: "true", exec: become, "--model=\(model.rawValue)")
        let first = try Client(service.address)
        try expectEcho(first)
        let process = service.command.child.id
        func limitProcesses(to limit: Int) throws {
            let line = "\(become) prlimit --pid \(process) --nproc=\(limit):"
            let run = try Command.run("/bin/sh", "-c", line)
            try #require(run.code == 0, "\(run.errors)")
        }
        try limitProcesses(to: 1)

        let begun = Instant.now
        for _ in 0..<3 { #expect(try Client(service.address).receive() == []) }
        try expectEcho(first)
        try limitProcesses(to: 4096)
        let second = try Client(service.address)
        try expectEcho(second)
        [first, second].forEach { $0.close() }

        service.command.send(SIGTERM)
        let run = try service.command.finish()
        let lines = run.errors.split(separator: "\n")
        // One line for three refusals, unless they were ten seconds apart.
        let refusals = 1 + Int(begun.duration(to: .now) / .seconds(10))
        #expect((1...refusals).contains(lines.count - 1), "\(lines)")
        #expect(
            lines.dropLast().allSatisfy { $0.hasPrefix("refused a connection: \(call)") },
            "\(lines)")
        let counters = try JSON(String(lines.last ?? ""))
        #expect(counters["refused"].number == 3)
        #expect(counters["accepted"].number == 2)
    }

    @Test(arguments: [
        (["--model=poll", "--driver=poll"], "--driver means nothing to --model poll"),
        (["--model=epoll", "--loops=2"], "--loops means nothing to --model epoll"),
        (["--model=sweep", "--reuse-port"], "--reuse-port means nothing to --model sweep"),
        (["--model=fork", "--idle-timeout=1s"], "--idle-timeout means nothing to --model fork"),
        (
            ["--model=iterative", "--max-connections=3"],
            "--max-connections means nothing to --model iterative"
        ),
    ])
    func `says so when it is given what it has not`(options: [String], message: String) throws {
        let run = try Command("echo-server", options).finish()

        #expect(run.code == 64)
        #expect(run.errors.contains(message), "\(run.errors)")
    }
}
