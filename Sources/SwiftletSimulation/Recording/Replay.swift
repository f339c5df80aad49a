import Glibc
import Swiftlet
import Syscalls

/// Answers a run from a tape, as long as the run asks what the recorded one has asked.
///
/// At the first call that is another one it stops: that and everything after it fails with
/// `ECANCELED`, so that the loop ends and all of its tasks with it.
final class Replay: AnswerSource {
    private struct State {
        let tape: Tape
        /// The steps that are still to come.
        var rest: Tape.Iterator
        /// How many steps were replayed.
        var count = 0
        /// What the clock showed last.
        var now = Instant(nanoseconds: 0)
        var failure: ReplayError?
    }

    /// How many steps a report of a divergence shows.
    private static let stepsShown = 6

    private let state: Guarded<State>
    private let thread = UInt(pthread_self())

    /// A replay for the calling thread.
    init(of tape: Tape) { state = Guarded(State(tape: tape, rest: tape.makeIterator())) }

    /// What the recorded run was told; nothing is called.
    func answer<Value>(
        to call: RecordedCall, as field: (Value) -> RecordedField,
        _ make: () throws(Errno) -> Value
    ) throws(Errno) -> Value {
        try answer(to: call)
    }

    /// What the recorded run was told, as what the call returns.
    func answer<Value>(to call: RecordedCall) throws(Errno) -> Value {
        let answer = try state.withLock { state throws(Errno) in
            try self.answer(to: call, in: &state)
        }
        switch answer {
        case .failed(let error): throw error
        case .told(let field):
            guard let value = field.value as? Value else {
                preconditionFailure("'\(call)' is recorded with another kind of answer: \(field)")
            }
            return value
        }
    }

    private func answer(
        to call: RecordedCall, in state: inout State
    ) throws(Errno) -> RecordedAnswer {
        if thread != UInt(pthread_self()) { fail(&state, .otherThreads(calls: 1)) }
        if state.failure != nil { throw .cancelled }
        guard let step = state.rest.next(), step.call == call else {
            fail(&state, failure(at: call, in: state))
            throw .cancelled
        }
        state.count += 1
        if case .told(.instant(let now)) = step.answer { state.now = now }
        return step.answer
    }

    /// The present instant: the recorded one, and after the replay has failed the last one.
    var now: Instant {
        do throws(Errno) {
            return try answer(to: RecordedCall(.now))
        } catch {
            return state.withLock { $0.now }
        }
    }

    /// Notes that the loop was woken, which another thread must not do.
    func addWake() {
        guard thread != UInt(pthread_self()) else { return }
        state.withLock { fail(&$0, .otherThreads(calls: 1)) }
    }

    /// Why the replay was not the recorded run, now that it is over; nil when it was.
    func end() -> ReplayError? {
        state.withLock { state in
            if state.failure == nil, state.count < state.tape.count {
                fail(&state, failure(at: nil, in: state))
            }
            return state.failure
        }
    }

    private func fail(_ state: inout State, _ failure: ReplayError) {
        state.failure = state.failure ?? failure
    }

    /// What it means that the run makes this call now, or ends.
    private func failure(at call: RecordedCall?, in state: State) -> ReplayError {
        if state.tape.isCut, state.count == state.tape.count { return .cut(steps: state.count) }
        let known = state.tape.prefix(state.count).suffix(Replay.stepsShown)
        let recorded = state.tape.dropFirst(state.count).first { _ in true }
        return .diverged(
            Divergence(
                step: state.count + 1, recorded: recorded?.description,
                called: call?.description, before: known.map(\.description)))
    }
}

extension Simulation {
    /// Runs `body` as it ran when `recording` was made, on the calling thread, with nothing behind
    /// it: no socket is opened, nothing is sent, and no time passes but what the code itself takes.
    ///
    /// - Parameters:
    ///   - recording: what the recorded run was told.
    ///   - body: the code of the recorded run.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws, or a `ReplayError`: when the recording has no more than the
    ///   beginning of the run, or cannot be replayed, or when the code has taken another way, which
    ///   cancels `body`.
    public static func replay<Value: Sendable>(
        _ recording: Recording, _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        if let refusal = recording.refusal { throw refusal }
        let replay = Replay(of: recording.tape)
        let result = Result {
            try EventLoop.run(
                on: [ReplayDriver(replay)], sockets: TapedSockets(replay),
                witness: ReplayWitness(replay), TapedResolver.answering(body, from: replay))
        }
        if let failure = replay.end() { throw failure }
        return try result.get()
    }
}

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
