import Syscalls

/// The clock of a host, which may run ahead of the world's or behind, fast or slow.
///
///     host's time = shown + (world's time - since) · (1 + rate / 1,000,000)
///
/// It never goes back: what is changed is how it goes on.
struct KernelClock: Sendable {
    /// When the clock was set last, on the world's clock, and what it showed then.
    private var since = Instant(nanoseconds: 0)
    private var shown = Instant(nanoseconds: 0)
    /// How much faster than the world's it runs, in parts per million; above -1,000,000.
    private var rate: Int64 = 0

    init() {}

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

    /// Sets the clock forward by a time that is not negative, and lets it run at a rate from `now`
    /// on.
    mutating func set(forwardBy nanoseconds: Int64, partsPerMillion rate: Int64, at now: Instant) {
        precondition(nanoseconds >= 0, "a monotonic clock cannot be set back")
        precondition(rate > -1_000_000, "a clock that stands still would never show any deadline")
        shown = reading(at: now).advanced(byNanoseconds: nanoseconds)
        since = now
        self.rate = rate
    }
}
