import Testing

@testable import Swiftlet

/// How long a sleep of the standard library was, found again from what is left of it.
@Suite struct SettledDelayTests {
    @Test(
        arguments: [
            // What is left of 10 ms, and the age of the job.
            (9_999_000, 5_000, 10_000_000),
            (9_999_000, 70_000_000, 10_000_000),
            // The thread was held up for 4.5 ms between the reading of the clock and the call.
            (5_500_000, 4_503_000, 10_000_000),
            // 10.5 ms are no whole number of milliseconds.
            (10_499_000, 3_000, 11_000_000),
            (0, 10_000_000, 0), (-400, 500, 0),
            (.max, .max, .max), (.max - 2_000_000, .max, 9_223_372_036_853_000_000),
        ] as [(Int64, Int64, Int64)])
    func `a delay of whole milliseconds is found`(rest: Int64, age: Int64, delay: Int64) {
        #expect(settledDelay(rest, atMostOlderBy: age) == delay)
    }

    @Test func `nothing ends early`() {
        for rest in stride(from: Int64(1), to: 5_000_000, by: 12_347) {
            for age in [0, 50_000, 1_000_000, 123_456_789] as [Int64] {
                #expect(settledDelay(rest, atMostOlderBy: age) >= rest)
            }
        }
    }
}
