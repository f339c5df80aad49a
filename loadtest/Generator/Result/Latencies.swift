import Statistics

/// How long requests took, by what is measured: of an interval, or of a whole run as the sum of its
/// intervals.
///
/// The totals of a run, what a live view shows and the intervals of a log are all added up from the
/// same ones, so that no output has a sample that another has not.
package struct Latencies: Sendable {
    /// From planned to answered: what a user waits. In a closed loop it is the service.
    package var response = Latency()
    /// From sent to answered: what the server takes.
    package var service = Latency()
    /// From planned to sent; empty in a closed loop.
    package var sendDelay = Latency()
    /// Response of the requests of ramp and warm-up, which are in none of the above.
    package var warmup = Latency()
    /// Response on connections that read slowly on purpose, which is in none of the above.
    package var slowReaders = Latency()

    package init() {}

    /// Each by the name that documents and logs have for it.
    package static let kinds: [(name: String, path: Path)] = [
        ("response", \.response), ("service", \.service), ("send_delay", \.sendDelay),
        ("warmup", \.warmup), ("slow_readers", \.slowReaders),
    ]
    package typealias Path = WritableKeyPath<Latencies, Latency> & Sendable

    package mutating func add(_ other: Latencies) {
        for kind in Latencies.kinds { self[keyPath: kind.path].add(other[keyPath: kind.path]) }
    }

    package mutating func clear() {
        for kind in Latencies.kinds { self[keyPath: kind.path].clear() }
    }
}
