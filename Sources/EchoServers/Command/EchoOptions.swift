import Drivers
import Flags
import Syscalls

/// What the echo server was asked to do.
package struct EchoOptions: Sendable {
    /// Where it listens, at least one.
    package var services: [ServiceAddress]
    package var model = EchoModel.coroutine
    package var driver = DriverKind.poll
    /// Event loops, each with a thread of its own.
    package var loops = 1
    /// Whether each loop has a listener of its own.
    package var reusesPort = false
    package var backlog = 1024
    package var connectionsMax: Int?
    package var idleTimeout: Duration?
    package var drain = Duration.seconds(1)
    /// Where it tells what it does, if anywhere.
    package var inspection: SocketAddress?
    /// Datagrams that the coroutine moves with one system call at most.
    package var batch = 1
    /// Whether small letters of ASCII come back as capitals.
    package var upper = false
    /// The process that this one must not outlive, if any.
    package var parent: Int?

    /// The command line of `echo-server`, and of `loadtest echo`.
    package static func table(command: String) -> FlagTable {
        FlagTable(
            command: command,
            summary: "Echoes every byte of every connection back to where it came from.",
            usage: ["[options]"],
            groups: [serving, limits],
            footer: [
                "When it listens, it prints: listening on 127.0.0.1:7788 (coroutine, poll)",
                "SIGINT or SIGTERM stops it and prints its counters as JSON on standard error;",
                "a second one ends the wait for open connections. T is 250ms, 10s or 2m.",
                "SIGUSR1 prints how many connections there are, and what coroutines wait for.",
                "exit codes: 0 stopped, 64 bad usage, 69 cannot listen, 71 limit of the system,",
                "73 cannot write",
            ])
    }

    private static let serving = FlagGroup(
        "Serving:",
        [
            Flag(
                "listen", nil, "ADDRESS", isRepeatable: true,
                help: "HOST:PORT, where port 0 takes a free one, unix:PATH or udp:HOST:PORT; can "
                    + "be given several times (127.0.0.1:7788)"),
            Flag(
                "model", nil, "NAME",
                help: "how to serve: \(names(EchoModel.self)) (coroutine)"),
            Flag(
                "driver", nil, "NAME",
                help: "how coroutines wait: \(names(DriverKind.self)) (poll)"),
            Flag("loops", nil, "N", help: "event loops, each with a thread of its own (1)"),
            Flag(
                "reuse-port",
                help: "a listener for each loop; the kernel chooses among them, and among other "
                    + "servers that share the port"),
            Flag("batch", nil, "N", help: "datagrams that a call of coroutines moves at most (1)"),
            Flag("upper", help: "answer in capitals, as textbooks do"),
            Flag(
                "inspect", nil, "ADDRESS",
                help: "tell there what coroutines wait for, sockets and counters, also while loops "
                    + "are stuck: unix:PATH, for its owner alone, or 127.0.0.1:PORT; 'nc -U PATH' "
                    + "reads text, HTTP has /json and /metrics"),
        ])

    private static let limits = FlagGroup(
        "Limits:",
        [
            Flag(
                "backlog", nil, "N",
                help: "connections the kernel queues until they are accepted (1024)"),
            Flag(
                "max-connections", nil, "N",
                help:
                    "connections served together; one more is closed at once (no limit)"
            ),
            Flag(
                "idle-timeout", nil, "T",
                help: "close a connection on which no byte moves for so long (never)"),
            Flag(
                "drain", nil, "T",
                help: "time that connections have to end after a signal to stop (1s)"),
            Flag(
                "exit-with-parent", nil, "PID",
                help: "stop when the process that started this one ends"),
        ])

    package init(_ arguments: Arguments) throws(UsageError) {
        services = []
        for text in arguments.has("listen") ? arguments.texts("listen") : ["127.0.0.1:7788"] {
            do {
                services.append(try ServiceAddress(lookingUp: text))
            } catch let failure as NameFailure {
                throw UsageError("--listen '\(text)': \(failure)")
            } catch {
                throw UsageError("--listen: \(error)")
            }
        }
        model = try arguments.choice("model") ?? model
        driver = try arguments.choice("driver") ?? driver
        loops = try arguments.count("loops", in: 1...1024) ?? loops
        reusesPort = arguments.has("reuse-port")
        batch = try arguments.count("batch", in: 1...1024) ?? batch
        backlog = try arguments.count("backlog", in: 1...65_535) ?? backlog
        connectionsMax = try arguments.count("max-connections", in: 1...10_000_000)
        idleTimeout = try arguments.duration(
            "idle-timeout", in: .milliseconds(1)...Duration.seconds(31_536_000))
        drain = try arguments.duration("drain", in: .zero...Duration.seconds(31_536_000)) ?? drain
        upper = arguments.has("upper")
        inspection = try arguments.text("inspect").map(EchoOptions.inspection)
        parent = try arguments.count("exit-with-parent", in: 1...Int(Int32.max))
        if model.shape == .oneAtATime, services.count > 1 {
            throw UsageError(
                "--model \(model.rawValue) waits for its next client at one address: give one "
                    + "--listen")
        }
        for option in model.foreignOptions where arguments.has(option) {
            throw UsageError(
                "--\(option) means nothing to --model \(model.rawValue): leave one of them out")
        }
        try checkDatagrams(arguments)
    }

    private static func inspection(on text: String) throws(UsageError) -> SocketAddress {
        let address: SocketAddress
        do throws(SocketAddress.ParseError) {
            address = try SocketAddress(text)
        } catch {
            throw UsageError("--inspect: \(error)")
        }
        guard address.isLoopback else {
            throw UsageError(
                "--inspect '\(text)': other machines could reach it: give unix:PATH, or a port of "
                    + "127.0.0.1")
        }
        return address
    }

    private func checkDatagrams(_ arguments: Arguments) throws(UsageError) {
        guard let service = services.first(where: { $0.kind == .datagram }) else {
            if !arguments.has("batch") { return }
            throw UsageError("--batch is for datagrams: give --listen udp:HOST:PORT, too")
        }
        if !model.servesDatagrams {
            let others = EchoModel.allCases.filter(\.servesDatagrams).map(\.rawValue)
            throw UsageError(
                "--model \(model.rawValue) does not serve \(service): for datagrams give "
                    + others.joined(separator: ", "))
        }
        guard services.allSatisfy({ $0.kind == .datagram }) else {
            if model == .coroutine { return }
            throw UsageError(
                "--model \(model.rawValue) serves connections or datagrams, and not both: leave "
                    + "one kind of --listen out")
        }
        for option in ["backlog", "max-connections", "idle-timeout"] where arguments.has(option) {
            throw UsageError("--\(option) is for connections, and \(service) has none")
        }
    }

    /// What the server prints when it listens: `listening on 127.0.0.1:7788 (coroutine, poll)`.
    ///
    /// The second name is the driver's; a model that has none says its own again.
    func readyLine(at address: ServiceAddress) -> String {
        let waiting = model == .coroutine ? driver.rawValue : model.rawValue
        return "listening on \(address) (\(model.rawValue), \(waiting))"
    }

    private static func names<Choice: CaseIterable & RawRepresentable<String>>(
        _ type: Choice.Type
    ) -> String {
        Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }
}
