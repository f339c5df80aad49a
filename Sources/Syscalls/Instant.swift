import Glibc

/// A point of the monotonic clock, in nanoseconds (clock_gettime(2), `CLOCK_MONOTONIC`).
///
/// A single word, so that comparing two or adding to one costs nothing in the event loop.
/// Arithmetic saturates: a timeout of a thousand years is "never", not a trap and not the past.
public struct Instant: InstantProtocol, Hashable, Sendable {
    /// Nanoseconds since the clock's origin, which on Linux is the start of the machine.
    public let nanoseconds: Int64

    /// The instant that many nanoseconds after the clock's origin.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// An instant that never comes.
    @inlinable public static var never: Instant { Instant(nanoseconds: .max) }

    /// The present instant of the kernel's clock. One vDSO call, about 25 ns.
    public static var now: Instant { Instant(nanoseconds: read(CLOCK_MONOTONIC)) }

    /// This instant moved by `duration`, forwards or back; saturates at the ends of the clock.
    public func advanced(by duration: Duration) -> Instant {
        advanced(byNanoseconds: duration.wholeNanoseconds)
    }

    /// This instant moved by a number of nanoseconds; saturates at the ends of the clock.
    package func advanced(byNanoseconds distance: Int64) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(distance)
        if overflow { return Instant(nanoseconds: distance > 0 ? .max : .min) }
        return Instant(nanoseconds: sum)
    }

    /// How long from here to `other`; negative when `other` is earlier.
    public func duration(to other: Instant) -> Duration {
        .nanoseconds(nanoseconds(to: other))
    }

    /// Nanoseconds from here to `other`; saturates.
    package func nanoseconds(to other: Instant) -> Int64 {
        let (difference, overflow) = other.nanoseconds
            .subtractingReportingOverflow(nanoseconds)
        if overflow { return other.nanoseconds > nanoseconds ? .max : .min }
        return difference
    }

    /// Whether the left instant is the earlier one.
    @inlinable
    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Reads one of the kernel's clocks, in nanoseconds.
    package static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// The duration in whole nanoseconds, rounded up so that nothing fires early; saturates.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds > 0 ? .max : .min }
        let fraction = attoseconds / 1_000_000_000
        let roundedUp = attoseconds % 1_000_000_000 > 0 ? fraction + 1 : fraction
        let (sum, overflows) = whole.addingReportingOverflow(roundedUp)
        return overflows ? (seconds > 0 ? .max : .min) : sum
    }
}
