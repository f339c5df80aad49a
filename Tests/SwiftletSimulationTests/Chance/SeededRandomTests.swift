import Testing

@testable import SwiftletSimulation

/// The generator behind every choice of a simulation.
@Suite struct SeededRandomTests {
    @Test func `the same seed gives the same numbers and another seed gives others`() {
        func numbers(_ seed: UInt64) -> [UInt64] {
            var random = SeededRandom(seed: seed)
            return (0..<8).map { _ in random.next() }
        }

        #expect(numbers(42) == numbers(42))
        #expect(numbers(42) != numbers(43))
        #expect(numbers(0).allSatisfy { $0 != 0 })
    }
}
