import Synchronization

/// A generator of random numbers that are always the same for the same seed: xoshiro256**, begun
/// with SplitMix64 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018).
///
/// Not for secrets.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// A generator that begins with `seed`; every number is as good a seed as any other.
    public init(seed: UInt64) {
        var seed = seed
        func next() -> UInt64 {
            seed &+= 0x9E37_79B9_7F4A_7C15
            var word = seed
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        state = (next(), next(), next(), next())
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let result = rotated(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotated(state.3, by: 45)
        return result
    }

    /// A generator of its own for one purpose, so that what is drawn for it changes nothing else.
    mutating func split() -> SeededRandom { SeededRandom(seed: next()) }

    /// A number from 0 up to but not including `bound`, which is at least 1.
    mutating func number(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// Draws whether something happens whose probability is `probability`, from 0 to 1.
    mutating func draw(_ probability: Double) -> Bool {
        probability > 0 && Double.random(in: 0..<1, using: &self) < probability
    }

    private func rotated(_ word: UInt64, by count: UInt64) -> UInt64 {
        word << count | word >> (64 - count)
    }
}

/// Random numbers that the seed of a simulation decides, for whatever a test leaves to chance.
///
/// ```swift
/// let size = Int.random(in: 1...4096, using: &world.random)
/// ```
///
/// All copies draw from the same stream, which is a different one from those by which the world
/// itself is decided. Not for secrets.
public struct SharedRandom: RandomNumberGenerator, Sendable {
    private final class Stream: Sendable {
        let random: Mutex<SeededRandom>
        init(_ random: SeededRandom) { self.random = Mutex(random) }
    }

    private let stream: Stream

    init(_ random: SeededRandom) { stream = Stream(random) }

    /// The next 64 bits.
    public func next() -> UInt64 { stream.random.withLock { $0.next() } }

    /// A number from 0 up to but not including `bound`, which is at least 1.
    func number(below bound: Int) -> Int { stream.random.withLock { $0.number(below: bound) } }
}
