import Swiftlet

/// Chooses among targets: each in turn, and those that did not answer lately only when there is no
/// other.
///
/// A target that cannot be reached rests, for a second at first and twice as long each time, up to
/// a minute. Then it is tried again.
actor Balancer {
    private struct Rest {
        var end: ContinuousClock.Instant
        var length: Duration
    }

    let targets: [String]
    private var rests: [Int: Rest] = [:]
    private var next = 0
    private(set) var counters = Counters()

    /// What went through.
    struct Counters: Equatable {
        var open = 0
        var done = 0
        var failed = 0
        var bytesThere = 0
        var bytesBack = 0
    }

    /// `targets` has at least one.
    init(_ targets: [String]) { self.targets = targets }

    /// The order in which a client tries the targets.
    func order(at now: ContinuousClock.Instant = .now) -> [Int] {
        let turn = targets.indices.map { (next + $0) % targets.count }
        next = (next + 1) % targets.count
        let isResting = { (target: Int) in self.rests[target].map { now < $0.end } ?? false }
        return turn.filter { !isResting($0) } + turn.filter(isResting)
    }

    /// Notes that a target could not be reached.
    func fail(_ target: Int, at now: ContinuousClock.Instant = .now) {
        // Clients that tried it together found one fault, not many.
        if let rest = rests[target], now < rest.end { return }
        let length = rests[target].map { min($0.length * 2, .seconds(60)) } ?? .seconds(1)
        rests[target] = Rest(end: now + length, length: length)
    }

    /// Notes that a target was reached, and counts a client.
    func open(_ target: Int) {
        rests[target] = nil
        counters.open += 1
    }

    /// Counts what went through when a client is done; nil when its connection broke.
    func close(_ bytes: (there: Int, back: Int)?) {
        counters.open -= 1
        counters.done += bytes == nil ? 0 : 1
        counters.failed += bytes == nil ? 1 : 0
        counters.bytesThere += bytes?.there ?? 0
        counters.bytesBack += bytes?.back ?? 0
    }

    /// Counts a client for which no target was there.
    func refuse() { counters.failed += 1 }

    /// The counters, and which targets rest, as a line.
    func line(at now: ContinuousClock.Instant = .now) -> String {
        let resting = targets.indices.filter { rests[$0].map { now < $0.end } ?? false }
        let rest =
            resting.isEmpty
            ? "" : "; resting: " + resting.map { targets[$0] }.joined(separator: ", ")
        return "\(counters.open) open, \(counters.done) done, \(counters.failed) failed, "
            + "\(counters.bytesThere) bytes there, \(counters.bytesBack) back" + rest
    }
}
