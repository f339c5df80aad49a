import Flags
import Generator
import Reports
import Syscalls

/// What it takes to measure one arm at one load: two processes of it, one after the other.
///
///     process 1    idle memory │ all connections silent │ sparse load │ load at the fixed rate
///     process 2    everybody busy
///
/// The busy load has a process of its own because a server tells its system calls only at its end:
/// so they are those of this load.
struct Trial {
    let contender: Contender
    let point: CompareRecord.Point
    let timing: Timing
    let environment: RunRecord.Environment
    let placement: Placement
    let pulse: Pulse
    /// What planned times and payloads derive from; the same for all arms of a round.
    let seed: UInt64

    /// What one trial gave.
    struct Result {
        var readings: [Reading: Double] = [:]
        var doubts: [String] = []
        /// What its processes counted, together.
        var calls: [String: Int] = [:]
        /// Whether memory that processes share was divided between them.
        var isMemoryDivided = true

        mutating func add(_ ended: ArmServer.Ended) {
            calls.merge(ended.calls ?? [:], uniquingKeysWith: +)
        }

        mutating func doubt(_ load: String, _ doubts: [String]) {
            self.doubts += doubts.map { "\(load): \($0)" }
        }
    }

    /// What a short busy load showed before the rounds.
    struct Pilot: Sendable {
        /// Answers per second.
        var rate: Double
        /// Answers in all, those of the warm-up included.
        var messages: Int
        /// System calls that the server counted; nil for one that does not count.
        var calls: [String: Int]?
    }

    private var connections: Int { contender.connections(of: point.connections) }

    /// How long opening all connections and the first answer on the last may take.
    private static let opening = Duration.seconds(30)

    /// Finds out what the arm can do.
    func pilot() throws(Trouble) -> Pilot {
        let server = try start()
        var plan = plan(for: server)
        plan.duration = timing.pilot
        let load = try run(plan, on: server)
        let ended = try server.stop()
        return Pilot(
            rate: load.measurement.rate, messages: load.messages, calls: ended.calls)
    }

    /// Measures everything; `pilot` is what the same arm showed at this load.
    func measure(after pilot: Pilot) throws(Trouble) -> Result {
        var result = Result()
        try measurePresence(&result)
        try measureBusy(after: pilot, &result)
        return result
    }

    private func start() throws(Trouble) -> ArmServer {
        do throws(Pulse.Interrupted) { try pulse.check() } catch { throw Trouble(error) }
        return try placement.starting { () throws(Trouble) in try ArmServer.start(contender) }
    }

    private func plan(for server: ArmServer) -> LoadPlan {
        var plan = LoadPlan(target: server.process.address)
        plan.connections = connections
        plan.size = .fixed(point.size)
        plan.threads = min(placement.threads, connections)
        plan.seed = seed
        plan.serverProcess = server.process.id
        plan.duration = timing.measured
        plan.warmup = .fixed(timing.warmup(connections: connections))
        plan.connectTimeout = Self.opening
        return plan
    }

    private func run(_ plan: LoadPlan, on server: ArmServer) throws(Trouble) -> WatchedLoad {
        do throws(Trouble) {
            return try WatchedLoad.run(plan, on: server.process, in: environment, pulse: pulse)
        } catch .failed(let reason) {
            // What it said at its end may tell why.
            if server.process.isRunning { throw .failed(reason) }
            let ended = server.process.stop()
            throw .failed("\(reason); it ended with code \(ended.exitCode)\(ended.lastWords)")
        }
    }

    // Process 1.

    private func measurePresence(_ result: inout Result) throws(Trouble) {
        let server = try start()
        try measureSilence(server, &result)
        try measureSparse(server, &result)
        try measureFixed(server, &result)
        result.add(try server.stop())
    }

    /// What it takes to be there: before the first connection, and with all of them silent.
    private func measureSilence(_ server: ArmServer, _ result: inout Result) throws(Trouble) {
        let idle = ProcessTree(of: server.process.id).memory
        let crowd = try openCrowd(server)
        let tree = ProcessTree(of: server.process.id)
        result.readings[.idleCPU] = try idleShare(of: tree)
        let open = tree.memory
        crowd.close()
        result.readings[.idleMemory] = Double(idle.total)
        // More of a program in RAM than before is no connection's. A server that gave memory back
        // meanwhile needed none.
        result.readings[.connectionMemory] =
            Double(max(0, open.anonymous - idle.anonymous)) / Double(connections)
        result.isMemoryDivided = open.isDivided && idle.isDivided
        result.readings[.threads] = Double(tree.threads)
        result.readings[.processes] = Double(tree.members.count)
    }

    private func openCrowd(_ server: ArmServer) throws(Trouble) -> SilentCrowd {
        do throws(SilentCrowd.Failure) {
            return try SilentCrowd(
                of: connections, to: server.process.address,
                until: .now.advanced(by: Self.opening))
        } catch {
            throw .failed("\(error)")
        }
    }

    /// CPU time per second while nobody says anything.
    private func idleShare(of tree: ProcessTree) throws(Trouble) -> Double {
        let (before, began) = (tree.cpuNanoseconds, Instant.now)
        do throws(Pulse.Interrupted) { try pulse.wait(timing.silence) } catch {
            throw Trouble(error)
        }
        let elapsed = max(1, began.nanoseconds(to: .now))
        return Double(tree.cpuNanoseconds - before) / Double(elapsed)
    }

    /// Most connections silent, a few talk at a rate that is the same for all arms.
    private func measureSparse(_ server: ArmServer, _ result: inout Result) throws(Trouble) {
        var plan = plan(for: server)
        plan.connections = min(point.sparseConnections, connections)
        plan.idle = connections - plan.connections
        plan.threads = min(plan.threads, plan.connections)
        plan.rate = point.sparseRate
        let load = try run(plan, on: server)
        result.readings[.sparseCPU] = load.measurement.serverCPUPerRequest
        result.readings[.sparseP99] = load.seconds(at: 0.99)
        result.doubt("sparse", load.doubts)
    }

    /// Every connection at a rate that is the same for all arms.
    private func measureFixed(_ server: ArmServer, _ result: inout Result) throws(Trouble) {
        var plan = plan(for: server)
        plan.rate = point.fixedRate
        let load = try run(plan, on: server)
        result.readings[.p50] = load.seconds(at: 0.5)
        result.readings[.p99] = load.seconds(at: 0.99)
        result.doubt("fixed", load.doubts)
    }

    // Process 2.

    private func measureBusy(after pilot: Pilot, _ result: inout Result) throws(Trouble) {
        let server = try start()
        let load = try run(plan(for: server), on: server)
        let ended = try server.stop()
        result.readings[.rate] = load.measurement.rate
        result.readings[.cpu] = load.measurement.serverCPUPerRequest
        if let switches = load.switchesPerSecond {
            result.readings[.switches] = switches / load.measurement.rate
        }
        result.readings[.calls] = pilot.callsPerMessage(
            until: ended.calls, messages: load.messages)
        result.doubt("busy", load.doubts)
        result.add(ended)
    }
}

extension Trial.Pilot {
    /// System calls for one more message: what a longer life of a server had more than this shorter
    /// one, for the messages that it had more.
    ///
    /// Both opened and closed the same connections, so what that takes is in neither. Nil when
    /// nothing was counted, or the lives were too much alike to tell.
    func callsPerMessage(until calls: [String: Int]?, messages: Int) -> Double? {
        guard let before = self.calls, let calls, messages > self.messages * 5 / 4 else {
            return nil
        }
        let sum = { (counts: [String: Int]) in counts.values.reduce(0.0) { $0 + Double($1) } }
        let perMessage = (sum(calls) - sum(before)) / Double(messages - self.messages)
        return perMessage >= 0 ? perMessage : nil
    }
}

extension WatchedLoad {
    /// Answers in all, those of the warm-up included.
    fileprivate var messages: Int {
        measurement.ledger.answered + measurement.warmup.answered.count
    }

    /// A quantile of the response, or the least that it is known to be, in seconds.
    fileprivate func seconds(at quantile: Double) -> Double? {
        measurement.response.value(at: quantile).map { Double($0.nanoseconds) / 1e9 }
    }
}
