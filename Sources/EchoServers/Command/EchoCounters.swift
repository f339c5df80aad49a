import Drivers
import Swiftlet

/// What an echo server did, as the one line of JSON that it prints on its way out.
///
/// Every model counts the same; what only event loops know stands under `loops`, one object for
/// each.
package struct EchoCounters: Sendable, Equatable {
    /// Connections taken from the kernel's queue and served.
    package var accepted = 0
    /// The most that were open together.
    package var openMax = 0
    /// Connections closed at once because of `--max-connections` or a limit of the system.
    package var refused = 0
    /// Attempts to take a connection that failed.
    package var acceptErrors = 0
    /// Connections that ended with an error.
    package var handlerErrors = 0
    package var bytesRead = 0
    package var bytesWritten = 0
    /// System calls made to serve, by their name: they prove which mechanism really ran.
    ///
    /// "accept4", "recv", "send", "poll", "select", "epoll_wait", "epoll_ctl", "io_uring_enter",
    /// "fork", "pthread_create", "nanosleep"; and "ppoll" where a model whose clients are served by
    /// processes or threads waits for the next one.
    package var calls: [String: Int] = [:]
    /// Event loops, for the model that has them.
    package var loops: [LoopStatistics] = []

    /// Nothing has happened yet.
    package init() {}

    /// Counts calls under their name; none leaves no trace.
    mutating func count(_ call: String, _ times: Int) {
        if times != 0 { calls[call, default: 0] += times }
    }

    /// The same with so many more calls of a name.
    func counting(_ call: String, _ times: Int) -> EchoCounters {
        var counters = self
        counters.count(call, times)
        return counters
    }

    /// Adds what another part of the service counted; `openMax` is the caller's to know.
    package mutating func add(_ other: EchoCounters) {
        accepted += other.accepted
        refused += other.refused
        acceptErrors += other.acceptErrors
        handlerErrors += other.handlerErrors
        bytesRead += other.bytesRead
        bytesWritten += other.bytesWritten
        calls.merge(other.calls, uniquingKeysWith: +)
        loops += other.loops
    }

    /// A JSON object without line feeds. Names and units are the contract; times are in seconds.
    package var json: String {
        let names = [
            ("accepted", accepted), ("open_max", openMax), ("refused", refused),
            ("accept_errors", acceptErrors), ("handler_errors", handlerErrors),
            ("bytes_read", bytesRead), ("bytes_written", bytesWritten),
        ]
        let counts = names.map { "\"\($0)\":\($1)" }
        let calls = calls.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
        let parts = counts + ["\"calls\":{\(calls.joined(separator: ","))}"]
        let loops = loops.map(\.json).joined(separator: ",")
        return "{"
            + (parts + (loops.isEmpty ? [] : ["\"loops\":[\(loops)]"]))
            .joined(separator: ",") + "}"
    }
}

extension LoopStatistics {
    fileprivate var json: String {
        let names = [
            ("connections", connections), ("bytes_read", bytesRead),
            ("bytes_written", bytesWritten), ("receives", receives), ("sends", sends),
            ("would_blocks", wouldBlocks),
            ("turns", turns), ("waits", waits), ("jobs", jobs), ("parks", parks),
            ("spurious_wakes", spuriousWakes), ("interest_changes", interestChanges),
        ]
        let counts = names.map { "\"\($0)\":\($1)" }.joined(separator: ",")
        return "{\(counts),\"longest_turn_s\":\(Double(longestTurn) / 1e9)}"
    }
}
