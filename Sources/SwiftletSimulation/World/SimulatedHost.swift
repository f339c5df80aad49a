import Swiftlet
import Syscalls

/// The identity of a simulated host, in the order in which hosts were added, from 0.
struct HostID: Hashable, Sendable {
    let index: Int
}

/// A simulated machine: it has an address, a loop, sockets and a clock of its own, and can crash.
///
/// Its methods are called by code that runs inside the simulation.
public final class SimulatedHost: Sendable {
    /// What it is called in reports.
    public let name: String
    let id: HostID
    let scheduler: Scheduler
    /// What it runs each time that it starts.
    private let program: Guarded<Program?>
    private let state: Guarded<State>
    /// Tasks that wait until it listens.
    let awaited = AwaitedPorts()

    /// What a host runs, and where in the source it was given.
    struct Program: Sendable {
        let file: SourceFile
        let line: UInt32
        let body: @Sendable () async throws -> Void
    }

    private struct State: Sendable {
        /// Nil while the host is down.
        var loop: SteppedLoop?
        var crashes = 0
    }

    init(_ name: String, in scheduler: Scheduler, program: Program? = nil) {
        self.name = name
        self.scheduler = scheduler
        self.program = Guarded(program)
        id = scheduler.kernel.use { $0.addHost(named: name) }
        state = Guarded(State(loop: scheduler.addLoop(of: id, awaited)))
        startProgram()
    }

    /// An address of this host: 10.0.0.1 for the body's own, 10.0.0.2 for the host that was added
    /// first, and so on.
    public func address(port: UInt16) -> SocketAddress { id.address(port: port) }

    /// An IPv6 address of this host: fd00::1 for the body's own, fd00::2 for the next.
    public func ipv6Address(port: UInt16) -> SocketAddress { id.ipv6Address(port: port) }

    /// Waits until the host listens on a port: until its program is ready for connections, also
    /// after a restart. When it does already, that is at once.
    ///
    /// ```swift
    /// let server = world.host("server") { try await StreamServer.serve(on: "0.0.0.0:80") { … } }
    /// try await server.untilListening(port: 80)
    /// ```
    ///
    /// - Parameter port: the port.
    /// - Throws: `CancellationError` when the calling task is cancelled.
    public func untilListening(port: UInt16) async throws {
        await awaited.wait(for: port) { [id, scheduler] in
            scheduler.kernel.use { $0.hosts[id].isListening(on: port) }
        }
        try Task.checkCancellation()
    }

    /// Whether the host has power.
    public var isUp: Bool { state.withLock { $0.loop != nil } }

    /// What the host's loop has done since the host started; nil while it is down.
    public var statistics: LoopStatistics? { state.withLock { $0.loop }?.statistics }

    /// How many descriptors the host's program may have open, at first 20,000; beyond it, opening a
    /// socket and accepting a connection fail with `EMFILE`. Descriptors that are open stay so.
    public var descriptorLimit: Int {
        get { scheduler.kernel.use { $0.hosts[id].descriptorLimit } }
        set {
            precondition(newValue >= 0, "a limit of descriptors is at least 0")
            scheduler.kernel.use { $0.hosts[id].descriptorLimit = newValue }
        }
    }

    // MARK: Power

    /// Takes the power away: its sockets are gone without a word to their peers, and its tasks are
    /// cancelled.
    ///
    /// A task cannot be stopped where it stands as a machine can. It goes on until it ends, but
    /// whatever it does to a socket fails and has no effect. A host that is down stays so.
    public func crash() {
        guard isUp else { return }
        state.withLock {
            $0.loop = nil
            $0.crashes += 1
        }
        scheduler.kernel.use { kernel in
            kernel.crash(id)
            kernel.trace.add(.host(.crashed), on: id, at: kernel.now)
        }
        scheduler.beginEnding(loopOf: id)
    }

    /// Gives the power back: the host has no socket, knows of no connection, and runs its program
    /// from the start. One that is up crashes first. After the end of the body no host starts
    /// again.
    public func restart() {
        crash()
        guard !scheduler.isEnding else { return }
        scheduler.kernel.use { kernel in
            kernel.restart(id)
            kernel.trace.add(.host(.restarted), on: id, at: kernel.now)
        }
        let loop = scheduler.addLoop(of: id, awaited)
        state.withLock { $0.loop = loop }
        startProgram()
    }

    /// What finds other hosts by their names.
    private var resolver: SimulatedResolver {
        SimulatedResolver(kernel: scheduler.kernel, host: id)
    }

    private var crashes: Int { state.withLock { $0.crashes } }

    private func startProgram() {
        guard let program = program.withLock({ $0 }), let loop = state.withLock({ $0.loop }) else {
            return
        }
        let crashes = crashes
        do throws(IOError) {
            try loop.loop.spawn(
                name: "program of \(name)", file: program.file, line: program.line
            ) { [self] in
                do {
                    try await Resolving.$resolver.withValue(resolver) { try await program.body() }
                } catch {
                    // A program that a crash cuts off may throw.
                    if crashes == self.crashes { scheduler.fail(name, error) }
                }
            }
        } catch {
            preconditionFailure("a loop that was made just now has ended: \(error)")
        }
    }

    /// Releases the program, which may keep the world alive.
    func forgetProgram() { program.withLock { $0 = nil } }

    // MARK: Tasks

    /// Starts a task on this host, and returns at once.
    ///
    /// It is cancelled when the host crashes and when the body of the simulation has ended. What it
    /// throws stands in the trace and fails the run, as `World.failsOnUnhandledErrors` says.
    ///
    /// - Parameters:
    ///   - name: what the task is called in reports.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what the task does.
    /// - Returns: the task, to await or to cancel.
    /// - Throws: `HostIsDown`.
    @discardableResult
    public func spawn<Value: Sendable>(
        name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws(HostIsDown) -> Task<Value, any Error> {
        guard let loop = state.withLock({ $0.loop }) else { throw HostIsDown(host: self.name) }
        do throws(IOError) {
            return try loop.loop.spawn(name: name, file: file, line: line) {
                [id, kernel = scheduler.kernel, resolver] in
                do {
                    return try await Resolving.$resolver.withValue(resolver) { try await body() }
                } catch {
                    let step = HostStep.threw(task: name ?? "", error: String(describing: error))
                    kernel.use { $0.trace.add(.host(step), on: id, at: $0.now) }
                    throw error
                }
            }
        } catch {
            // The body of the simulation has ended, and with it every host.
            throw HostIsDown(host: self.name)
        }
    }

    /// Runs `body` as a task of this host and waits for what it returns.
    ///
    /// - Parameters:
    ///   - name: what the task is called in reports.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what to run; it is cancelled when the caller is.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or `HostIsDown` when the host is down or crashed meanwhile.
    public func run<Value: Sendable>(
        name: String? = nil, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let task = try spawn(name: name, file: file, line: line) {
            do { return try await body() } catch {
                throw error.isOfEnding ? error : HandedOn(error: error)
            }
        }
        let crashes = crashes
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch {
            if self.crashes > crashes { throw HostIsDown(host: self.name) }
            throw (error as? HandedOn)?.error ?? error
        }
    }
}

/// An error on its way from a task to the code that waits for it, which handles it or not.
struct HandedOn: Error, CustomStringConvertible {
    let error: any Error
    var description: String { String(describing: error) }
}

/// Thrown when something is to run on a host that has crashed, or after the end of the body.
public struct HostIsDown: Error, Equatable, CustomStringConvertible {
    /// The name of the host.
    public let host: String

    /// Says which host, and what to do.
    public var description: String {
        "host '\(host)' is down: nothing runs on it before restart(), or after the body's end"
    }
}

/// Watches the loop of a simulated host: the seed chooses for it, and the trace hears of it.
final class HostWitness: LoopWitness {
    private let host: HostID
    private let kernel: SharedKernel
    private let choices: SharedRandom
    /// It turns the loop, so it is there whenever the loop does something.
    private weak var scheduler: Scheduler?

    init(of host: HostID, in scheduler: Scheduler) {
        self.host = host
        kernel = scheduler.kernel
        choices = scheduler.choices
        self.scheduler = scheduler
    }

    func choose(below bound: Int) -> Int { choices.number(below: bound) }

    func saw(_ step: LoopStep) {
        kernel.use { $0.trace.add(.loop(step), on: host, at: $0.now) }
        if case .failed(let name, let call, let error) = step {
            scheduler?.noteUnhandled(error, of: name, at: call.place)
        }
    }
}
