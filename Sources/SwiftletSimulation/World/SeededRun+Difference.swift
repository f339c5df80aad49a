import Syscalls

// Where two runs of the same seed part.
extension SeededRun {
    /// The failure of a body whose runs differ, with the first event that does.
    ///
    /// It takes two more runs, of which every event is kept. What differed once may be the same
    /// now, so it is tried a few times.
    func difference() -> SimulationFailure {
        var text = "they differ now and then: two more runs were the same"
        var outside = 0
        for _ in 0..<4 {
            let first = play(keeping: .max)
            let second = play(keeping: .max)
            outside = max(outside, first.wakesFromOutside, second.wakesFromOutside)
            if first.digest == second.digest { continue }
            text = SwiftletSimulation.difference(first.lines, second.lines)
            break
        }
        return SimulationFailure(
            reason: .notDeterministic, seed: settings.seed,
            description: [
                "\(SimulationFailure.Reason.notDeterministic)",
                "repeat it: \(repeating(settings.seed, of: test))",
                text,
                outside > 0 ? leftTheSimulation(times: outside) : notOfTheSeed,
            ].joined(separator: "\n"))
    }
}

/// The first line that differs, with a few before it.
func difference(_ first: [String], _ second: [String]) -> String {
    let lengths = min(first.count, second.count)
    let place = (0..<lengths).first { first[$0] != second[$0] } ?? lengths
    guard place < max(first.count, second.count) else {
        return "the events are the same, and the bytes that were sent in them are not"
    }
    let end = "(nothing more)"
    let before = first[max(0, place - 8)..<place].map { "    \($0)" }
    let one = "one " + (place < first.count ? first[place] : end)
    let other = "two " + (place < second.count ? second[place] : end)
    return (["they are the same up to event \(place), and then:"] + before + [one, other])
        .joined(separator: "\n")
}

private let notOfTheSeed = """
    Something decides that is not the seed: look for the order of a Set or Dictionary, a clock of \
    the machine, SystemRandomNumberGenerator, ObjectIdentifier, or state that outlives a run. Use \
    `world.random` for random numbers.
    """
