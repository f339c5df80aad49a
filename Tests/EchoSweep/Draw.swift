import SwiftletSimulation

/// What a plan is drawn with: numbers that a seed decides.
struct Draw {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func next() -> UInt64 { random.next() }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    /// True once in so many times.
    mutating func oneIn(_ count: Int) -> Bool { number(1...count) == 1 }

    mutating func any<Value>(of values: [Value]) -> Value { values[number(0...values.count - 1)] }

    /// A number from 1 to `most`, small ones more often: every doubling is as likely as any other.
    mutating func size(upTo most: Int) -> Int {
        let bits = Int.bitWidth - most.leadingZeroBitCount
        return min(most, number(1...(1 << number(1...bits)) - 1))
    }

    /// A length of time from nothing to `most`; whole ticks when there is one.
    mutating func time(upTo most: Duration, tick: Duration?) -> Duration {
        if let tick { return tick * number(0...max(1, Int(most / tick))) }
        return .microseconds(number(0...Int(most / .microseconds(1))))
    }
}
