import Flags

// The table of options that `loadtest compare` parses and prints as its help, on one screen.
extension CompareOptions {
    package static let table = FlagTable(
        command: "loadtest compare",
        summary: "Runs echo servers against each other and says what they differ by.",
        usage: ["[--variants LIST] [options]", "--server 'NAME=COMMAND {port}' [options]"],
        groups: [arms, load, reports],
        footer: [
            "Each arm proves first that it echoes. Then it gets a fresh process in every",
            "round, and three loads: everybody busy, everybody at one fixed rate, and most",
            "connections silent. The baseline also runs against itself: what it differs by",
            "is what nothing differs by. Ctrl-C keeps the rounds that are finished.",
            "Units: times 250us 5ms 1m30s, counts 10k, sizes 64k; a bare number is seconds.",
            "Exit:  0 done, 64 bad usage, 69 no arm could be measured, 71 system limit,",
            "       73 cannot write, 98 --strict, 130 interrupted.",
        ])

    private static let arms = FlagGroup(
        "Arms:",
        [
            Flag(
                "variants", "v", "LIST",
                help: "bundled servers: 'threads,coroutine-epoll', 'coroutine' (all)"),
            Flag(
                "server", nil, "NAME=COMMAND", isRepeatable: true,
                help: "somebody else's; {port} is where it is to listen"),
            Flag("baseline", nil, "NAME", help: "compare with this arm (\(usualBaseline))"),
        ])

    private static let load = FlagGroup(
        "Load:",
        [
            Flag("conns", "c", "N", help: "connections held open together (1000)"),
            Flag("size", "s", "BYTES", help: "of a request (64)"),
            Flag("matrix", nil, "LISTS", help: "several loads: 'conns=10,1k,9k size=64,4k'"),
            Flag("rounds", nil, "N", help: "times that each arm runs each load (8)"),
            Flag("duration", "d", "T", help: "how long each load is measured (2s)"),
            Flag("quick", help: "6 rounds of 500ms: finds only large differences"),
            Flag("seed", nil, "N", help: "what the order of the arms derives from (1)"),
        ])

    private static let reports = FlagGroup(
        "Reports:",
        [
            Flag("json", nil, "FILE", help: "write every figure; - is standard output"),
            Flag("html", nil, "FILE", help: "write a page with pictures"),
            Flag("md", nil, "FILE", help: "write the tables as Markdown"),
            Flag("svg", nil, "DIR", help: "write each picture there; --md shows them"),
            Flag("quiet", "q", help: "no progress"),
            Flag("strict", help: "exit with 98 if an arm has no or invalid figures"),
        ])
}
