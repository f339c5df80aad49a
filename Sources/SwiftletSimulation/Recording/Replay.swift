import Glibc
import Swiftlet
import Syscalls

/// Answers a run from a tape, as long as the run asks what the recorded one has asked.
///
/// At the first call that is another one it stops: that and everything after it fails with
/// `ECANCELED`, so that the loop ends and all of its tasks with it.
final class Replay: Sendable {
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

    /// What the recorded run was told; `value` picks it from an answer of the kind that the call
    /// has.
    func answer<Value>(
        to call: RecordedCall, _ value: (RecordedAnswer) -> Value?
    ) throws(Errno) -> Value {
        let answer = try state.withLock { state throws(Errno) in
            try self.answer(to: call, in: &state)
        }
        if case .failed(let error) = answer { throw error }
        guard let value = value(answer) else {
            preconditionFailure("'\(call)' is recorded with an answer of another kind: \(answer)")
        }
        return value
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
        if case .instant(let now) = step.answer { state.now = now }
        return step.answer
    }

    /// The present instant: the recorded one, and after the replay has failed the last one.
    var now: Instant {
        do throws(Errno) {
            return try answer(to: .now, \.instant)
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
