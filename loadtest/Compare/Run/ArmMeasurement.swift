import Flags
import Generator
import Processes
import Reports
import Syscalls

/// One arm measured at one load, once: two processes of it, one after the other.
///
///     process 1    idle memory │ all connections silent │ sparse load │ load at the fixed rate
///     process 2    all connections busy
///
/// The busy load has a process of its own because a server tells its system calls only at its end:
/// so they are those of this load.
struct ArmMeasurement {
    let contender: Contender
    let point: CompareRecord.Point
    let timing: Timing
    /// How long a server may take until it serves.
    let startTimeout: Duration
    let environment: RunRecord.Environment
    let placement: Placement
    let interrupts: Interrupts
    /// What planned times and payloads derive from; the same for all arms of a round.
    let seed: UInt64
    /// Is told what is measured next: "silent", "sparse", "fixed rate", "busy".
    let tell: (String) -> Void

    /// What it gave.
    struct Result {
        var readings: [Reading: Double] = [:]
        /// Those that are known only from below.
        var lowerBounds: Set<Reading> = []
        var doubts: [String] = []
        /// What its processes counted, together.
        var calls: [String: Int] = [:]
        /// Whether memory that processes share was divided between them.
        var isMemoryDivided = true

        mutating func add(_ ended: ArmServer.Ended) {
            calls.merge(ended.calls ?? [:], uniquingKeysWith: +)
        }

        /// Keeps a quantile of the response, in seconds; one that depends on requests that were
        /// given up is known only from below.
        mutating func take(_ reading: Reading, at quantile: Double, of load: WatchedLoad) {
            guard let value = load.measurement.response.value(at: quantile) else { return }
            readings[reading] = Double(value.nanoseconds) / 1e9
            if value.isLowerBound { lowerBounds.insert(reading) }
        }

        mutating func doubt(_ load: String, _ doubts: [String]) {
            self.doubts += doubts.map { "\(load): \($0)" }
        }
    }

    var connections: Int { contender.connections(of: point.connections) }

    /// How long opening all connections and the first answer on the last may take.
    private static let opening = Duration.seconds(30)

    /// Measures everything; `probe` is what the same arm showed there before.
    func measure(after probe: ArmProbe) throws(ArmFailure) -> Result {
        var result = Result()
        try measurePresence(&result)
        try measureBusy(after: probe, &result)
        return result
    }

    func start() throws(ArmFailure) -> ArmServer {
        try placement.starting { () throws(ArmFailure) in
            try ArmServer.start(contender, within: startTimeout, interrupts)
        }
    }

    func plan(for server: ArmServer) -> LoadPlan {
        var plan = LoadPlan(target: server.process.address)
        plan.connections = connections
        plan.size = .fixed(point.size)
        plan.threads = min(placement.threads, connections)
        plan.seed = seed
        plan.serverProcess = server.process.id
        plan.duration = timing.measured
        plan.warmup = .fixed(timing.warmup(connections: connections, contender.shape))
        plan.connectTimeout = Self.opening
        return plan
    }

    func run(_ plan: LoadPlan, on server: ArmServer) throws(ArmFailure) -> WatchedLoad {
        do throws(ArmFailure) {
            return try WatchedLoad.run(
                plan, on: server.process, in: environment, interrupts: interrupts)
        } catch .failed(let reason) {
            // What it said at its end may tell why.
            if server.process.isRunning { throw .failed(reason) }
            let ended = server.process.stop()
            throw .failed("\(reason); it ended with code \(ended.exitCode)\(ended.lastWords)")
        }
    }

    // Process 1.

    private func measurePresence(_ result: inout Result) throws(ArmFailure) {
        let server = try start()
        try measureSilence(server, &result)
        try settle(server)
        try measureSparse(server, &result)
        try settle(server)
        try measureFixed(server, &result)
        result.add(try server.stop())
    }

    /// What it takes to be there: before the first connection, and with all of them silent.
    private func measureSilence(_ server: ArmServer, _ result: inout Result) throws(ArmFailure) {
        tell("silent")
        let idle = ProcessTree(of: server.process.id).memory
        let crowd = try openCrowd(server)
        let tree = ProcessTree(of: server.process.id)
        result.readings[.idleCPU] = try idleShare(of: tree)
        let open = tree.memory
        result.readings[.idleMemory] = Double(idle.total)
        // More of a program in RAM than before is no connection's. A server that gave memory back
        // meanwhile needed none.
        result.readings[.connectionMemory] =
            Double(max(0, open.anonymous - idle.anonymous)) / Double(connections)
        result.isMemoryDivided = open.isDivided && idle.isDivided
        let size = tree.size
        crowd.close()
        result.readings[.threads] = Double(size.threads)
        result.readings[.processes] = Double(size.processes)
    }

    private func openCrowd(_ server: ArmServer) throws(ArmFailure) -> SilentCrowd {
        do throws(SilentCrowd.Failure) {
            return try SilentCrowd(
                of: connections, to: server.process.address,
                until: .now.advanced(by: Self.opening))
        } catch {
            throw .failed("\(error)")
        }
    }

    /// CPU time per second while all connections are silent.
    private func idleShare(of tree: ProcessTree) throws(ArmFailure) -> Double {
        let (before, began) = (tree.cpuNanoseconds, Instant.now)
        try interrupts.wait(timing.silence)
        let elapsed = max(1, began.nanoseconds(to: .now))
        return Double(tree.cpuNanoseconds - before) / Double(elapsed)
    }

    /// Waits until the server has let go of the processes and threads that the last connections
    /// had: until their number holds still.
    private func settle(_ server: ArmServer) throws(ArmFailure) {
        var last = ProcessTree.Size()
        var looks = 0
        for _ in 0..<Self.looksMax where looks < Self.looksAlike {
            try interrupts.wait(Self.look)
            let size = ProcessTree(of: server.process.id).size
            looks = size == last ? looks + 1 : 0
            last = size
        }
    }

    /// Between two looks, how many alike mean that it holds still, and how many there are at most.
    private static let look = Duration.milliseconds(20)
    private static let (looksAlike, looksMax) = (2, 250)

    /// Most connections silent, a few talk at a rate that is the same for all arms.
    private func measureSparse(_ server: ArmServer, _ result: inout Result) throws(ArmFailure) {
        tell("sparse")
        var plan = plan(for: server)
        plan.connections = min(point.sparseConnections, connections)
        plan.idle = connections - plan.connections
        plan.threads = min(plan.threads, plan.connections)
        plan.rate = point.sparseRate
        let load = try run(plan, on: server)
        result.readings[.sparseCPU] = load.cpuPerMessage
        result.take(.sparseP99, at: 0.99, of: load)
        result.doubt("sparse", load.doubts)
    }

    /// Every connection at a rate that is the same for all arms.
    private func measureFixed(_ server: ArmServer, _ result: inout Result) throws(ArmFailure) {
        tell("fixed rate")
        var plan = plan(for: server)
        plan.rate = point.fixedRate
        let load = try run(plan, on: server)
        result.take(.p50, at: 0.5, of: load)
        result.take(.p99, at: 0.99, of: load)
        result.doubt("fixed", load.doubts)
    }

    // Process 2.

    private func measureBusy(after probe: ArmProbe, _ result: inout Result) throws(ArmFailure) {
        tell("busy")
        let server = try start()
        let load = try run(plan(for: server), on: server)
        let ended = try server.stop()
        result.readings[.rate] = load.measurement.rate
        if load.isGeneratorTheLimit { result.lowerBounds.insert(.rate) }
        result.readings[.cpu] = load.cpuPerMessage
        if let switches = load.switchesPerSecond {
            result.readings[.switches] = switches / load.measurement.rate
        }
        result.readings[.calls] = ServerLife(ended.calls, messages: load.messages)?
            .callsPerMessage(beyond: probe.setUp)
        result.doubt("busy", load.doubts)
        result.add(ended)
    }

    // Before the rounds.

    /// Finds out what the arm can do, in one process, and what its connections take, in another.
    func probe() throws(ArmFailure) -> ArmProbe {
        tell("busy")
        let busy = try start()
        var short = plan(for: busy)
        short.duration = timing.probe
        let rate = try run(short, on: busy).measurement.rate
        let busyCalls = try busy.stop().calls ?? [:]
        let setUp = try start()
        var once = plan(for: setUp)
        once.duration = nil
        once.requests = connections
        once.warmup = .fixed(.zero)
        let load = try run(once, on: setUp)
        let calls = try setUp.stop().calls
        return ArmProbe(
            rate: rate, setUp: ServerLife(calls, messages: load.messages),
            calls: busyCalls.merging(calls ?? [:], uniquingKeysWith: +))
    }
}

/// What an arm showed before the rounds.
struct ArmProbe: Sendable {
    /// Answers per second of a short busy load.
    var rate: Double
    /// What a life of the server counts in which each connection gets one answer.
    var setUp: ServerLife?
    /// What its processes counted, together.
    var calls: [String: Int] = [:]
}

/// What one server process counted from its start to its end: system calls, for so many messages.
struct ServerLife: Sendable, Equatable {
    var calls: Int
    var messages: Int

    /// Nil for a server that does not count.
    init?(_ calls: [String: Int]?, messages: Int) {
        guard let calls else { return nil }
        self.calls = calls.values.reduce(0, +)
        self.messages = messages
    }

    /// System calls for one message more: what this life had more than a short one with the same
    /// connections, whose opening and closing so is in neither.
    func callsPerMessage(beyond short: ServerLife?) -> Double? {
        guard let short, messages > 2 * short.messages, calls >= short.calls else { return nil }
        return Double(calls - short.calls) / Double(messages - short.messages)
    }
}

/// What ends the measurement of an arm before its time.
enum ArmFailure: Error, Equatable, Sendable {
    /// This machine cannot host it.
    case notHosted(String)
    /// It does not echo as it must.
    case incorrect([String])
    /// It could not be measured to the end.
    case failed(String)
    /// A signal asked for the end of everything.
    case interrupted(CInt)
}

/// A signal that ends the whole comparison.
struct Interrupted: Error {
    let signal: CInt
}

/// The signals that end a comparison: blocked before, so that they wait to be taken here, and
/// looked for wherever the comparison waits.
package struct Interrupts: Sendable {
    private let signals: SignalSet

    /// Takes signals that are blocked already.
    package init(_ signals: SignalSet) { self.signals = signals }

    /// Waits so long; throws `interrupted` at once when a signal comes, or has come before.
    func wait(_ duration: Duration) throws(ArmFailure) {
        if let signal = signals.wait(nanoseconds: max(0, duration.wholeNanoseconds)) {
            throw .interrupted(signal)
        }
    }

    /// Throws `interrupted` when a signal has come.
    func check() throws(ArmFailure) { try wait(.zero) }
}
