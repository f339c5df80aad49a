import Testing

@testable import SwiftletSimulation

/// The seed that is given from outside, and the line that says how.
@Suite struct ForcedSeedTests {
    @Test func `a whole number is a seed and nothing else is`() throws {
        #expect(try unforced(seed: 1).parsedSeed(test: "f()") == nil)
        #expect(try forced("17").parsedSeed(test: "f()") == 17)
        #expect(try forced("18446744073709551615").parsedSeed(test: "f()") == .max)
        for text in ["", "-1", "1.5", "0x11", "18446744073709551616", "seed"] {
            let failure = #expect(throws: SimulationFailure.self) {
                try forced(text).parsedSeed(test: "f()")
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
            try Simulation.explore(seeds: 10..<1000, with: unforced(seed: 0)) { world in
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

    @Test func `a forced seed takes the place of all others`() throws {
        let numbers = Notes<UInt64>()

        try forced("7").run { world in numbers.add(world.random.next()) }
        try Simulation.explore(seeds: 0..<5, with: forced("7")) { world in
            numbers.add(world.random.next())
        }
        try unforced(seed: 7).run { world in numbers.add(world.random.next()) }

        #expect(numbers.all.count == 3)
        #expect(Set(numbers.all).count == 1)
        #expect(
            forcedSeedNotice(7, insteadOf: "seeds 0..<5", in: "f()")
                == "SWIFTLET_SEED is set: 'f()' runs seed 7 instead of seeds 0..<5")
    }

    @Test func `to explore no seed at all is a failure`() {
        let failure = #expect(throws: SimulationFailure.self) {
            try Simulation.explore(seeds: 7..<7, with: unforced(seed: 0)) { _ in }
        }

        #expect(failure?.description == "there is no seed in 7..<7: give a range with at least one")
    }

    private func forced(_ text: String) -> Simulation {
        var simulation = Simulation(seed: 0)
        simulation.forcedSeed = text
        return simulation
    }
}
