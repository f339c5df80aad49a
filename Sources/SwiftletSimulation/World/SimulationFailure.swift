import Swiftlet
import Syscalls

/// Why a simulation failed, with the seed that repeats it and the report of what was going on.
public struct SimulationFailure: Error, CustomStringConvertible {
    /// What went wrong.
    public enum Reason: Sendable {
        /// Nothing was runnable, nothing was due, and the body had not ended.
        case deadlock
        /// Tasks ran and ran at one instant, and the clock never moved.
        case livelock
        /// The body had not ended when the simulated time was over.
        case timeIsOver(limit: Duration)
        /// The body threw an error.
        case threw(any Error)
        /// The program of a host threw an error while the host was up.
        case hostThrew(host: String, any Error)
        /// Tasks were left that do not end although they are cancelled, or descriptors, or
        /// deadlines.
        case leftOver(String)
        /// Two runs of the same seed were not the same.
        case notDeterministic
        /// The environment variable SWIFTLET_SEED holds something that is no seed.
        case badSeed(String)
    }

    /// What went wrong.
    public let reason: Reason
    /// What repeats it.
    public let seed: UInt64
    /// What went wrong in words, how to repeat it, who was waiting for what, the sockets, and the
    /// end of the trace.
    public let description: String
}

extension SimulationFailure.Reason: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .deadlock: "deadlock: nothing is runnable, nothing is due, and the body has not ended"
        case .livelock: "livelock: tasks run and run, and the clock does not move"
        case .timeIsOver(let limit): "the body has not ended after \(limit) of simulated time"
        case .threw(let error): "the body threw: \(text(of: error))"
        case .hostThrew(let host, let error):
            "the program of host '\(host)' threw: \(text(of: error))"
        case .leftOver(let what): "something is left after the end: \(what)"
        case .notDeterministic: "two runs of the same seed were not the same"
        case .badSeed(let text):
            "SWIFTLET_SEED is '\(text)': write a whole number from 0 to \(UInt64.max)"
        }
    }
}

/// What an error says of itself; of one that has no words of its own, and many fields, its type.
///
/// The error of a failed `#require` is such a one: its place and its values stand in the issue that
/// Swift Testing has noted.
private func text(of error: any Error) -> String {
    let text = "\(error)"
    let isDump = !(error is any CustomStringConvertible) && text.count > 200
    return isDump ? "\(type(of: error))" : text
}
