import CLinux
import Syscalls

/// The clock of a host, which may run ahead of the world's or behind, fast or slow.
///
///     host's time = shown + (world's time - since) · (1 + rate / 1,000,000)
///
/// It never goes back: what is changed is how it goes on.
struct HostClock: Sendable {
    /// When the clock was set last, on the world's clock, and what it showed then.
    private var since = Instant(nanoseconds: 0)
    private var shown = Instant(nanoseconds: 0)
    /// How much faster than the world's it runs, in parts per million; above -1,000,000.
    private var rate: Int64 = 0

    /// What the clock shows at an instant of the world.
    func reading(at now: Instant) -> Instant {
        if rate == 0 { return shown.advanced(byNanoseconds: since.nanoseconds(to: now)) }
        let elapsed = Int128(since.nanoseconds(to: now))
        return shown.advanced(
            byNanoseconds: Int64(clamping: elapsed * Int128(1_000_000 + rate) / 1_000_000))
    }

    /// The first instant of the world at which the clock shows at least `instant`.
    func worldInstant(of instant: Instant) -> Instant {
        if instant == .never { return .never }
        if rate == 0 { return since.advanced(byNanoseconds: shown.nanoseconds(to: instant)) }
        let scale = Int128(1_000_000 + rate)
        let product = max(Int128(shown.nanoseconds(to: instant)), 0) * 1_000_000
        let elapsed = (product + scale - 1) / scale
        return since.advanced(byNanoseconds: Int64(clamping: elapsed))
    }

    /// Lets the clock run at a rate from `now` on.
    mutating func setRate(partsPerMillion rate: Int64, at now: Instant) {
        precondition(rate > -1_000_000, "a clock that stands still would never show any deadline")
        shown = reading(at: now)
        since = now
        self.rate = rate
    }
}

/// What the standard library's clocks show to the code of a simulated host.
///
/// `Task.sleep(for:)` and code that asks `ContinuousClock` for the time read the machine's clock,
/// as the Swift runtime does in C. On the simulation's thread, while a host's loop turns, they read
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
