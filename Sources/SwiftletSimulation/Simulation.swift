import Swiftlet
import Syscalls

/// A run of ordinary async code in a simulated world, which the seed alone decides.
///
/// ```swift
/// try Simulation(seed: 42).run { world in
///     let server = world.host("server"), client = world.host("client")
///     try server.spawn { try await TCPServer.serve(on: server.address(port: 7788), handler: echo) }
///     try await client.run { try await chat(with: server.address(port: 7788)) }
/// }
/// ```
public struct Simulation: Sendable {
    /// What repeats the run.
    public var seed: UInt64
    /// How many of the last events stand in a report.
    public var traceTail = 64
    /// The simulated time after which a body that has not ended fails.
    public var timeLimit = Duration.seconds(7 * 86_400)
    /// The turns of loops without a move of the clock after which a run fails.
    var turnLimit = 10_000_000

    /// A simulation that `seed` decides.
    public init(seed: UInt64) { self.seed = seed }

    /// Runs `body` in a new world until it returns.
    ///
    /// It blocks the calling thread, on which everything runs, and takes as long as the code needs:
    /// waiting costs nothing.
    ///
    /// - Parameter body: what to run, on a host of its own.
    /// - Returns: what `body` returns.
    /// - Throws: `SimulationFailure`.
    @discardableResult
    public func run<Value: Sendable>(
        _ body: @escaping @Sendable (World) async throws -> Value
    ) throws(SimulationFailure) -> Value {
        let world = World(seed: seed, keeping: traceTail)
        defer { world.close() }
        let outcome = Outcome<Value>()
        world.start { await outcome.hold { try await body(world) } }
        let stop = world.scheduler.run(until: { outcome.isThere }, limits: limits)
        if let reason = reason(for: stop) ?? outcome.reason {
            let failure = failure(reason, in: world)
            _ = world.scheduler.finish(limits: limits)
            throw failure
        }
        switch world.scheduler.finish(limits: limits) {
        case .done: break
        case let stop: throw failure(.leftOver("a task does not end, \(stop)"), in: world)
        }
        guard let value = outcome.value else { preconditionFailure("the body ended with nothing") }
        return value
    }

    private var limits: Limits {
        Limits(turns: turnLimit, time: Instant(nanoseconds: 0).advanced(by: timeLimit))
    }

    private func reason(for stop: Scheduler.Stop) -> SimulationFailure.Reason? {
        switch stop {
        case .done: nil
        case .standsStill: .deadlock
        case .turnsInPlace: .livelock
        case .timeIsOver: .timeIsOver(limit: timeLimit)
        case .failed(let failure): .hostThrew(host: failure.host, failure.error)
        }
    }

    private func failure(
        _ reason: SimulationFailure.Reason, in world: World
    ) -> SimulationFailure {
        let text = """
            \(reason)
            seed \(seed), after \(world.elapsed)
            sockets:
            \(world.socketTable)
            the last events:
            \(world.trace)
            """
        return SimulationFailure(reason: reason, seed: seed, description: text)
    }
}

/// What became of the body.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Guarded<Result<Value, any Error>?>(nil)

    func hold(_ body: () async throws -> Value) async {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        self.result.withLock { $0 = result }
    }

    var isThere: Bool { result.withLock { $0 != nil } }

    var value: Value? {
        if case .success(let value) = result.withLock({ $0 }) { value } else { nil }
    }

    var reason: SimulationFailure.Reason? {
        if case .failure(let error) = result.withLock({ $0 }) { .threw(error) } else { nil }
    }
}
