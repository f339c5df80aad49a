import Drivers
import Swiftlet
import Syscalls

/// A driver that passes everything on to another one, and notes what it answers.
final class RecordingDriver: Driver {
    private let driver: any Driver
    private let recording: Recording

    init(_ driver: any Driver, into recording: Recording) {
        self.driver = driver
        self.recording = recording
    }

    var now: Instant {
        let now = driver.now
        recording.add(.now, .instant(now))
        return now
    }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        try recording.note(.setInterest(interest, descriptor), { .done }) { () throws(Errno) in
            try driver.setInterest(interest, in: descriptor)
        }
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        let before = ready.count
        do throws(Errno) {
            try driver.wait(until: deadline, into: &ready)
        } catch {
            recording.add(.wait(until: deadline), .failed(error))
            throw error
        }
        recording.add(.wait(until: deadline), .ready(Array(ready[before...])))
    }

    // A replay has no use for it: it asks nothing.
    func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {
        driver.usedUp(directions, of: descriptor)
    }

    func wake() {
        recording.addWake()
        driver.wake()
    }
}
