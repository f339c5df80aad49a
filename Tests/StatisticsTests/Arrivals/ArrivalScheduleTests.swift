import Statistics
import Testing

struct ArrivalScheduleTests {
    private func times(
        _ count: Int, rate: Double, isPoisson: Bool, ramp: Int64 = 0, seed: UInt64 = 1
    ) -> [Int64] {
        var schedule = ArrivalSchedule(
            rate: rate, isPoisson: isPoisson, start: 1_000_000, ramp: ramp,
            random: SplitMix(seed: seed))
        return (0..<count).map { _ in
            defer { schedule.advance() }
            return schedule.next
        }
    }

    @Test func `even times have equal distances, without drift`() {
        let times = times(100_001, rate: 3_000_000, isPoisson: false)

        #expect(times[0] == 1_000_000)
        #expect(times[3] == 1_001_000)
        #expect(times[100_000] - times[0] == 33_333_333)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `poisson times keep the rate and never go back`(seed: UInt64) throws {
        let times = times(200_000, rate: 1000, isPoisson: true, seed: seed)

        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
        let seconds = Double(try #require(times.last) - 1_000_000) / 1e9
        // Five standard deviations of a sum of 200,000 exponential gaps.
        #expect(abs(seconds - 200) < 5 * 200 / Double(200_000).squareRoot(), "seed \(seed)")
    }

    @Test func `a ramp brings half of its requests`() {
        let times = times(3000, rate: 1000, isPoisson: false, ramp: 2_000_000_000)
        let end: Int64 = 1_000_000 + 2_000_000_000

        #expect((999...1001).contains(times.count { $0 < end }))
        // A quarter of them in the first half of it.
        #expect((249...251).contains(times.count { $0 < 1_000_000 + 1_000_000_000 }))
        let after = times.filter { $0 >= end }
        #expect(
            zip(after, after.dropFirst()).allSatisfy { (999_999...1_000_001).contains($1 - $0) })
    }

    @Test func `the phase keeps schedules apart`() {
        let starts = [0.25, 0.75].map {
            ArrivalSchedule(
                rate: 1000, isPoisson: false, start: 0, phase: $0, random: SplitMix(seed: 1)
            ).next
        }

        #expect(starts == [250_000, 750_000])
    }

    @Test(arguments: [true, false], [0, 2_000_000_000] as [Int64])
    func `what is skipped is as many as would have come, in few pieces`(
        isPoisson: Bool, ramp: Int64
    ) throws {
        let end: Int64 = 1_000_000 + 5_000_000_000
        var schedule = ArrivalSchedule(
            rate: 100_000_000, isPoisson: isPoisson, start: 1_000_000, ramp: ramp,
            random: SplitMix(seed: 1))
        let skipped = schedule.skip(before: end)

        #expect(skipped.count <= 10_000)
        #expect(zip(skipped, skipped.dropFirst()).allSatisfy { $0.planned <= $1.planned })
        let sum = Double(skipped.reduce(0) { $0 + $1.count })
        let expected = 0.1 * (5e9 - Double(ramp) / 2)
        // Five standard deviations of so many independent arrivals; even ones differ by rounding.
        #expect(abs(sum - expected) <= (isPoisson ? 5 * expected.squareRoot() : 2))
        #expect(schedule.next >= end && schedule.next < end + 1000)
    }

    @Test func `few are skipped one by one, exactly as they were planned`() {
        var one = ArrivalSchedule(
            rate: 1000, isPoisson: true, start: 0, random: SplitMix(seed: 7))
        var other = one
        let skipped = one.skip(before: 1_000_000_000)
        var times: [Int64] = []
        while other.next < 1_000_000_000 {
            times.append(other.next)
            other.advance()
        }

        #expect(skipped.map(\.planned) == times)
        #expect(skipped.allSatisfy { $0.count == 1 })
        #expect(one.next == other.next)
    }
}
