import CLinux
import EchoServers
import Glibc
import Processes
import Syscalls
import Testing

/// The commands where a filter of calls or the kernel refuses what they ask for, now and then or
/// for ever.
@Suite(.timeLimit(.minutes(60))) struct `Where a call is refused` {
    static let everyWay =
        ["poll", "select", "epoll", "io_uring"].map { ["--driver=\($0)"] }
        + EchoModel.allCases.filter { $0 != .coroutine }.map { ["--model=\($0.rawValue)"] }

    /// Calls that are not everywhere, and for which there is a next best way.
    static let replaceable = [
        ("epoll_pwait2", SYS_epoll_pwait2), ("pidfd_open", SYS_pidfd_open),
        ("eventfd2", SYS_eventfd2), ("accept4", SYS_accept4), ("signalfd4", SYS_signalfd4),
        ("prlimit64", SYS_prlimit64),
    ].map { (name: $0.0, number: Int($0.1)) }

    private func expectService(_ options: [String]) throws {
        let service = try EchoService(options + ["--drain=1h"])
        let client = try Client(service.address)
        try client.send("a word")
        #expect(try client.receive(exactly: 6) == Array("a word".utf8))
        service.command.send(SIGTERM)
        try client.closeWrite()
        #expect(try client.receive() == [])
        #expect(try service.lastWords()["bytes_written"]?.number == 6)
    }

    @Test(arguments: everyWay, [EPERM, ENOSYS])
    func `a server serves the next best way`(options: [String], error: CInt) throws {
        for call in Self.replaceable {
            try refusing([call.number], with: error) {
                do {
                    try self.expectService(options)
                } catch {
                    Issue.record("without \(call.name): \(error)")
                }
            }
        }
        // A loop with timers has a deadline for its waits.
        if options.first?.hasPrefix("--driver") == true {
            try refusing([Int(SYS_epoll_pwait2)], with: error) {
                try self.expectService(options + ["--idle-timeout=1h"])
            }
        }
    }

    @Test(arguments: [EPERM, ENOSYS])
    func `a load test measures, and its server ends in order`(error: CInt) throws {
        for call in Self.replaceable {
            let run = try refusing([call.number], with: error) {
                try Command.loadtest("-n10", "--driver=epoll", "--json=-")
            }
            #expect(run.code == 0, "without \(call.name): \(run.errors)")
            #expect(run.output.contains("accepted"), "without \(call.name)")
            #expect(run.output.contains("\"killed\" : false"), "without \(call.name)")
        }
    }

    // MARK: Without progress

    /// A filter does not see what goes through a ring.
    @Test(arguments: everyWay.filter { $0 != ["--model=io_uring"] })
    func `a listener whose connections all fail is looked at now and then`(
        options: [String]
    ) throws {
        let calls = [Int(SYS_accept4), Int(SYS_accept)]
        let began = Instant.now
        let counters = try refusing(calls, with: EPERM) {
            let service = try EchoService(options + ["--drain=10ms"])
            let client = try Client(service.address)
            for _ in 0..<5 {
                service.command.send(SIGUSR1)
                try service.command.waitForLine(saying: "connections: 0 open, 0 accepted")
            }
            service.command.send(SIGTERM)
            let counters = try service.lastWords()
            client.close()
            return counters
        }

        guard case .object(let made)? = counters["calls"] else { return }
        // A pause of 10 ms after 16 failures, and after each one from then on.
        let pauses = Instant.now.nanoseconds(to: began).magnitude / 10_000_000 + 1
        #expect((made["accept4"]?.number ?? 0) <= Double(16 * (pauses + 16)))
        #expect(counters["accepted"]?.number == 0)
    }

    // MARK: Now and then

    /// A call, the error that it gives, and the ways to serve that make it.
    struct Failure: CustomTestStringConvertible, Sendable {
        let calls: String
        let error: String
        let options: [String]
        var testDescription: String { "\(calls) \(error) \(options.joined())" }
    }

    static let failures: [Failure] = everyWay.flatMap { options in
        let way = options[0].split(separator: "=").last.map(String.init) ?? ""
        let waits: [(String, String)] =
            switch way {
            case "poll", "fork", "threads", "iterative": [("ppoll", "ENOMEM")]
            case "select": [("?select,pselect6", "ENOMEM")]
            case "epoll", "epoll-et":
                [("epoll_ctl", "ENOSPC")]
            case "io_uring": [("io_uring_enter", "EAGAIN"), ("io_uring_enter", "ENOMEM")]
            default: []
            }
        let sockets = [
            ("accept4", "ENOMEM"), ("accept4", "ECONNABORTED"), ("recvfrom", "ECONNRESET"),
            ("sendto", "ENOBUFS"),
        ]
        return (waits + sockets).map { Failure(calls: $0.0, error: $0.1, options: options) }
    }

    /// Starts a server some of whose calls strace(1) lets fail.
    private static func start(_ failure: Failure, when: String) throws -> Command {
        let injection = "inject=\(failure.calls):error=\(failure.error):when=\(when)"
        return try Command(
            "/usr/bin/strace",
            ["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(failure.calls)"]
                + ["-e", injection, try Command.path(of: "echo-server")]
                + ["--listen=127.0.0.1:0", "--drain=10ms"] + failure.options)
    }

    private static let canInject =
        (try? Command.run(
            "/usr/bin/strace", "-D", "-o", "/dev/null", "-e", "inject=getppid:error=EPERM", "true"
        ).code) == 0

    @Test(.enabled(if: canInject), arguments: failures)
    func `one failed call costs one client at most`(failure: Failure) throws {
        // Not the calls without which it cannot begin.
        let command = try Self.start(failure, when: "4")
        let line = try command.line(beginning: "listening on ").split(separator: " ")
        let address = try SocketAddress(String(line[2]))

        var echoes = 0
        for _ in 0..<5 {
            let client = try Client(address)
            try client.send("a word")
            // A client that is lost is at its end, or has been reset.
            if (try? client.receive(exactly: 6)) == Array("a word".utf8) { echoes += 1 }
            client.close()
        }
        command.send(SIGTERM)

        #expect(echoes >= 4)
        #expect(try command.finish().code == 0)
    }

    @Test(.enabled(if: canInject), arguments: failures)
    func `a call that fails for ever costs clients, or ends the server with a reason`(
        failure: Failure
    ) throws {
        let command = try Self.start(failure, when: "4+")
        let line = try command.line(beginning: "listening on ").split(separator: " ")
        let address = try SocketAddress(String(line[2]))

        for _ in 0..<3 {
            // A server that has ended takes none.
            if let client = try? Client(address) { try? client.send("a word") }
        }
        command.send(SIGTERM)
        let ended = try command.finish()

        #expect(ended.code == 0 || ended.code == 71 && ended.errors.contains("cannot serve on"))
    }
}
