import Drivers
import Swiftlet
import Syscalls

// Recording a run on a real machine, and running it again without one.

extension EventLoop {
    /// Runs `body` on the calling thread until it returns, as `run(driver:loops:_:)` does with one
    /// loop, and records what the machine tells it.
    ///
    /// What goes past the loop is not recorded: files, other clocks, random numbers, the order of a
    /// set. A run in which other threads have a part cannot be replayed; `recording.refusal` says
    /// so.
    ///
    /// - Parameters:
    ///   - driver: the system call to wait with.
    ///   - recording: what is filled; what it held before is gone.
    ///   - body: what to run.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or an `IOError` of the operation `wait` when the driver fails.
    public static func run<Value: Sendable>(
        driver: DriverKind = .poll,
        recording: Recording,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let opened: any Driver
        do throws(Errno) {
            opened = try driver.makeDriver()
        } catch {
            throw IOError(.wait, .system(error))
        }
        return try record(over: opened, into: recording, body)
    }

    /// As above, over a driver of the caller's choice.
    static func record<Value: Sendable>(
        over driver: any Driver,
        into recording: Recording,
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        recording.begin()
        defer { recording.end() }
        return try run(
            on: [RecordingDriver(driver, into: recording)],
            sockets: RecordingSockets(SystemSockets(), into: recording),
            witness: RecordingWitness(recording), body)
    }
}

extension Simulation {
    /// Runs `body` as it ran when `recording` was made, on the calling thread, with nothing behind
    /// it: no socket is opened, nothing is sent, and no time passes but what the code itself takes.
    ///
    /// - Parameters:
    ///   - recording: what the recorded run was told.
    ///   - body: the code of the recorded run.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or a `ReplayError`: when the recording has no more than the
    ///   beginning of the run, or cannot be replayed, or when the code has taken another way, which
    ///   cancels `body`.
    public static func replay<Value: Sendable>(
        _ recording: Recording, _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        if let refusal = recording.refusal { throw refusal }
        let replay = Replay(of: recording.tape)
        let result = Result {
            try EventLoop.run(
                on: [ReplayDriver(replay)], sockets: ReplaySockets(replay),
                witness: ReplayWitness(replay), body)
        }
        if let failure = replay.end() { throw failure }
        return try result.get()
    }
}
