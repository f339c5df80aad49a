import Drivers
import Flags
import Generator
import Reports
import Syscalls

/// What the command line of `loadtest` asks for, checked; the table of its options is in
/// `OptionTable.swift`.
struct Options: Sendable {
    /// Where progress is shown.
    enum Live: String, CaseIterable { case auto, panel, line, off }

    /// The load; its target is a placeholder when there is none on the command line.
    var plan: LoadPlan
    /// Which runs it takes.
    var course = Campaign.Course.single
    /// Whether the run is repeated with half the threads.
    var provesHeadroom = false
    /// Whether the bundled server is to be started.
    var startsServer: Bool
    var serverDriver = DriverKind.poll
    /// Which part of the load this is, when it is one.
    var shard: RunRecord.Shard?
    /// Seconds since 1970 at which to begin.
    var startsAt: Double?
    var runID: String

    /// Where the JSON goes; "-" is standard output.
    var jsonPath: String?
    var percentilesPath: String?
    var logPath: String?
    var pagePath: String?
    var live = Live.auto
    /// Between two looks at a run that are kept; nil for what suits each reader.
    var interval: Duration?
    var color = Style.Choice.auto
    var isQuiet = false
    var thresholds: [Threshold] = []
    /// Whether an invalid measurement is a failure.
    var isStrict = false

    /// Longer times are slips of the finger: nobody waits a month for a load test.
    static let longest = Duration.seconds(30 * 24 * 3600)

    init(_ arguments: Arguments) throws(UsageError) {
        let target = try arguments.positionals.first.map { text throws(UsageError) in
            try Options.address(text)
        }
        // Port 0 on this machine is what the bundled server is asked to listen on.
        plan = LoadPlan(target: target ?? Options.freePort)
        plan.warmup = .auto
        startsServer = target == nil
        runID = arguments.text("run-id") ?? Options.randomID
        try readLoad(arguments)
        try readTimes(arguments)
        try readConnections(arguments)
        try readPayload(arguments)
        try readOutput(arguments)
        try checkCombinations(arguments)
        try takePart(arguments)
    }

    static let freePort: SocketAddress = {
        // The text is a constant, so only a mistake of ours can make it fail.
        guard let address = try? SocketAddress("127.0.0.1:0") else {
            preconditionFailure("127.0.0.1:0 is an address")
        }
        return address
    }()

    /// Eight digits: enough to tell the runs of a project apart.
    private static var randomID: String {
        let digits = String(UInt32.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

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
}
