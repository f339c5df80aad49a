import EchoSweep
import Foundation
import Testing

/// The echo service holds its invariants whatever goes wrong, seed for seed.
@Suite struct EchoSweepTests {
    @Test func `an echo service holds its invariants under two hundred seeds of faults`() throws {
        var coverage = Coverage()
        for seed in 0..<200 as Range<UInt64> { coverage.add(try EchoSweep.run(seed: seed)) }

        // One seed alone, which is being repeated, shows little.
        if ProcessInfo.processInfo.environment["SWIFTLET_SEED"] != nil { return }
        // A sweep in which something never happens says nothing about it.
        #expect(coverage.missing == [], "\(coverage)")
    }
}
