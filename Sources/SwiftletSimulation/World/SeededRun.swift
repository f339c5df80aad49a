import Swiftlet
import Synchronization
import Syscalls

/// A body with its settings, to be run in a new world as often as need be.
struct SeededRun<Value: Sendable>: Sendable {
    var settings: Simulation
    let test: StaticString
    /// Where the body stands.
    var file: SourceFile = #fileID
    var line: UInt32 = #line
    let body: @Sendable (World) async throws -> Value

    /// What became of one run.
    struct Ending {
        let result: Result<Value, SimulationFailure>
        /// What happened, to be compared.
        let digest: TraceDigest
        /// The events that were kept, a line each.
        let lines: [String]
        let wakesFromOutside: Int
    }

    /// What the body returns; with a check, after a second run that was the same.
    @discardableResult
    func value() throws(SimulationFailure) -> Value {
        let first = play(keeping: settings.traceTail)
        if settings.checksDeterminism {
            let second = play(keeping: settings.traceTail)
            if first.digest != second.digest { throw difference() }
        }
        return try first.result.get()
    }

    /// Runs the body in a new world, of whose events so many are kept.
    func play(keeping lines: Int) -> Ending {
        let world = World(seed: settings.seed, keeping: lines)
        let result = Result { () throws(SimulationFailure) in try run(in: world) }
        return Ending(
            result: result, digest: world.kernel.use { $0.trace.digest },
            lines: world.traceLines,
            wakesFromOutside: world.scheduler.wakesFromOutside)
    }

    private func run(in world: World) throws(SimulationFailure) -> Value {
        let outcome = Outcome<Value>()
        world.start(file: file, line: line) { [body] in await outcome.hold { try await body(world) }
        }
        let stop = world.scheduler.run(until: { outcome.isThere }, limits: limits)
        if let reason = settings.reason(for: stop) ?? outcome.reason {
            // Told before the end: then nobody waits any more.
            let failure = SimulationFailure(reason, seed: settings.seed, of: test, in: world)
            _ = world.finish(turns: settings.turnLimit)
            world.close()
            throw failure
        }
        // Asked before the world is closed, which closes everything.
        let left =
            world.finish(turns: settings.turnLimit) ?? world.openDescriptors ?? world.interestLeft
        if let left {
            let failure = SimulationFailure(
                .leftOver(left), seed: settings.seed, of: test, in: world)
            world.close()
            throw failure
        }
        world.close()
        guard let value = outcome.value else { preconditionFailure("the body ended with nothing") }
        return value
    }

    private var limits: Limits {
        let end = Instant(nanoseconds: 0).advanced(by: settings.timeLimit)
        return Limits(turns: settings.turnLimit, time: end)
    }
}

extension Simulation {
    /// Why a run fails that stopped in this way; nil when its body has ended.
    func reason(for stop: Scheduler.Stop) -> SimulationFailure.Reason? {
        switch stop {
        case .done: nil
        case .standsStill: .deadlock
        case .turnsInPlace: .livelock
        case .timeIsOver: .timeIsOver(limit: timeLimit)
        case .failed(let failure): .hostThrew(host: failure.host, failure.error)
        }
    }
}

/// What became of the body.
private final class Outcome<Value: Sendable>: Sendable {
    private let result = Guarded<Result<Value, any Error>?>(nil)
    /// Apart, because it is asked at each step.
    private let isSet = Atomic(false)

    func hold(_ body: () async throws -> Value) async {
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        self.result.withLock { $0 = result }
        isSet.store(true, ordering: .releasing)
    }

    var isThere: Bool { isSet.load(ordering: .acquiring) }

    var value: Value? {
        if case .success(let value) = result.withLock({ $0 }) { value } else { nil }
    }

    var reason: SimulationFailure.Reason? {
        if case .failure(let error) = result.withLock({ $0 }) { .threw(error) } else { nil }
    }
}
