/// Why a recording was not replayed to its end.
public enum ReplayError: Error, Equatable, CustomStringConvertible {
    /// Other threads made calls of the recorded run, or woke its loop, so many times; when they did
    /// so between its steps is not known.
    case otherThreads(calls: Int)
    /// The recording has only the beginning of the run, so many steps, which were all replayed.
    case cut(steps: Int)
    /// The code asked for something else than in the recorded run.
    case diverged(Divergence)

    /// Says what happened, and what to do.
    public var description: String {
        switch self {
        case .otherThreads(let calls):
            "other threads had a part in this run, \(calls) times, and when is not recorded: "
                + "start tasks with 'spawn' and task groups, which stay on the loop, and await "
                + "nothing that runs elsewhere"
        case .cut(let steps):
            "the recording was full after \(steps) steps, and all of them were replayed: record "
                + "again with a larger 'bytesMax'"
        case .diverged(let divergence):
            divergence.description
        }
    }
}

/// Where a replay took another way than the recorded run: the code, its input besides the network,
/// or the order of its tasks is not the same.
public struct Divergence: Equatable, Sendable, CustomStringConvertible {
    /// Which step it is, from 1.
    public let step: Int
    /// What the recorded run did, and what it was told; nil when it had ended.
    public let recorded: String?
    /// What the replayed run did; nil when it ended.
    public let called: String?
    /// The last steps before, which were the same, the eldest first.
    public let before: [String]

    /// Both ways and the steps before, on lines of their own.
    public var description: String {
        let steps = before.enumerated().map { index, text in
            "    step \(step - before.count + index): \(text)\n"
        }
        return "the replay took another way at step \(step)\n" + steps.joined()
            + "    recorded: \(recorded ?? "the end of the run")\n"
            + "    replayed: \(called ?? "the end of the run")"
    }
}
