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

    /// Runs the body in a new world that keeps so many events.
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
        if let reason = settings.reason(for: stop, in: world) ?? outcome.reason {
            // The report is made before the end, after which no task waits any more.
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
    func reason(for stop: Scheduler.Stop, in world: World) -> SimulationFailure.Reason? {
        switch stop {
        case .done: nil
        case .standsStill: .deadlock
        case .turnsInPlace(let host): .livelock(host: world.hosts[host.index].name)
        case .timeIsOver: .timeIsOver(limit: timeLimit)
        case .failed(let reason): reason
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

// MARK: The check

// Where two runs of the same seed part.
extension SeededRun {
    /// The failure of a body whose runs differ, with the first event that does.
    ///
    /// It takes two more runs, of which every event is kept. What differed once may be the same
    /// now, so it is tried a few times.
    func difference() -> SimulationFailure {
        var text = "they differ now and then: two more runs were the same"
        var outside = 0
        for _ in 0..<4 {
            let first = play(keeping: .max)
            let second = play(keeping: .max)
            outside = max(outside, first.wakesFromOutside, second.wakesFromOutside)
            if first.digest == second.digest { continue }
            text = SwiftletSimulation.difference(first.lines, second.lines)
            break
        }
        return SimulationFailure(
            reason: .notDeterministic, seed: settings.seed,
            description: [
                "\(SimulationFailure.Reason.notDeterministic)",
                "repeat it: \(repeating(settings.seed, of: test))",
                text,
                outside > 0 ? leftTheSimulation(times: outside) : notOfTheSeed,
            ].joined(separator: "\n"))
    }
}

/// The first line that differs, with a few before it.
func difference(_ first: [String], _ second: [String]) -> String {
    let lengths = min(first.count, second.count)
    let place = (0..<lengths).first { first[$0] != second[$0] } ?? lengths
    guard place < max(first.count, second.count) else {
        return "the events are the same, and the bytes that were sent in them are not"
    }
    let end = "(nothing more)"
    let before = first[max(0, place - 8)..<place].map { "    \($0)" }
    let one = "one " + (place < first.count ? first[place] : end)
    let other = "two " + (place < second.count ? second[place] : end)
    return (["they are the same up to event \(place), and then:"] + before + [one, other])
        .joined(separator: "\n")
}

private let notOfTheSeed = """
    Something decides that is not the seed: look for a clock of the machine, \
    SystemRandomNumberGenerator, ObjectIdentifier, state that outlives a run, or an order that \
    comes from addresses of memory. Use `world.random` for random numbers.
    """
