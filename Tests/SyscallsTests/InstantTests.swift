import Glibc
import Syscalls
import Testing

/// Arithmetic of time: it saturates instead of trapping, and rounds so that nothing fires early.
@Suite struct InstantTests {
    private static let sums: [(Int64, Int64, Int64)] = [
        (0, 5, 5), (10, -15, -5),
        (Int64.max, 1, Int64.max), (Int64.max - 1, 1, Int64.max), (Int64.max, Int64.max, Int64.max),
        (Int64.min, -1, Int64.min), (Int64.min, Int64.min, Int64.min),
        (Int64.min, Int64.max, -1),
    ]

    @Test(arguments: sums)
    func `adding beyond the clock's end stays at its end`(from: Int64, by: Int64, to: Int64) {
        #expect(Instant(nanoseconds: from).advanced(byNanoseconds: by).nanoseconds == to)
    }

    private static let distances: [(Int64, Int64, Int64)] = [
        (0, 5, 5), (5, 0, -5),
        (Int64.min, Int64.max, Int64.max), (Int64.max, Int64.min, Int64.min),
        (-1, Int64.max, Int64.max), (1, Int64.min, Int64.min), (Int64.max, Int64.max, 0),
    ]

    @Test(arguments: distances)
    func `a distance too long to count saturates`(from: Int64, to: Int64, distance: Int64) {
        let start = Instant(nanoseconds: from)

        #expect(start.nanoseconds(to: Instant(nanoseconds: to)) == distance)
        #expect(start.duration(to: Instant(nanoseconds: to)) == .nanoseconds(distance))
    }

    @Test func `a timeout of a thousand years is never`() {
        #expect(Instant.now.advanced(by: .seconds(1_000 * 365 * 86_400)) == .never)
        #expect(Instant.never.advanced(by: .seconds(1)) == .never)
        #expect(Instant(nanoseconds: -1).advanced(by: .seconds(Int64.min)).nanoseconds == .min)
    }

    @Test func `instants are ordered as the clock passes them`() {
        let first = Instant.now
        let second = Instant.now

        #expect(first <= second)
        #expect(second < .never)
        #expect(first.advanced(by: .nanoseconds(1)) > first)
    }

    private static let durations: [(Duration, Int64)] = [
        (.zero, 0), (.nanoseconds(1), 1), (.seconds(2), 2_000_000_000),
        (.milliseconds(1.5), 1_500_000), (.nanoseconds(-1), -1), (.seconds(-3), -3_000_000_000),
        (Duration(secondsComponent: 0, attosecondsComponent: 1), 1),
        (Duration(secondsComponent: 0, attosecondsComponent: 999_999_999), 1),
        (Duration(secondsComponent: 0, attosecondsComponent: 1_000_000_001), 2),
        (Duration(secondsComponent: 1, attosecondsComponent: 1), 1_000_000_001),
        (Duration(secondsComponent: 0, attosecondsComponent: -1), 0),
        (Duration(secondsComponent: 0, attosecondsComponent: -1_000_000_001), -1),
        (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
        (.seconds(9_223_372_036), 9_223_372_036_000_000_000), (.seconds(9_223_372_037), .max),
        (.seconds(-9_223_372_037), .min),
    ]

    @Test(arguments: durations)
    func `a duration in nanoseconds is rounded up`(duration: Duration, nanoseconds: Int64) {
        #expect(duration.wholeNanoseconds == nanoseconds)
    }

    @Test func `a thread's own clock of processor time moves forward`() {
        let before = Instant.read(CLOCK_THREAD_CPUTIME_ID)
        let after = Instant.read(CLOCK_THREAD_CPUTIME_ID)

        #expect(0 < before)
        #expect(before <= after)
    }
}
