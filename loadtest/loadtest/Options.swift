import Drivers
import Flags
import Generator
import Reports
import Syscalls

/// What the command line of `loadtest` asks for, checked; the table of its options is in
/// `OptionTable.swift`.
struct Options: Sendable {
    /// Where progress is shown.
    enum Live: String, CaseIterable { case auto, line, off }

    /// The load; its target is a placeholder when there is none on the command line.
    var plan: LoadPlan
    /// Whether the bundled server is to be started.
    var startsServer: Bool
    var serverDriver = DriverKind.poll
    /// Where the JSON goes; "-" is standard output.
    var jsonPath: String?
    var live = Live.auto
    var color = Style.Choice.auto
    var isQuiet = false
    var thresholds: [Threshold] = []

    /// Longer times are slips of the finger: nobody waits a month for a load test.
    private static let longest = Duration.seconds(30 * 24 * 3600)

    init(_ arguments: Arguments) throws(UsageError) {
        let target = try arguments.positionals.first.map { text throws(UsageError) in
            try Options.address(text)
        }
        // Port 0 on this machine is what the bundled server is asked to listen on.
        plan = LoadPlan(target: target ?? Options.freePort)
        startsServer = target == nil
        try readLoad(arguments)
        try readTimes(arguments)
        try readOutput(arguments)
        try checkCombinations(arguments)
    }

    private static let freePort: SocketAddress = {
        // The text is a constant, so only a mistake of ours can make it fail.
        guard let address = try? SocketAddress("127.0.0.1:0") else {
            preconditionFailure("127.0.0.1:0 is an address")
        }
        return address
    }()

    /// `HOST:PORT` or `tcp://HOST:PORT`.
    private static func address(_ text: String) throws(UsageError) -> SocketAddress {
        var rest = text[...]
        if let end = text.firstRange(of: "://") {
            guard text[..<end.lowerBound] == "tcp" else {
                throw UsageError(
                    "target '\(text)': only tcp:// is known; write tcp://127.0.0.1:7788"
                )
            }
            rest = text[end.upperBound...]
        }
        let address: SocketAddress
        do {
            address = try SocketAddress(String(rest))
        } catch {
            throw UsageError("target \(error)")
        }
        guard address.port > 0 else {
            throw UsageError(
                "target '\(text)' has port 0, where nobody listens; write 127.0.0.1:7788"
            )
        }
        return address
    }

    private mutating func readLoad(_ arguments: Arguments) throws(UsageError) {
        plan.connections = try arguments.count("conns", in: 1...1_000_000) ?? plan.connections
        plan.size = .fixed(try arguments.size("size", in: 1...1 << 24) ?? 64)
        plan.threads = try arguments.count("threads", in: 1...256) ?? plan.threads
        plan.pipeline = try arguments.count("pipeline", in: 1...1024) ?? plan.pipeline
        plan.driver = try arguments.choice("driver") ?? plan.driver
        plan.verification = try arguments.choice("verify") ?? plan.verification
        plan.seed = UInt64(try arguments.count("seed") ?? 1)
        serverDriver = try arguments.choice("server-driver") ?? serverDriver
        plan.requests = try arguments.count("requests", in: 1...1_000_000_000_000)
        // With a number of requests and no duration, only the requests end the run.
        if plan.requests != nil { plan.duration = nil }
    }

    private mutating func readTimes(_ arguments: Arguments) throws(UsageError) {
        let some = Duration.milliseconds(1)...Options.longest
        plan.duration = try arguments.duration("duration", in: some) ?? plan.duration
        plan.connectTimeout =
            try arguments.duration("connect-timeout", in: some) ?? plan.connectTimeout
        plan.timeout = try arguments.duration("timeout", in: some) ?? plan.timeout
        if let warmup = try arguments.duration("warmup", in: .zero...Options.longest) {
            plan.warmup = .fixed(warmup)
        }
        plan.connectRate = try arguments.rate("connect-rate")
    }

    private mutating func readOutput(_ arguments: Arguments) throws(UsageError) {
        jsonPath = arguments.text("json")
        live = try arguments.choice("live") ?? live
        color = try arguments.choice("color") ?? color
        isQuiet = arguments.has("quiet")
        for text in arguments.texts("fail-if") { thresholds.append(try Threshold(text)) }
    }

    private func checkCombinations(_ arguments: Arguments) throws(UsageError) {
        if plan.threads > plan.connections {
            throw UsageError(
                "--threads \(plan.threads) is more than --conns \(plan.connections): "
                    + "a thread without a connection has nothing to do"
            )
        }
        if jsonPath == "" {
            throw UsageError("--json '' is no file; write --json run.json or --json -")
        }
        if startsServer { return }
        if arguments.has("server-driver") {
            throw UsageError(
                "--server-driver is for the bundled server; leave out the target or the option"
            )
        }
        if let threshold = thresholds.first(where: \.needsServer) {
            throw UsageError(
                "--fail-if '\(threshold.text)' needs the bundled server; leave out the target"
            )
        }
    }
}
