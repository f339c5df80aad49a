import Flags
import Generator
import Processes
import Reports
import Statistics
import Syscalls

/// A comparison from its first proof to its last slice.
///
///     each arm    is it correct? can it be hosted? how much can it do?      (CompareRun+Proving)
///     the rates   half of what the slowest can, the same for all
///     each load   all arms live at once, and are loaded in turns            (CompareRun+Slices)
package struct CompareRun {
    let options: CompareOptions
    let environment: RunRecord.Environment
    let interrupts: Interrupts
    private let lookout: Lookout
    var placement = Placement()
    private let tell: (CompareEvent) -> Void
    var arms: [ArmState]
    var points: [CompareRecord.Point]
    var record: CompareRecord
    var isMemoryDivided = true
    /// Slices so far, of all loads.
    var position = 0
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
        lookout = Lookout(interrupts)
        self.tell = tell
        arms = options.contenders.map(ArmState.init)
        points = options.points
        record = CompareRecord(environment: environment)
    }

    /// Makes all of it, or what a signal leaves time for, and returns what was seen.
    package mutating func run() -> CompareRecord {
        record.startedAt = Machine.dateAndTime
        record.transport = options.transport
        record.seed = options.seed
        record.rounds = options.rounds
        record.slice = Double(options.timing.slice.wholeNanoseconds) / 1e9
        record.time = Double(options.timing.time.wholeNanoseconds) / 1e9
        record.precision = options.precision
        placement.enter()
        do throws(Interrupted) {
            try prove()
            points = Rates.set(points, arms: arms.filter(\.isMeasured))
            chooseBaseline()
            for point in points.indices { try runSlices(at: point) }
        } catch {
            signal = error.signal
        }
        record.isInterrupted = signal != nil
        record.points = points
        record.arms = arms.map(\.arm)
        record.notes = notes + record.notes
        return record
    }

    func say(_ event: CompareEvent) { tell(event) }

    private var notes: [String] {
        let memory =
            isMemoryDivided
            ? "what processes share counts once" : "what processes share counts for each of them"
        return [
            placement.note,
            "memory is that of the processes, without what the kernel holds for them; " + memory,
        ]
    }

    // The baseline.

    /// Takes the baseline that was asked for, or the usual one, if it runs; else the first that
    /// does. Its second arm stands behind it.
    private mutating func chooseBaseline() {
        let wanted = options.baseline ?? CompareOptions.usualBaseline
        let running = arms.indices.filter { arms[$0].isMeasured }
        guard
            let chosen = running.first(where: { arms[$0].arm.name == wanted })
                ?? firstChoice(among: running)
        else { return }
        if let name = options.baseline, arms[chosen].arm.name != name {
            arms[chosen].note("the baseline, because \(name) could not be")
        }
        record.baseline = chosen
        arms.insert(arms[chosen].control, at: chosen + 1)
    }

    private func firstChoice(among running: [Int]) -> Int? {
        running.first { arms[$0].contender.shape != .oneAtATime } ?? running.first
    }

    /// Goes on with another baseline when this one has failed, one of those that are `alive` with
    /// their connections if there are any; then it has no control.
    mutating func replaceBaseline(among alive: [Int]) {
        guard !arms[record.baseline].isMeasured else { return }
        let failed = arms[record.baseline].arm.name
        for index in arms.indices where arms[index].arm.isControl { arms[index].retire() }
        let running = arms.indices.filter { arms[$0].isMeasured }
        guard let next = firstChoice(among: alive) ?? firstChoice(among: running) else { return }
        arms[next].note("the baseline since \(failed) failed; there is no control")
        record.baseline = next
    }

    func start(_ arm: Int, at point: Int) -> ArmStart {
        let contender = arms[arm].contender
        return ArmStart(
            contender: contender, transport: options.transport,
            connections: contender.connections(of: points[point].connections),
            size: points[point].size, seed: options.seed, timeout: options.startTimeout,
            placement: placement, interrupts: interrupts, lookout: lookout)
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
    /// A server is started and connected for the slices of a load.
    case starting(arm: String, point: String)
    /// A round of slices has ended, after so many seconds of them.
    case roundEnded(round: Int, point: String, seconds: Double)
    /// The slices at the fixed rate begin.
    case fixedRate(rounds: Int)
}

/// The order of the arms in each round: a block in which each arm runs once.
///
///     round 0    c a d b    by chance, from the seed
///     round 1    b d a c    the same backwards
///     round 2    a b d c    by chance again
///     round 3    c d b a    …
///
/// Chance alone is fair in the long run only: with each order goes its reverse, so that an arm that
/// came early comes late as often, and a machine that slows down steadily slows all of them alike.
/// For two arms that is A B B A.
package struct BlockOrder: Sendable {
    private let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// The order of `arms` at the `point`-th load in a round, counted from 0.
    package func arms(_ arms: some Collection<Int>, round: Int, point: Int) -> [Int] {
        // One stream of numbers for each pair of rounds at each load; there are at most 64 loads.
        var chance = SplitMix(seed: seed, stream: round / 2 * 64 + point)
        let order = arms.shuffled(using: &chance)
        return round.isMultiple(of: 2) ? order : order.reversed()
    }
}
