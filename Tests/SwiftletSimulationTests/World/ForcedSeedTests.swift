import Testing

@testable import SwiftletSimulation

/// The seed that is given from outside, and the line that says how.
@Suite struct ForcedSeedTests {
    @Test func `a whole number is a seed and nothing else is`() throws {
        #expect(try forcedSeed(from: "17", test: "f()") == 17)
        #expect(try forcedSeed(from: "18446744073709551615", test: "f()") == .max)
        for text in ["", "-1", "1.5", "0x11", "18446744073709551616", "seed"] {
            let failure = #expect(throws: SimulationFailure.self) {
                try forcedSeed(from: text, test: "f()")
            }
            #expect(failure?.description.contains("SWIFTLET_SEED is '\(text)'") == true)
        }
    }

    @Test func `the filter finds a test whatever its name has in it`() {
        #expect(filter(for: "testEcho()") == "testEcho")
        #expect(filter(for: "echo(size:)") == "echo")
        #expect(filter(for: "it's (nearly) over()") == "it.s .nearly. over")
    }

    @Test func `exploring stops at the first seed that fails and says how to repeat it`() throws {
        let seeds = Notes<UInt64>()

        let failure = #expect(throws: SimulationFailure.self) {
            try Simulation.explore(seeds: 10..<1000) { world in
                let number = Int.random(in: 0..<100, using: &world.random)
                seeds.add(UInt64(number))
                if number % 7 == 0 { throw Broken() }
            }
        }

        let seed = try #require(failure?.seed)
        #expect(seeds.all.count == Int(seed) - 9)
        #expect(seeds.all.dropLast().allSatisfy { $0 % 7 != 0 })
        let line = """
            SWIFTLET_SEED=\(seed) swift test --filter 'exploring stops at the first seed that \
            fails and says how to repeat it'
            """
        #expect(failure?.description.contains(line) == true)
    }
}
