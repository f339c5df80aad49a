import Flags
import Reports

/// How long the parts of a comparison take, and so how long all of it will.
package struct Timing: Sendable, Equatable {
    /// A slice of the busy load, where the server is not too slow for it.
    let slice: Duration
    /// How long the slices of a load may take together.
    let time: Duration

    package init(slice: Duration, time: Duration) { (self.slice, self.time) = (slice, time) }

    /// Answers that each connection is to have in a slice: the first and the last of them are not
    /// like the others.
    private static let answers = 20.0
    /// A slice is at most so many times the usual one, however slow the server.
    static let stretchMax = 20

    /// The slice of a server that works for `cost` seconds for a message, on so many connections.
    package func slice(connections: Int, cost: Double) -> Duration {
        let wanted = Duration.nanoseconds(
            Int64(min(1e18, Timing.answers * Double(connections) * cost * 1e9)))
        return min(max(slice, wanted), slice * Timing.stretchMax)
    }

    /// How long the busy slices of one of several groups may take: its part of the time, and enough
    /// for rounds that can be judged.
    package func busy(groups: Int, arms: Int, slice: Duration) -> Duration {
        groups == 1 ? time : max(time / groups, slice * (arms * Enough.roundsMin))
    }

    /// A slice of a load at a planned rate, which percentiles are taken from: a second, where a
    /// busy one is 50 ms.
    var planned: Duration { slice * 20 }
    /// How long the connections are watched while all of them are silent.
    var silence: Duration { slice * 6 }
    /// How long the load is measured that finds out what an arm can do.
    var probe: Duration { slice * 5 }

    /// Rounds at the fixed rate, and how long their slices are, for so many slices a round: as many
    /// as half of the time has room for, and enough to be judged. Where there is no room for slices
    /// of a second, they are shorter, down to a quarter of it.
    package func fixed(slices: Int) -> (rounds: Int, slice: Duration) {
        let slices = max(1, slices)
        let (least, most) = (Judgement.roundsMin, 20)
        let slice = min(planned, max(planned / 4, time / (2 * least * slices)))
        return (min(most, max(least, Int(time / 2 / (slice * slices)))), slice)
    }

    /// Rounds of slices that do not count, before the first that does.
    static let warmingRounds = 2

    /// The checks whether a server echoes as it must.
    private static let proof = Duration.milliseconds(2200)
    /// Starting and stopping three servers, and looking at their memory.
    private static let besides = Duration.milliseconds(400)
    /// Opening and closing a connection, for each of the three times that it is done.
    private static let connection = Duration.microseconds(300)

    /// CPU time of a server for a message, in seconds, before it is known.
    private static let cost = 5e-6

    /// What a comparison takes at most, in a line: "14 arms, 1 load: about 3 min at most".
    package static func estimate(
        _ options: CompareOptions, on limits: HostLimits = .current()
    ) -> String {
        // The baseline runs twice.
        let arms = options.contenders.count + 1
        let loads = options.points.reduce(Duration.zero) { sum, point in
            let groups = limits.groups(of: arms - 1, connections: point.connections)
            return sum
                + options.timing.load(point, arms: arms, groups: groups, rounds: options.rounds)
        }
        let points = options.points.count == 1 ? "1 load" : "\(options.points.count) loads"
        return "\(arms) arms, \(points): about \(minutes(proof * (arms - 1) + loads)) at most"
    }

    /// How long all of a load takes at most.
    private func load(
        _ point: CompareRecord.Point, arms: Int, groups: Int, rounds: Int?
    ) -> Duration {
        // The baseline is in each group.
        let members = arms + groups - 1
        let busy = slice(connections: point.connections, cost: Timing.cost)
        let arm =
            Timing.connection * point.connections + Timing.besides + probe + silence + planned
            + busy * Timing.warmingRounds
        let fixed = fixed(slices: members)
        let time =
            rounds.map { busy * (members * $0) }
            ?? self.busy(groups: groups, arms: members / groups, slice: busy) * groups
        return arm * members + fixed.slice * (members * fixed.rounds) + time
    }

    /// "40 s", "17 min" or "2 h 5 min".
    package static func minutes(_ duration: Duration) -> String {
        let seconds = Int((Double(duration.wholeNanoseconds) / 1e9).rounded())
        if seconds < 90 { return "\(seconds) s" }
        let minutes = (seconds + 30) / 60
        return minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
    }
}
