import Flags
import Reports

/// How long the parts of a comparison take, and so how long all of it will.
package struct Timing: Sendable, Equatable {
    /// How long each load is measured.
    let measured: Duration

    package init(measured: Duration) { self.measured = measured }

    /// How long a load runs before it is measured: the more connections, the longer it takes a
    /// server to take them all, above all one that starts a process for each.
    func warmup(connections: Int, _ shape: Contender.Shape) -> Duration {
        let each = Duration.microseconds(shape == .taskEach ? 300 : 30)
        return min(.milliseconds(200), measured) + each * connections
    }

    /// How long the connections are watched while all of them are silent.
    var silence: Duration { min(.milliseconds(500), measured) }

    /// How long the load is measured that finds out what an arm can do.
    var probe: Duration { max(measured / 4, min(.milliseconds(250), measured)) }

    /// Starting and stopping two servers, and looking at their memory.
    private static let besides = Duration.milliseconds(400)
    /// The checks whether a server echoes as it must.
    private static let proof = Duration.seconds(3)
    /// Opening and closing a connection, for each of the four times that it is done.
    private static let connection = Duration.microseconds(400)

    /// What an arm of the usual shape takes at one load in one round.
    func measurement(connections: Int) -> Duration {
        let load = warmup(connections: connections, .together) + measured
        return silence + load * 3 + Self.connection * connections + Self.besides
    }

    /// What the first part takes: each arm proves itself, and shows at each load what it can do.
    func proving(arms: Int, connections: [Int]) -> Duration {
        let probes = connections.reduce(Duration.zero) {
            $0 + warmup(connections: $1, .together) + probe + Self.besides
        }
        return (Self.proof + probes) * arms
    }

    /// What a comparison takes, in a line: "14 arms × 8 rounds × 1 load × 8.5 s ≈ 17 min".
    package static func estimate(_ options: CompareOptions) -> String {
        // The baseline runs twice.
        let arms = options.contenders.count + 1
        let connections = options.points.map(\.connections)
        let all = { (rounds: Int, measured: Duration) in
            let timing = Timing(measured: measured)
            let round = connections.reduce(Duration.zero) {
                $0 + timing.measurement(connections: $1)
            }
            return timing.proving(arms: arms, connections: connections) + round * arms * rounds
        }
        let timing = Timing(measured: options.duration)
        let longest = connections.map { timing.measurement(connections: $0) }.max() ?? .zero
        let loads = connections.count == 1 ? "1 load" : "\(connections.count) loads of at most"
        let rounds = options.rounds == 1 ? "1 round" : "\(options.rounds) rounds"
        let quick = CompareOptions.quick
        let line =
            "\(arms) arms × \(rounds) × \(loads) × \(seconds(longest))"
            + " ≈ \(minutes(all(options.rounds, options.duration)))"
        if options.isQuick { return line + "; --quick finds only large differences" }
        return line + "; --quick takes \(minutes(all(quick.rounds, quick.duration)))"
    }

    private static func seconds(_ duration: Duration) -> String {
        Figures.fixed(Double(duration.wholeNanoseconds) / 1e9, decimals: 1) + " s"
    }

    /// "40 s", "17 min" or "2 h 5 min".
    package static func minutes(_ duration: Duration) -> String {
        let seconds = Int((Double(duration.wholeNanoseconds) / 1e9).rounded())
        if seconds < 90 { return "\(seconds) s" }
        let minutes = (seconds + 30) / 60
        return minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
    }
}
