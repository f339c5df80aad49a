import Glibc

/// The time of day, which the system's clock has and others may set: for people and other machines,
/// and never to measure how long something took.
struct WallClock: Sendable {
    /// Nanoseconds since 1 January 1970, UTC.
    let nanoseconds: @Sendable () -> Int

    /// The clock of this machine (clock_gettime(2)).
    static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Whole seconds since 1 January 1970, UTC.
    var seconds: Int { nanoseconds() / 1_000_000_000 }
}
