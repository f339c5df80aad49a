import Synchronization

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
