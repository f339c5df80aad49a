import Flags
import Processes
import Reports
import Syscalls

// The slices of a load: all arms of a group live at once, and one of them is loaded at a time.
//
//     start      each arm: memory, connections, silence, sparse load
//     warm-up    rounds that do not count
//     busy       rounds, until there are enough
//     fixed      rounds at the fixed rate
//     stop       each arm: what it counted proves how it served
//
// A round is a block in which each arm has one slice; ratios are taken within it, so that what the
// machine does to a round falls out. Where the descriptors do not reach for all arms, they are
// dealt into groups, each with the baseline.
extension CompareRun {
    mutating func runSlices(at point: Int) throws(Interrupted) {
        let groups = groups(at: point)
        if groups.count > 1 {
            record.notes.append(
                "\(points[point].text): the descriptors do not reach for all servers at once: "
                    + "\(groups.count) groups, each with the baseline")
        }
        let slice = slice(at: point)
        points[point].slice = Double(slice.wholeNanoseconds) / 1e9
        let measured = groups.reduce(0) { $0 + $1.count + 1 }
        let fixed = options.timing.fixed(slices: measured)
        var endings: [CompareRecord.Ending] = []
        for (number, others) in groups.enumerated() {
            guard arms.indices.contains(record.baseline), arms[record.baseline].isMeasured else {
                return
            }
            let time = options.timing.busy(
                groups: groups.count, arms: others.count + 1, slice: slice)
            let group = LiveGroup(
                point: point, number: number, slice: slice, time: time, fixed: fixed)
            // A new baseline may be one of them.
            let members = [record.baseline] + others.filter { $0 != record.baseline }
            if let ending = try run(group, of: members) {
                endings.append(ending)
            }
        }
        points[point].ending = endings.contains(.time) ? .time : endings.first
    }

    /// The arms beside the baseline, in groups that can be connected together.
    private func groups(at point: Int) -> [[Int]] {
        let others = arms.indices.filter {
            $0 != record.baseline && arms[$0].isMeasured && arms[$0].probes[point] != nil
        }
        let count = HostLimits.current().groups(
            of: others.count, connections: points[point].connections)
        // As equal as can be.
        return (0..<count).map { group in
            others.enumerated().filter { $0.offset % count == group }.map(\.element)
        }
    }

    /// How long a slice is at a point. The cheapest server decides it for all, by the CPU time that
    /// it took for a message: its rate is a half of what it can do while others' programs run.
    private func slice(at point: Int) -> Duration {
        let costs = arms.filter { $0.contender.shape != .oneAtATime }
            .compactMap { $0.probes[point]?.cpu }.filter { $0 > 0 }
        return options.timing.slice(
            connections: points[point].connections, cost: costs.min() ?? 0)
    }

    // A group.

    private mutating func run(
        _ group: LiveGroup, of members: [Int]
    ) throws(Interrupted) -> CompareRecord.Ending? {
        var group = group
        let slice = group.slice
        for arm in members { try begin(arm, in: &group) }
        // The new one where the first has failed.
        if group.live[record.baseline] == nil { try begin(record.baseline, in: &group) }
        let order = BlockOrder(seed: options.seed)
        for round in 0..<Timing.warmingRounds {
            for arm in order.arms(group.arms, round: round, point: group.point) {
                try run(arm, in: &group, round: group.number, isKept: round == 0) {
                    live throws(ArmFailure) in
                    round == 0 ? try live.runCounting(for: slice) : try live.runBusy(for: slice)
                }
            }
        }
        let ending = try runBusy(&group, order)
        try runFixed(&group, order)
        stop(&group)
        return ending
    }

    private mutating func begin(_ arm: Int, in group: inout LiveGroup) throws(Interrupted) {
        let point = group.point
        guard let probe = arms[arm].probes[point], arms[arm].isMeasured else { return }
        say(.starting(arm: arms[arm].arm.name, point: points[point].text))
        do throws(ArmFailure) {
            let live = try LiveArm(start(arm, at: point), silence: options.timing.silence)
            group.live[arm] = live
            isMemoryDivided = isMemoryDivided && live.isMemoryDivided
            var presence = LiveArm.Slice(readings: live.presence)
            presence.readings[.calls] = probe.callsPerMessage
            if live.isHalting {
                arms[arm].note(
                    "busy in silence, so it is stopped (SIGSTOP) between its slices; what it does "
                        + "in them counts")
            }
            keep(presence, of: arm, in: group, round: group.number)
        } catch {
            return try end(arm, in: &group, error)
        }
        guard let rate = points[point].sparseRate else { return }
        let (count, options) = (points[point].sparseConnections, options)
        try run(arm, in: &group, round: group.number) { live throws(ArmFailure) in
            try live.runSparse(rate, on: count, for: options.timing.planned, seed: options.seed)
        }
    }

    private mutating func runBusy(
        _ group: inout LiveGroup, _ order: BlockOrder
    ) throws(Interrupted) -> CompareRecord.Ending? {
        let enough = Enough(rounds: options.rounds, precision: options.precision)
        let first = group.firstRound(in: record)
        let began = Instant.now
        let watch = OtherPrograms(beside: group.live.values.flatMap(\.processes))
        var round = first
        while group.live.count > 0 {
            let slice = group.slice
            for arm in order.arms(group.arms, round: round, point: group.point) {
                try run(arm, in: &group, round: round) { live throws(ArmFailure) in
                    try live.runBusy(for: slice)
                }
            }
            let elapsed = began.nanoseconds(to: .now)
            round += 1
            say(
                .roundEnded(
                    round: round - first, point: points[group.point].text,
                    seconds: Double(elapsed) / 1e9))
            let samples = record.samples.filter {
                $0.point == group.point && $0.round >= first && $0.readings[.rate] != nil
                    && group.live[$0.arm] != nil
            }
            let ending = enough.ending(
                of: samples, baseline: record.baseline,
                isTimeOver: elapsed >= group.time.wholeNanoseconds)
            guard let ending else { continue }
            points[group.point].others = watch.processors
            return ending
        }
        return nil
    }

    private mutating func runFixed(
        _ group: inout LiveGroup, _ order: BlockOrder
    ) throws(Interrupted) {
        guard let rate = points[group.point].fixedRate else { return }
        let slice = group.fixed.slice
        let rounds = min(options.rounds ?? .max, group.fixed.rounds)
        say(.fixedRate(rounds: rounds))
        for round in 0..<rounds {
            let number = group.number * rounds + round
            for arm in order.arms(group.arms, round: round, point: group.point) {
                let seed = options.seed &+ UInt64(round)
                try run(arm, in: &group, round: number) { live throws(ArmFailure) in
                    try live.runFixed(rate, for: slice, seed: seed)
                }
            }
        }
    }

    /// Stops all of it; one that served by another mechanism than its own loses its figures.
    private mutating func stop(_ group: inout LiveGroup) {
        for arm in group.arms {
            guard let live = group.live.removeValue(forKey: arm) else { continue }
            do throws(ArmFailure) {
                arms[arm].add(try live.stop().calls ?? [:])
            } catch {
                arms[arm].end(error, at: group.point, of: points)
                say(.ended(arm: arms[arm].arm))
            }
        }
        replaceBaseline(among: [])
        forgetWrong()
    }

    // A slice.

    /// Runs a slice of an arm; one that fails is there no more.
    private mutating func run(
        _ arm: Int, in group: inout LiveGroup, round: Int, isKept: Bool = true,
        _ slice: (LiveArm) throws(ArmFailure) -> LiveArm.Slice
    ) throws(Interrupted) {
        guard let live = group.live[arm] else { return }
        do throws(ArmFailure) {
            try interrupts.check()
            let result = try slice(live)
            if isKept { keep(result, of: arm, in: group, round: round) }
        } catch {
            try end(arm, in: &group, error)
        }
    }

    private mutating func keep(
        _ slice: LiveArm.Slice, of arm: Int, in group: LiveGroup, round: Int
    ) {
        var sample = CompareRecord.Sample(
            arm: arm, point: group.point, round: round, position: position,
            readings: slice.readings)
        sample.lowerBounds = slice.lowerBounds
        sample.doubts = slice.doubts
        record.samples.append(sample)
        position += 1
    }

    private mutating func end(
        _ arm: Int, in group: inout LiveGroup, _ failure: ArmFailure
    ) throws(Interrupted) {
        if case .interrupted(let signal) = failure { throw Interrupted(signal: signal) }
        group.live[arm] = nil
        arms[arm].end(failure, at: group.point, of: points)
        say(.ended(arm: arms[arm].arm))
        replaceBaseline(among: group.arms)
        forgetWrong()
    }

    /// Wrong bytes under load take back what was measured before.
    private mutating func forgetWrong() {
        let wrong = Set(arms.indices.filter { arms[$0].isIncorrect })
        if !wrong.isEmpty { record.samples.removeAll { wrong.contains($0.arm) } }
    }
}

/// The arms of a load that live at the same time.
struct LiveGroup {
    let point: Int
    /// Counted from 0.
    let number: Int
    /// How long a busy slice is.
    let slice: Duration
    /// How long its busy slices may take together.
    let time: Duration
    /// Rounds at the fixed rate, and how long a slice of them is.
    let fixed: (rounds: Int, slice: Duration)
    /// By the place of the arm.
    var live: [Int: LiveArm] = [:]

    /// Those that are left.
    var arms: [Int] { live.keys.sorted() }

    /// The number of its first round of busy slices: those of other groups were before.
    func firstRound(in record: CompareRecord) -> Int {
        let rounds = record.samples.filter { $0.point == point && $0.readings[.rate] != nil }
        return (rounds.map(\.round).max() ?? -1) + 1
    }
}
