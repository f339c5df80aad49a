import Drivers
import Flags
import Generator
import Processes
import Reports
import Syscalls

/// What the command line of `loadtest` asks for, checked. A new option is a property, of the plan
/// or of this, and an entry in `OptionTable.swift`.
struct Options: Sendable {
    /// Where progress is shown.
    enum Live: String, CaseIterable { case auto, panel, line, off }

    /// The load; its target is a placeholder when there is none on the command line.
    var plan: LoadPlan
    /// Which runs it takes.
    var course = Campaign.Course.single
    /// Threads that each have descriptors of their own, where there are to be some.
    var shards: Int?
    /// Whether the run is repeated with half the threads.
    var provesHeadroom = false
    /// What the bundled server is to be reached over; nil where there is a target.
    var bundled: Transport?
    var serverDriver = DriverKind.poll
    /// Which part of the load this is, when it is one.
    var shard: RunRecord.Shard?
    /// Seconds since 1970 at which to begin.
    var startsAt: Double?
    var runID = Options.randomID
    /// What reports call the run.
    var labels: Labels

    /// Where the JSON goes; "-" is standard output.
    var jsonPath: String?
    var percentilesPath: String?
    var logPath: String?
    var pagePath: String?
    /// The quantiles of the report.
    var percentiles: [Double]
    var live = Live.auto
    /// Between two looks at a run that are kept; nil for what suits each reader.
    var interval: Duration?
    var color = Style.Choice.auto
    var isQuiet = false
    var thresholds: [Threshold] = []
    /// Whether an invalid measurement is a failure.
    var isStrict = false

    /// The files to write.
    var files: OutputFiles {
        OutputFiles([
            "json": jsonPath, "hgrm": percentilesPath, "hlog": logPath, "html": pagePath,
        ])
    }

    // What `course` is made of.
    var rateWish: RateWish?
    var steps: [Double]?
    var search: Threshold?

    init(_ arguments: Arguments) throws(UsageError) {
        let target = arguments.positionals.first ?? "tcp:"
        bundled = Transport.allCases.first { "\($0.rawValue):" == target }
        if let bundled { plan = bundled.plan } else { plan = try Options.plan(for: target) }
        plan.warmup = .auto
        labels = try Labels(arguments)
        percentiles =
            try arguments.value("percentiles", by: Percentiles.quantiles) ?? Percentiles.usual
        for option in Options.sections.flatMap(\.options) { try option.read(arguments, &self) }
        if !arguments.has("timeout") { plan.timeout = LoadPlan.usualTimeout(of: plan.socket) }
        // With a number of requests and no duration, only the requests end the run.
        if plan.requests != nil, !arguments.has("duration") { plan.duration = nil }
        switch rateWish {
        case .perSecond(let rate): plan.rate = rate
        case .share(let share): course = .share(share)
        case .most, nil: break
        }
        if let shards { divide(into: shards, pace: arguments.has("pace")) }
        if let steps { course = .steps(steps) }
        if let search { course = .search(search) }
        try checkCombinations(arguments)
        try takePart()
    }

    /// The option that says how many threads there are.
    private var threadsOption: String { shards == nil ? "threads" : "shards" }

    /// Makes the load from threads with descriptors of their own.
    private mutating func divide(into shards: Int, pace isGiven: Bool) {
        plan.threads = shards
        plan.separatesDescriptors = true
        // A thread that looks at the clock for its next planned time would take the processor from
        // another one, or from a server.
        if shards >= Machine.cores, !isGiven { plan.pace = .sleep }
    }

    /// Takes this machine's part of the load.
    private mutating func takePart() throws(UsageError) {
        guard let shard else { return }
        let whole = plan
        plan = plan.part(shard.index, of: shard.count)
        // The parts are to begin measuring together; each would find its own time steady.
        if plan.warmup == .auto { plan.warmup = .fixed(plan.fixedWarmup) }
        if plan.threads > plan.connections {
            throw UsageError(
                "--shard \(shard.index)/\(shard.count) of --conns \(whole.connections) has "
                    + "\(plan.connections): fewer than --\(threadsOption) \(plan.threads)")
        }
        if plan.requests == 0 {
            throw UsageError(
                "--requests \(whole.requests ?? 0) are not enough for \(shard.count) shards")
        }
    }

    /// Eight digits: enough to tell the runs of a project apart.
    private static var randomID: String {
        let digits = String(UInt32.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// A load on `HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH` or `udp:HOST:PORT`.
    private static func plan(for text: String) throws(UsageError) -> LoadPlan {
        if let end = text.firstRange(of: "://"), !["tcp", "udp"].contains(text[..<end.lowerBound]) {
            throw UsageError(
                "target '\(text)': only tcp:// and udp:// are known; write tcp://127.0.0.1:7788")
        }
        let service: ServiceAddress
        do {
            service = try ServiceAddress(lookingUp: text)
        } catch let failure as NameFailure {
            throw UsageError("target '\(text)': \(failure)")
        } catch {
            throw UsageError("target \(error)")
        }
        guard service.address.port > 0 || service.address.isUnix else {
            throw UsageError(
                "target '\(text)' has port 0, where nothing can listen; write 127.0.0.1:7788"
            )
        }
        var plan = LoadPlan(target: service.address)
        plan.socket = service.kind
        return plan
    }
}

// What options may not say together, and what to do about it.
extension Options {
    func checkCombinations(_ arguments: Arguments) throws(UsageError) {
        try refuse("shards", with: "threads", in: arguments, "each shard is a thread")
        if plan.threads > plan.connections {
            throw UsageError(
                "--\(threadsOption) \(plan.threads) is more than "
                    + "--conns \(plan.connections): a thread without a connection has nothing to do"
            )
        }
        try checkCourse(arguments)
        try checkLoops(arguments)
        try checkConnections(arguments)
        try checkDatagrams(arguments)
        try checkFiles()
        try checkShard(arguments)
        try checkServer(arguments)
    }

    /// Refuses two options that exclude each other.
    private func refuse(
        _ first: String, with second: String, in arguments: Arguments, _ advice: String
    ) throws(UsageError) {
        guard arguments.has(first), arguments.has(second) else { return }
        throw UsageError("--\(first) does not go with --\(second): \(advice)")
    }

    private func checkCourse(_ arguments: Arguments) throws(UsageError) {
        try refuse("steps", with: "search", in: arguments, "run them one after the other")
        try refuse("steps", with: "rate", in: arguments, "the steps are the rates")
        if case .search = course {
            if let rate = arguments.text("rate"), plan.rate == nil {
                throw UsageError(
                    "--rate \(rate) does not go with --search: give the rate to begin at, or none")
            }
            try refuse("search", with: "requests", in: arguments, "use --duration")
        }
        guard provesHeadroom else { return }
        try refuse(
            "prove-headroom", with: "shards", in: arguments,
            "half of them may not hold the connections")
        for option in ["steps", "search"] {
            try refuse("prove-headroom", with: option, in: arguments, "repeat the rate you want")
        }
        if plan.threads == 1 {
            throw UsageError(
                "--prove-headroom repeats the run with half the threads, and one cannot be "
                    + "halved: give --threads 2 or more")
        }
    }

    private func checkLoops(_ arguments: Arguments) throws(UsageError) {
        let isOpen = course != .single || plan.rate != nil
        if isOpen, arguments.has("pipeline") {
            throw UsageError(
                "--pipeline is for the closed loop: at a rate, --max-outstanding limits what is "
                    + "in flight on a connection")
        }
        for option in ["arrivals", "max-outstanding", "pace"]
        where !isOpen && arguments.has(option) {
            throw UsageError("--\(option) needs --rate: without one nothing is planned")
        }
    }

    private func checkConnections(_ arguments: Arguments) throws(UsageError) {
        for option in ["reqs-per-conn", "conn-lifetime", "pipeline", "max-outstanding"] {
            try refuse("crr", with: option, in: arguments, "it makes one request on a connection")
        }
        guard case .addresses(let addresses) = plan.source else { return }
        if let other = addresses.first(where: { $0.family != plan.target.family }) {
            throw UsageError(
                "--source \(other.host) and the target \(plan.target) are of two families: "
                    + "give addresses of the target's")
        }
    }

    /// Options that mean nothing where each request is a message by itself, and why.
    private static let streamsOnly: [(options: [String], why: String)] = [
        (
            [
                "crr", "reqs-per-conn", "conn-lifetime", "close", "reconnect", "idle",
                "connect-rate", "connect-timeout",
            ], "the server knows of no connection"
        ),
        (["split", "slow-read"], "one is sent and received as a whole"),
        (["max-outstanding"], "none waits for the answer to another, which may be lost"),
    ]

    private func checkDatagrams(_ arguments: Arguments) throws(UsageError) {
        guard plan.socket == .datagram else { return }
        for (options, why) in Options.streamsOnly {
            for option in options where arguments.has(option) {
                throw UsageError("--\(option) does not go with datagrams: \(why)")
            }
        }
        if arguments.has("timeout"), plan.rate != nil || steps != nil || search != nil {
            throw UsageError(
                "--timeout is for the closed loop: at a rate, a datagram may be answered until the "
                    + "run ends; see --drain")
        }
        let allowed = LoadPlan.datagramSizes
        guard allowed.contains(plan.size.smallest), allowed.contains(plan.size.largest) else {
            throw UsageError(
                "--size \(arguments.text("size") ?? ""): a datagram has \(allowed.lowerBound) to "
                    + "\(Units.text(allowed.upperBound)) bytes, of which "
                    + "\(allowed.lowerBound) say which one it is")
        }
    }

    private func checkFiles() throws(UsageError) {
        if let path = jsonPath, path.isEmpty {
            throw UsageError("--json '' is no file; write --json run.json or --json -")
        }
        let named = [
            ("json", jsonPath), ("hgrm", percentilesPath), ("hlog", logPath),
            ("html", pagePath),
        ]
        var seen: [String: String] = [:]
        for case (let option, let path?) in named {
            if option != "json", path.isEmpty || path == "-" {
                throw UsageError(
                    "--\(option) '\(path)' is no file; write --\(option) run.\(option)")
            }
            if let other = seen.updateValue(option, forKey: path), path != "-" {
                throw UsageError("--\(other) and --\(option) both write to \(path): give two files")
            }
        }
    }

    private func checkShard(_ arguments: Arguments) throws(UsageError) {
        if let id = arguments.text("run-id") {
            let isWord = id.utf8.allSatisfy {
                $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
                    || Character(UnicodeScalar($0)).isLetter && $0 < 128
                    || Character(UnicodeScalar($0)).isNumber && $0 < 128
            }
            guard (1...64).contains(id.utf8.count), isWord else {
                throw UsageError("--run-id '\(id)': give up to 64 letters, digits, - _ or .")
            }
        }
        guard shard != nil else { return }
        if !arguments.has("run-id") {
            throw UsageError("--shard needs --run-id ID, the same on every machine")
        }
        if bundled != nil {
            throw UsageError("--shard needs a target: all shards load one server")
        }
        for option in ["steps", "search", "prove-headroom"] {
            try refuse("shard", with: option, in: arguments, "a shard is one run")
        }
        if case .share = course {
            throw UsageError(
                "--shard does not go with --rate \(arguments.text("rate") ?? ""): each machine "
                    + "would find a maximum of its own; give requests per second")
        }
        if arguments.text("warmup") == "auto" {
            throw UsageError(
                "--shard does not go with --warmup auto: shards begin to measure together; "
                    + "give a time")
        }
    }

    private func checkServer(_ arguments: Arguments) throws(UsageError) {
        if bundled != nil { return }
        if arguments.has("server-driver") {
            throw UsageError(
                "--server-driver is for the bundled server; leave out the target or the option"
            )
        }
        var judged = thresholds
        if case .search(let condition) = course { judged.append(condition) }
        if let threshold = judged.first(where: \.needsServer) {
            throw UsageError("'\(threshold.text)' needs the bundled server; leave out the target")
        }
    }
}
