import Flags
import Generator
import Processes
import Reports
import Statistics
import Syscalls

/// A comparison from its first proof to its last round.
///
///     each arm    is it correct? can it be hosted? how much can it do?      (CompareRun+Proving)
///     the rates   half of what the slowest can, the same for all
///     each round  each load: a block of all arms, the baseline twice
///
/// A block counts only when all of its arms ran: an arm that misses one has no partner there. What
/// a signal cut short is left out.
package struct CompareRun {
    let options: CompareOptions
    let environment: RunRecord.Environment
    let interrupts: Interrupts
    let placement = Placement()
    let timing: Timing
    private let tell: (CompareEvent) -> Void
    var arms: [ArmState]
    var points: [CompareRecord.Point]
    private var record: CompareRecord
    private var isMemoryDivided = true
    /// The signal that ended it, if one did.
    package private(set) var signal: CInt?

    /// Prepares a comparison; `tell` hears how it goes on.
    package init(
        _ options: CompareOptions, environment: RunRecord.Environment, interrupts: Interrupts,
        tell: @escaping (CompareEvent) -> Void
    ) {
        self.options = options
        self.environment = environment
        self.interrupts = interrupts
        self.tell = tell
        timing = Timing(measured: options.duration)
        arms = options.contenders.map(ArmState.init)
        points = options.points
        record = CompareRecord(environment: environment)
    }

    /// Makes all of it, or what a signal leaves time for, and returns what was seen.
    package mutating func run() -> CompareRecord {
        record.startedAt = Machine.dateAndTime
        record.seed = options.seed
        record.rounds = options.rounds
        record.seconds = Double(options.duration.wholeNanoseconds) / 1e9
        placement.enter()
        do throws(Interrupted) {
            try prove()
            points = Rates.set(points, arms: arms.filter(\.isMeasured))
            chooseBaseline()
            try runRounds()
        } catch {
            signal = error.signal
        }
        record.isInterrupted = signal != nil
        record.points = points
        record.arms = arms.map(\.arm)
        record.notes = notes
        return record
    }

    func say(_ event: CompareEvent) { tell(event) }

    private var notes: [String] {
        let memory =
            isMemoryDivided
            ? "what processes share counts once" : "what processes share counts for each of them"
        let notes = [
            placement.note,
            "memory is that of the processes, without what the kernel holds for them; " + memory,
        ]
        return options.isQuick ? notes + ["--quick: finds only large differences"] : notes
    }

    // The baseline.

    /// Takes the baseline that was asked for, or the usual one, if it runs; else the first that
    /// does. Its second arm stands behind it.
    private mutating func chooseBaseline() {
        let wanted = options.baseline ?? CompareOptions.usualBaseline
        let running = arms.indices.filter { arms[$0].isMeasured }
        let together = running.first { arms[$0].contender.shape != .oneAtATime }
        guard
            let chosen = running.first(where: { arms[$0].arm.name == wanted }) ?? together
                ?? running.first
        else { return }
        if let name = options.baseline, arms[chosen].arm.name != name {
            arms[chosen].note("the baseline, because \(name) could not be")
        }
        record.baseline = chosen
        arms.insert(arms[chosen].control, at: chosen + 1)
    }

    /// Goes on with another baseline when this one has failed; then it has no control.
    private mutating func replaceBaseline() {
        guard !arms[record.baseline].isMeasured else { return }
        let failed = arms[record.baseline].arm.name
        for index in arms.indices where arms[index].arm.isControl { arms[index].retire() }
        guard let next = arms.indices.first(where: { arms[$0].isMeasured }) else { return }
        arms[next].note("the baseline since \(failed) failed; there is no control")
        record.baseline = next
    }

    // The rounds.

    private mutating func runRounds() throws(Interrupted) {
        let order = BlockOrder(seed: options.seed)
        var position = 0
        for round in 0..<options.rounds {
            for point in points.indices {
                let block = order.arms(arms.indices, round: round, point: point)
                let samples = try run(block, round: round, point: point, from: &position)
                record.samples += samples
            }
            say(.roundEnded(round: round, of: options.rounds))
        }
    }

    /// Runs each arm once; those that fail run no more, and the others have their samples.
    private mutating func run(
        _ block: [Int], round: Int, point: Int, from position: inout Int
    ) throws(Interrupted) -> [CompareRecord.Sample] {
        var samples: [CompareRecord.Sample] = []
        for arm in block {
            guard let probe = arms[arm].probes[point], arms[arm].isMeasured else { continue }
            say(.measuring(arm: arms[arm].arm.name, point: points[point].text, round: round))
            do throws(ArmFailure) {
                let result = try armMeasurement(arm, point, round: round).measure(after: probe)
                var sample = CompareRecord.Sample(
                    arm: arm, point: point, round: round, position: position,
                    readings: result.readings)
                sample.lowerBounds = result.lowerBounds
                sample.doubts = result.doubts
                samples.append(sample)
                arms[arm].add(result.calls)
                isMemoryDivided = isMemoryDivided && result.isMemoryDivided
            } catch .interrupted(let signal) {
                throw Interrupted(signal: signal)
            } catch {
                arms[arm].end(error, at: point, of: points)
                say(.ended(arm: arms[arm].arm))
            }
            position += 1
        }
        replaceBaseline()
        // Wrong bytes under load take back what was measured before.
        let isWrong = Set(arms.indices.filter { arms[$0].isIncorrect })
        record.samples.removeAll { isWrong.contains($0.arm) }
        return samples.filter { !isWrong.contains($0.arm) }
    }

    func armMeasurement(_ arm: Int, _ point: Int, round: Int) -> ArmMeasurement {
        ArmMeasurement(
            contender: arms[arm].contender, point: points[point], timing: timing,
            startTimeout: options.startTimeout, environment: environment, placement: placement,
            interrupts: interrupts,
            seed: options.seed &+ UInt64(round), tell: { [tell] in tell(.load($0)) })
    }
}

/// What a comparison has to tell while it goes on.
package enum CompareEvent: Sendable {
    /// An arm is about to show that it echoes, and what it can do.
    case proving(arm: String)
    /// An arm can be measured: what it can do under the first load, per second.
    case proved(arm: String, rate: Double)
    /// An arm will not be measured any more, or not under all loads.
    case ended(arm: CompareRecord.Arm)
    /// A measurement begins.
    case measuring(arm: String, point: String, round: Int)
    /// A load of a measurement, or of a proof, begins.
    case load(String)
    case roundEnded(round: Int, of: Int)
}

/// The order of the arms in each round: a block in which each arm runs once.
///
///     round 0    c a d b    by chance, from the seed
///     round 1    b d a c    the same backwards
///     round 2    a b d c    by chance again
///     round 3    c d b a    …
///
/// Chance alone is fair in the long run, and eight rounds are no long run: with each order goes its
/// reverse, so that an arm that came early comes late as often, and a machine that slows down
/// steadily slows all of them alike. For two arms that is A B B A.
package struct BlockOrder: Sendable {
    private let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// The order of `arms` at the `point`-th load in a round, counted from 0.
    package func arms(_ arms: Range<Int>, round: Int, point: Int) -> [Int] {
        // One stream of numbers for each pair of rounds at each load; there are at most 64 loads.
        var chance = SplitMix(seed: seed, stream: round / 2 * 64 + point)
        let order = arms.shuffled(using: &chance)
        return round.isMultiple(of: 2) ? order : order.reversed()
    }
}
