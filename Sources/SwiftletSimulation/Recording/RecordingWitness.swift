import Swiftlet

// A loop whose run is recorded or replayed runs its jobs in the order in which they became
// runnable, as one does that nobody watches.

/// Watches a loop whose run is recorded.
final class RecordingWitness: LoopWitness {
    private let recording: Recording

    init(_ recording: Recording) { self.recording = recording }

    func choose(below bound: Int) -> Int { bound - 1 }

    func settle(_ delay: Int64) -> Int64 {
        recording.add(.timer, .delay(nanoseconds: delay))
        return delay
    }

    func saw(_ step: LoopStep) {}
}

/// Watches a loop whose run is replayed.
final class ReplayWitness: LoopWitness {
    private let replay: Replay

    init(_ replay: Replay) { self.replay = replay }

    func choose(below bound: Int) -> Int { bound - 1 }

    func settle(_ delay: Int64) -> Int64 {
        // A replay that has failed says so at its end; until then any delay will do.
        (try? replay.answer(to: .timer, \.delay)) ?? delay
    }

    func saw(_ step: LoopStep) {}
}
