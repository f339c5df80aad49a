import Reports

/// What shows by which mechanism a bundled server served: the system calls that it counted.
///
/// Its own must be among them and the others' not: a model that falls back on something else in
/// silence would be measured under a name that is not its own.
///
///     model                 its own
///     coroutine, driver X   X's wait
///     select, poll, …       its wait
///     fork                  fork
///     threads               pthread_create
///     iterative, sweep      recv, and none of the others'
package struct Mechanism: Sendable, Equatable {
    /// The call that it stands for.
    package let own: String

    /// The calls that tell the models apart.
    private static let telling: Set<String> = [
        "select", "poll", "epoll_wait", "io_uring_enter", "fork", "pthread_create",
    ]

    /// The mechanism of a model with a driver.
    package init(model: String, driver: String) {
        switch model {
        case "iterative", "sweep": own = "recv"
        case "fork": own = "fork"
        case "threads": own = "pthread_create"
        default: own = Mechanism.waitCall(of: driver)
        }
    }

    private static func waitCall(of driver: String) -> String {
        switch driver {
        case "epoll", "epoll-et": "epoll_wait"
        case "io_uring": "io_uring_enter"
        default: driver
        }
    }

    /// What is wrong with the calls that a server counted; nil if nothing is.
    package func objection(to calls: [String: Int]) -> String? {
        if calls[own, default: 0] == 0 {
            let others = calls.keys.filter(Self.telling.contains).sorted()
            let instead = others.isEmpty ? "" : "; it counted \(others.joined(separator: ", "))"
            return "it never called \(own)\(instead)"
        }
        let strange = calls.filter { call, count in
            Self.telling.contains(call) && call != own && count > 0
        }
        let names = strange.keys.sorted().joined(separator: ", ")
        return strange.isEmpty ? nil : "it also called \(names)"
    }

    /// The proof in a few words: "epoll_wait 1.9M".
    package func proof(in calls: [String: Int]) -> String {
        "\(own) \(Figures.short(Double(calls[own, default: 0])))"
    }
}

/// The system calls that a bundled server counted, from the last line that it wrote.
package enum CallCounts {
    /// Nil when the line is no counters.
    package static func read(_ line: String) -> [String: Int]? {
        // Another text than JSON is another line.
        guard let document = try? JSONValue(parsing: line), case .object(let members) = document,
            case .object(let calls)? = members.first(where: { $0.0 == "calls" })?.1
        else { return nil }
        var counts: [String: Int] = [:]
        for case (let name, .integer(let count)) in calls { counts[name] = count }
        return counts
    }
}
