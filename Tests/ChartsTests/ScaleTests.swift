import Statistics
import Testing

@testable import Charts

@Suite struct ScaleTests {
    @Test func `linear ticks are round, equal steps and cover the range`() {
        let ticks = Scale.linear(from: 3, to: 97, of: .plain).ticks

        #expect(ticks.map(\.label) == ["0", "20", "40", "60", "80", "100"])
    }

    @Test func `small steps are printed with the decimals they need and no more`() {
        let ticks = Scale.linear(from: 0, to: 0.11, of: .percent).ticks

        #expect(
            ticks.map(\.label) == [
                "0 %", "0.02 %", "0.04 %", "0.06 %", "0.08 %", "0.1 %", "0.12 %",
            ])
    }

    @Test func `large steps have their thousands separated`() {
        let ticks = Scale.linear(from: 0, to: 2_400_000, of: .plain).ticks

        #expect(ticks.map(\.label).last == "2,500,000")
    }

    @Test func `a logarithmic axis calls times by their units`() {
        let ticks = Scale.log(from: 30_000, to: 90_000_000, of: .time).ticks

        let labels = ticks.map(\.label).filter { !$0.isEmpty }
        #expect(labels == ["100 us", "1 ms", "10 ms", "100 ms"])
        #expect(ticks.first?.value == 20_000)
    }

    @Test func `less than a decade is marked in equal steps`() {
        let ticks = Scale.log(from: 110_000, to: 190_000, of: .time).ticks

        #expect(ticks.map(\.label) == ["100 us", "120 us", "140 us", "160 us", "180 us", "200 us"])
    }

    @Test func `each nine of a tail is as wide as the one before`() throws {
        let scale = Scale.tail(samples: 10_000)
        let places = try scale.ticks.map { try #require(scale.position($0.value)) }

        #expect(scale.ticks.map(\.label) == ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"])
        #expect(places[0] == 0)
        for (place, expected) in zip(places.dropFirst(2), [0.25, 0.5, 0.75, 1]) {
            #expect((place - expected).magnitude < 1e-6)
        }
    }

    @Test func `ratios are marked around 1, and the marks cover them`() {
        func labels(_ low: Double, _ high: Double) -> [String] {
            Scale.ratios(from: low, to: high).ticks.map(\.label)
        }

        #expect(labels(0.97, 1.05) == ["0.96", "0.98", "1.00", "1.02", "1.04", "1.06"])
        #expect(
            labels(0.9, 1.6) == ["0.90", "1.00", "1.10", "1.20", "1.30", "1.40", "1.50", "1.60"])
        #expect(labels(2, 30) == ["1.00", "2.00", "3.00", "5.00", "7.00", "10", "20", "30"])
        #expect(labels(.nan, 3).contains("1.00"))
    }

    @Test func `a span ends where it is told to`() {
        let scale = Scale.span(to: 6.05, of: .plain)

        #expect(scale.position(6.05) == 1)
        #expect(scale.ticks.map(\.label) == ["0", "1", "2", "3", "4", "5", "6"])
    }

    @Test func `a value beyond an end is put at that end and one without a place nowhere`() {
        let scale = Scale.log(from: 1, to: 1000, of: .plain)

        #expect(scale.position(1e9) == 1)
        #expect(scale.position(0.001) == 0)
        #expect(scale.position(0) == nil)
        #expect(scale.position(.nan) == nil)
        #expect(scale.position(.infinity) == nil)
    }

    @Test func `any two ends give ticks that are in order and cover them`() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SplitMix(seed: seed)
        for _ in 0..<2000 {
            let low = generator.magnitude()
            let high = low + generator.magnitude()
            for scale in [
                Scale.linear(from: low, to: high, of: .plain),
                Scale.log(from: low, to: high, of: .time), Scale.span(to: high, of: .percent),
            ] {
                let values = scale.ticks.map(\.value)
                #expect(values.count >= 2, "seed \(seed): \(low) to \(high)")
                #expect(zip(values, values.dropFirst()).allSatisfy(<), "seed \(seed): \(values)")
            }
            let ticks = Scale.log(from: low, to: high, of: .plain).ticks.map(\.value)
            #expect(ticks[0] <= low && ticks[ticks.count - 1] >= high, "seed \(seed)")
        }
    }

    @Test(arguments: [
        (Double.nan, 1), (0, .infinity), (5, 5), (7, 3), (-1e300, 1e300), (1e300, 2e300),
    ])
    func `ends that are no range give an axis all the same`(low: Double, high: Double) {
        for scale in [
            Scale.linear(from: low, to: high, of: .plain),
            Scale.log(from: low, to: high, of: .time),
            Scale.span(to: high, of: .plain),
        ] {
            #expect(scale.ticks.count >= 2)
            #expect(scale.ticks.allSatisfy { $0.value.isFinite })
        }
    }

    @Test func `the logarithm is right to twelve digits`() {
        for exponent in -300...300 {
            let power = Double("1e\(exponent)") ?? 0
            #expect((decimalLogarithm(power) - Double(exponent)).magnitude < 1e-11)
        }
        #expect((decimalLogarithm(2) - 0.301029995663981195).magnitude < 1e-13)
    }
}

extension SplitMix {
    /// A positive number of any size from a millionth to a million millions.
    fileprivate mutating func magnitude() -> Double {
        let exponent = Int.random(in: -6...12, using: &self)
        return (Double("1e\(exponent)") ?? 1) * Double.random(in: 1..<10, using: &self)
    }
}
