import Testing

@testable import Generator

struct IntervalClockTests {
    @Test func `a kernel that works for the thread has not stopped it`() {
        // Connecting 18,000 times may take the kernel seconds of looking for free ports.
        #expect(IntervalClock.stop(within: 3_000_000_000, working: 2_900_000_000) == nil)
        #expect(IntervalClock.stop(within: 3_000_000_000, working: 2_000_000_000) == nil)
    }

    @Test func `time in which the thread neither worked nor could wait is a stop`() {
        #expect(IntervalClock.stop(within: 3_000_000_000, working: 500_000_000) == 2.5)
        #expect(IntervalClock.stop(within: 1_000_000_001, working: 0) == 1.000_000_001)
    }
}
