import Glibc
import Swiftlet
import Syscalls

/// A simulated world: hosts, a network between them, and one clock that jumps.
///
/// The body of a simulation is given one. It runs on a host of its own, called "test", so that a
/// test that needs only one machine never names any.
public final class World: Sendable {
    let kernel: SharedKernel
    let scheduler: Scheduler
    private let test: SimulatedHost
    private let others = Guarded<[SimulatedHost]>([])
    private let userRandom: SharedRandom
    private let thread = UInt(pthread_self())

    init(seed: UInt64, keeping lines: Int) {
        // The order of these three is part of what a seed means.
        var random = SeededRandom(seed: seed)
        let choices = SharedRandom(random.split())
        var kernel = Kernel(random: random.split())
        userRandom = SharedRandom(random.split())
        kernel.trace = Trace(keeping: lines)
        self.kernel = SharedKernel(kernel)
        scheduler = Scheduler(self.kernel, choices: choices)
        test = SimulatedHost("test", in: scheduler)
        // Keeps the world until the scheduler finishes.
        scheduler.onPowerChange { self.make($0) }
    }

    /// The network between the hosts, and what goes wrong in it and on them.
    public var network: Network { Network(kernel) }

    // MARK: Hosts

    /// Adds a host, which is up and runs what it is told. No two hosts have the same name.
    public func host(_ name: String) -> SimulatedHost { add(name, running: nil) }

    /// Adds a host that runs a program from now on, and from the start again after each restart.
    ///
    /// An error that the program throws while the host is up fails the simulation.
    ///
    /// - Parameters:
    ///   - name: what it is called in reports; no other host is called so.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - program: what it runs.
    /// - Returns: the host.
    public func host(
        _ name: String, file: SourceFile = #fileID, line: UInt32 = #line,
        program: @escaping @Sendable () async throws -> Void
    ) -> SimulatedHost {
        add(name, running: SimulatedHost.Program(file: file, line: line, body: program))
    }

    /// All hosts in the order in which they were added; the first is that of the body.
    public var hosts: [SimulatedHost] { [test] + others.withLock { $0 } }

    private func add(_ name: String, running program: SimulatedHost.Program?) -> SimulatedHost {
        precondition(
            UInt(pthread_self()) == thread,
            "a host is added by code that runs inside of the simulation, on its one thread")
        precondition(
            !hosts.contains { $0.name == name }, "there is a host called '\(name)' already")
        let host = SimulatedHost(name, in: scheduler, program: program)
        others.withLock { $0.append(host) }
        return host
    }

    /// Crashes a host, or starts it again, because a fault says so.
    private func make(_ change: PowerChange) {
        let host = hosts[change.host.index]
        if host.isUp, !change.isOn { host.crash() }
        if !host.isUp, change.isOn { host.restart() }
    }

    // MARK: Time and chance

    /// The present instant of the world, which began at 0 ns. A host's own clock may differ.
    public var now: Instant { kernel.use { $0.now } }

    /// How much time has passed in the world.
    public var elapsed: Duration { Instant(nanoseconds: 0).duration(to: now) }

    /// Random numbers that the seed decides, for the test's own use; what is drawn here changes
    /// nothing else.
    public var random: SharedRandom {
        get { userRandom }
        // All copies draw from the same stream: a draw has nothing to put back.
        set {}
    }

    // MARK: What goes wrong

    /// Whether an error that no code handles ends the run as a failure, as it does at first: one
    /// that a task of `spawn` throws, also when it is awaited, or a handler of a server without
    /// `onError`. Where a test breaks connections on purpose it sets this to false; such errors
    /// then stand in the trace only.
    ///
    /// It is no such error that a task was cancelled, that its loop ends, or what happens to the
    /// tasks of a host that has crashed; nor what `SimulatedHost.run` throws, as its caller gets
    /// that.
    public var failsOnUnhandledErrors: Bool {
        get { scheduler.failsOnUnhandledErrors.withLock { $0 } }
        set { scheduler.failsOnUnhandledErrors.withLock { $0 = newValue } }
    }

    // MARK: What happened

    /// The last events, a line each: which task ran, parked and went on, which bytes went where,
    /// and when.
    public var trace: String { traceLines.joined(separator: "\n") }

    /// Puts a line of the test's own into the trace, at this instant and on the host whose task
    /// calls; `#` comes before it.
    ///
    /// It counts for `traceDigest`, so it must be the same in each run of a seed.
    public func note(_ text: String) {
        let host = EventLoop.current.flatMap { scheduler.host(of: $0) } ?? test.id
        kernel.use { $0.trace.add(.host(.noted(text)), on: host, at: $0.now) }
    }

    /// A fingerprint of every event until now, also of those that `trace` has no more: two runs of
    /// the same code with the same seed have the same, in every build.
    public var traceDigest: UInt64 { kernel.use { $0.trace.digest.value } }

    /// Every socket of every host, a line each.
    public var socketTable: String { kernel.use { $0.socketTable }.joined(separator: "\n") }

    var traceLines: [String] {
        kernel.use { kernel in kernel.trace.text(hosts: kernel.hosts.map(\.name)) }
    }

    // MARK: The body

    /// Starts the body on its host.
    func start(
        file: SourceFile, line: UInt32, _ body: @escaping @Sendable () async -> Void
    ) {
        do throws(HostIsDown) {
            try test.spawn(name: "body", file: file, line: line, body)
        } catch {
            preconditionFailure("the host of the body is up: \(error)")
        }
    }

    /// Ends every host; says what does not end although it is cancelled, nil when all has.
    func finish(turns: Int) -> String? {
        let limits = Limits(turns: turns, time: now.advanced(by: World.grace))
        switch scheduler.finish(limits: limits) {
        case .done, .failed: return nil
        case .standsStill: return "a task does not end although it is cancelled"
        case .turnsInPlace(let host):
            return
                "a task of host '\(hosts[host.index].name)' runs and runs although it is cancelled"
        case .timeIsOver: return "a task goes on for more than \(World.grace) after the end"
        }
    }

    /// How long tasks that ignore cancellation may take to end.
    private static let grace = Duration.seconds(3600)

    /// Says which host still holds a descriptor; nil when none does.
    var openDescriptors: String? {
        let left = kernel.use { kernel in
            kernel.hosts.filter { $0.openCount > 0 }
                .map { host in
                    let count = host.openCount
                    return "\(count) open descriptor\(count == 1 ? "" : "s") of host '\(host.name)'"
                }
        }
        return left.isEmpty ? nil : left.joined(separator: ", ")
    }

    /// Says which host closed a descriptor while its driver watched it; nil when none did.
    var interestLeft: String? {
        kernel.use { kernel in
            kernel.hosts.lazy.compactMap { host in
                host.closedWhileWatched.first.map {
                    "interest of host '\(host.name)' in descriptor \($0.number), which it closed"
                }
            }.first
        }
    }

    /// Closes what the hosts hold, and releases what could keep the world alive in a cycle.
    func close() {
        scheduler.close()
        for host in hosts { host.forgetProgram() }
    }
}
