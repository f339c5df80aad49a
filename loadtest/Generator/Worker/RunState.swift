import Processes
import Statistics
import Synchronization
import Syscalls

/// What the threads of a run share: how far the run is, and whether it is to end.
///
/// The phases need no barrier beyond one. When the last connection is up, `connectedAt` is set, and
/// from then on every thread reads the phase from the clock: warm-up until `measureFrom`, measuring
/// until `measureUntil`. Each thread opens and closes the measured time on its own first look after
/// those instants.
final class RunState: Sendable {
    let plan: LoadPlan
    /// The one origin of all times in the report.
    let origin: Instant
    /// What each worker opens its connections from at the start.
    let sources: Sources
    /// One for each worker.
    let desks: [WorkerDesk]
    /// Readable when the last worker has ended.
    let ended: WakeSignal

    private let connectionsUp = Atomic<Int>(0)
    /// Nanoseconds of the monotonic clock; 0 until all connections are up.
    private let connectedNanoseconds = Atomic<Int64>(0)
    /// When measuring begins, where the warm-up decides it; 0 until it has.
    private let steadyNanoseconds = Atomic<Int64>(0)
    private let steadiness = Guarded<Bool?>(nil)
    private let connectFailure = Atomic<Bool>(false)
    private let stopSignal = Atomic<Int32>(0)
    private let drainNanoseconds = Atomic<Int64>(0)
    /// Measured requests that no worker has taken yet; unused when the plan sets no number.
    private let requestsLeft: Atomic<Int>
    private let workersMeasuring: Atomic<Int>
    private let workersRunning: Atomic<Int>
    let serverSamples = Guarded(ServerSamples())
    let kernelAtStart = KernelCounters.read()

    init(plan: LoadPlan, workers: Int) throws(Errno) {
        self.plan = plan
        sources = Sources(for: plan)
        origin = .now
        ended = try WakeSignal()
        var desks: [WorkerDesk] = []
        for _ in 0..<workers { desks.append(try WorkerDesk()) }
        self.desks = desks
        requestsLeft = Atomic(plan.requests ?? 0)
        workersMeasuring = Atomic(workers)
        workersRunning = Atomic(workers)
    }

    // Connecting.

    /// Counts a connection that came up; the last one starts the clock of all workers.
    func countConnectionUp() {
        let count = connectionsUp.add(1, ordering: .acquiringAndReleasing).newValue
        guard count == plan.connections + plan.idle, !hasConnectFailed else { return }
        sampleServer { $0.connected = $1 }
        connectedNanoseconds.store(Instant.now.nanoseconds, ordering: .releasing)
        wakeAll()
    }

    /// Ends the opening of connections: one could not be opened, so there will be too few.
    func failConnecting() {
        if !connectFailure.exchange(true, ordering: .relaxed) { wakeAll() }
    }

    var hasConnectFailed: Bool { connectFailure.load(ordering: .relaxed) }

    var connectedAt: Instant? {
        let time = connectedNanoseconds.load(ordering: .acquiring)
        return time == 0 ? nil : Instant(nanoseconds: time)
    }

    // The measured time.

    /// Nil before all are up, and while an automatic warm-up has not decided it.
    var measureFrom: Instant? {
        if case .auto = plan.warmup {
            let time = steadyNanoseconds.load(ordering: .acquiring)
            return time == 0 ? nil : Instant(nanoseconds: time)
        }
        return warmFrom?.advanced(by: plan.fixedWarmup)
    }

    /// When the load has its full height.
    var warmFrom: Instant? { connectedAt?.advanced(by: plan.ramp) }

    /// Ends an automatic warm-up: measuring begins at `time`, whether the load is steady or not.
    func endWarmUp(at time: Instant, isSteady: Bool) {
        steadiness.withLock { $0 = isSteady }
        steadyNanoseconds.store(time.nanoseconds, ordering: .releasing)
        wakeAll()
    }

    /// Whether the load was steady when measuring began; nil when the warm-up was fixed.
    var wasSteady: Bool? { steadiness.withLock { $0 } }

    /// Nil before measuring has a beginning; never when only a number of requests ends the run.
    var measureUntil: Instant? {
        guard let measureFrom else { return nil }
        return plan.duration.map { measureFrom.advanced(by: $0) } ?? .never
    }

    /// Takes a batch of the measured requests, or what is left of them.
    ///
    /// All of them at once would leave those of a worker that loses its connections unsent.
    func takeRequests() -> Int {
        guard let total = plan.requests else { return .max }
        let batch = max(1, min(64, total / (desks.count * 16)))
        let left = requestsLeft.subtract(batch, ordering: .relaxed).oldValue
        if left >= batch { return batch }
        requestsLeft.add(batch - max(left, 0), ordering: .relaxed)
        return max(left, 0)
    }

    /// Gives back what a worker can no longer send.
    func giveBack(requests: Int) {
        if plan.requests != nil { requestsLeft.add(requests, ordering: .relaxed) }
    }

    /// Notes that a worker has begun to measure.
    func noteMeasuringBegun() {
        sampleServer { samples, usage in
            if samples.opened == nil { samples.opened = usage }
        }
    }

    /// Notes that a worker no longer measures: with the last one the server's share is read too.
    func noteMeasuringEnded(at time: Instant) {
        guard workersMeasuring.subtract(1, ordering: .relaxed).newValue == 0 else { return }
        drainNanoseconds.store(time.nanoseconds, ordering: .relaxed)
        sampleServer { $0.closed = $1 }
    }

    /// Nanoseconds of CPU that the server took since the last look, or since the run began; nil
    /// where its processes are not known.
    func serverTime() -> Int64? {
        var used: Int64?
        sampleServer { samples, usage in
            let before = samples.looked ?? samples.started?.cpuNanoseconds
            used = before.map { max(0, usage.cpuNanoseconds - $0) }
            samples.looked = usage.cpuNanoseconds
        }
        return used
    }

    /// Reads what the server's processes have used, when the plan names them.
    func sampleServer(_ keep: (inout ServerSamples, ProcessUsage) -> Void) {
        // One that is gone has nothing to read; its connections say so.
        let usages = plan.serverProcesses.compactMap { try? ProcessUsage.read($0) }
        if usages.isEmpty { return }
        let sum = ProcessUsage(
            cpuNanoseconds: usages.reduce(0) { $0 + $1.cpuNanoseconds },
            residentBytes: usages.reduce(0) { $0 + $1.residentBytes })
        serverSamples.withLock { keep(&$0, sum) }
    }

    // The end.

    /// The signal that ended the run early, if one did.
    var interruption: Int32? {
        let signal = stopSignal.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// Ends the run because a worker cannot go on: what the others see is not what was asked for.
    func failRun() { interrupt(signal: RunState.failure) }

    /// Stands for the signal where none asked for the end.
    static let failure = Int32.min

    func interrupt(signal: Int32) {
        _ = stopSignal.compareExchange(expected: 0, desired: signal, ordering: .relaxed)
        wakeAll()
    }

    /// Notes that a worker has nothing left to do.
    func noteWorkerEnded() {
        if workersRunning.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            ended.raise()
        }
    }

    var isFinished: Bool { workersRunning.load(ordering: .acquiring) == 0 }

    private func wakeAll() {
        for desk in desks { desk.wake.raise() }
    }

    /// Which phase the run is in, and since when.
    func phase(at now: Instant) -> (Progress.Phase, since: Instant) {
        if isFinished { return (.done, now) }
        guard let connectedAt else { return (.connecting, origin) }
        let drain = drainNanoseconds.load(ordering: .relaxed)
        if drain != 0 { return (.draining, Instant(nanoseconds: drain)) }
        guard let measureFrom, now >= measureFrom else { return (.warmup, connectedAt) }
        return (.measuring, measureFrom)
    }
}

/// Where a worker can be reached, and what it lets others see.
final class WorkerDesk: Sendable {
    let wake: WakeSignal
    let published = Guarded(Published())
    let result = Guarded<WorkerResult?>(nil)

    init() throws(Errno) { wake = try WakeSignal() }
}

/// What a worker shows of itself, ten times a second.
struct Published: Sendable {
    var connectionsUp = 0
    var inFlight = 0
    var answered = 0
    var errors: [ErrorRow] = []
    /// Nanoseconds of CPU of the worker's thread.
    var cpu: Int64 = 0
    /// They grow until `progress` takes them.
    var latencies = Latencies()
}

/// What the server's processes had used at the marks of the run.
struct ServerSamples: Sendable {
    var started: ProcessUsage?
    var connected: ProcessUsage?
    var opened: ProcessUsage?
    var closed: ProcessUsage?
    /// Its processor time at the end of the last interval, in nanoseconds.
    var looked: Int64?

    var usage: Measurement.ServerUsage? {
        guard let started, let connected, let opened, let closed else { return nil }
        return Measurement.ServerUsage(
            cpu: Double(closed.cpuNanoseconds - opened.cpuNanoseconds) / 1e9,
            residentBefore: started.residentBytes,
            residentConnected: connected.residentBytes,
            residentAfter: closed.residentBytes
        )
    }
}
