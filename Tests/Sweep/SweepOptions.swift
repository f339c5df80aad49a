import Flags
import Processes
import Syscalls

/// What a sweep was asked to do.
struct SweepOptions {
    var seeds: Range<UInt64> = 0..<10_000
    var threads = Machine.cores
    /// Where it stands how far the sweep has come, to go on from there; nil when it is not kept.
    var progressPath: String?
    /// Whether the events of each seed are printed, when it holds too.
    var printsTrace = false
    /// Whether the speed of the simulation is shown and no seed is run.
    var showsNumbers = false

    static let table = FlagTable(
        command: "sweep",
        summary: "Runs an echo service under random faults, once for each seed.",
        usage: ["[options]"],
        groups: [
            FlagGroup(
                "Options:",
                [
                    Flag("seeds", nil, "A..<B", help: "the seeds to run (0..<10000)"),
                    Flag("seed", nil, "N", help: "run this seed only"),
                    Flag("threads", nil, "N", help: "seeds at a time (one for each core)"),
                    Flag(
                        "progress", nil, "FILE",
                        help: "go on where FILE says, and keep it up to date"),
                    Flag("trace", help: "print every event"),
                    Flag("numbers", help: "no seeds: time an hour with clients and an idle day"),
                ])
        ],
        footer: ["exit codes: 0 all seeds hold, 1 one fails, 64 bad usage, 71 no thread or file"])

    init(_ arguments: Arguments) throws(UsageError) {
        if let text = arguments.text("seeds") { seeds = try SweepOptions.range(text) }
        if let text = arguments.text("seed") {
            guard let seed = UInt64(text), seed < .max else {
                throw UsageError("--seed '\(text)' is not a whole number: give the one reported")
            }
            seeds = seed..<seed + 1
        }
        threads = try arguments.count("threads", in: 1...1024) ?? threads
        progressPath = arguments.text("progress")
        printsTrace = arguments.has("trace")
        showsNumbers = arguments.has("numbers")
    }

    private static func range(_ text: String) throws(UsageError) -> Range<UInt64> {
        let dots = text.firstRange(of: "..<")
        guard let dots, let first = UInt64(text[..<dots.lowerBound]),
            let end = UInt64(text[dots.upperBound...]), first < end
        else { throw UsageError("--seeds '\(text)' is no range: write it like 0..<10000") }
        return first..<end
    }
}
