import CLinux
import Syscalls

/// What the standard library's clocks show to the code of a simulated host.
///
/// `Task.sleep(for:)` and whoever asks `ContinuousClock` for the time read the machine's clock, as
/// the Swift runtime does in C. On the simulation's thread, while a host's loop turns, they read
/// the host's instead (`ClockHook.h`); all other threads read what they always do. So a sleep is
/// exactly as long as it says, and an instant that is made from `now` means what it should.
enum ShownClock {
    /// Whether the runtime's reading of the clock could be replaced; done once for the process.
    static let isHooked: Bool = {
        // The first reading binds the call, and is the machine's.
        _ = ContinuousClock.now
        return clinux_hook_clock() > 0
    }()

    /// Runs `body` while the clocks of the calling thread show `instant`, not before their origin.
    static func show<Result, Failure: Error>(
        _ instant: Instant, while body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isHooked else { return try body() }
        let before = clinux_show_time(max(0, instant.nanoseconds))
        defer { _ = clinux_show_time(before) }
        return try body()
    }
}
