import Syscalls

/// What a loop says aside, beside what its tasks do: an error that no code handled, or tasks that
/// do not end.
///
/// It goes to standard error, or to the `log` that `EventLoop.run` was given. It prints as it
/// stands there, on one line or several.
public struct LoopMessage: Sendable, CustomStringConvertible {
    /// What it is about.
    public enum Kind: String, Sendable {
        /// A task ended with an error that no code handles. Said once a second at most.
        case unhandledError = "unhandled error"
        /// The loop is to end, and goes on for tasks that do not.
        case lateEnd = "late end"
    }

    /// What it is about.
    public let kind: Kind
    /// What happened, and what to do, as one line.
    public let text: String
    /// What goes with it, each by its name: "task", "place" and "error", or the "tasks", a line
    /// each.
    public let details: [String: String]

    /// The text behind the name of the library, and below it those that do not end.
    public var description: String {
        let tasks = details["tasks"].map { "\n\($0)" } ?? ""
        return "swiftlet: \(text)\(tasks)"
    }

    static func unhandled(
        _ error: any Error, of task: String, at place: String, after unsaid: Int
    ) -> LoopMessage {
        let others = unsaid == 0 ? "" : " (and \(unsaid) more before)"
        return LoopMessage(
            kind: .unhandledError, text: "'\(task)' at \(place) failed: \(error)\(others)",
            details: ["task": task, "place": place, "error": "\(error)"])
    }

    static func lateEnd(after patience: Duration, for reports: [ParkReport]) -> LoopMessage {
        let text =
            "the loop has been ending for \(patience), and goes on for tasks that do not end: let "
            + "them return when they are cancelled, or their calls throw loopEnded"
        let tasks = reports.map { "  \($0)" }.joined(separator: "\n")
        return LoopMessage(kind: .lateEnd, text: text, details: ["tasks": tasks])
    }
}

/// What takes the messages of a loop, on the loop's thread: it must not block.
public typealias LoopLog = @Sendable (LoopMessage) -> Void

extension LoopMessage {
    /// Says it on standard error; without a reader it is lost rather than waited for.
    static let say: LoopLog = { StandardError.say($0.description) }
}
