/// What one task of a loop waits for: who it is, in which call, on what, since when and until when.
///
/// It prints as one line:
///
///     'chat' at Chat/Client.swift:12 waits to read from 10.0.0.1:7788, descriptor 5: 2.0 seconds
///     so far, 3.0 seconds more at most
public struct ParkReport: Sendable, CustomStringConvertible {
    /// What the task is called: the name that it was spawned with, or "handler of" the address that
    /// it serves; nil for other tasks.
    public let name: String?
    /// The call in which it is parked, or by which it was spawned: "Chat/Client.swift:12".
    public let place: String
    /// What it waits for, as it follows the word "waits": "to read from 10.0.0.1:7788, descriptor
    /// 5"; nil when the loop cannot see that: another task, an actor, a stream, another thread.
    public let purpose: String?
    /// How long it has waited, counted from the turn in which it parked; nil when the loop cannot
    /// see that.
    public let waited: Duration?
    /// How long it is still going to wait at most; nil for ever.
    public let remaining: Duration?

    /// All of it as one line.
    public var description: String {
        let who = name.map { "'\($0)'" } ?? "a task"
        guard let purpose, let waited else {
            return "\(who), spawned at \(place), waits for something that the loop cannot see"
        }
        let end = remaining.map { ", \($0) more at most" } ?? ""
        return "\(who) at \(place) waits \(purpose): \(waited) so far\(end)"
    }
}
