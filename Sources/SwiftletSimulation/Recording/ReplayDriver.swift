import Drivers
import Swiftlet
import Syscalls

/// A driver that answers from a recording and never waits.
final class ReplayDriver: Driver {
    private let replay: Replay

    init(_ replay: Replay) { self.replay = replay }

    var now: Instant { replay.now }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try replay.answer(to: .setInterest(interest, descriptor), \.done)
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        ready += try replay.answer(to: .wait(until: deadline), \.ready)
    }

    func wake() { replay.addWake() }
}
