import Flags

// The table of options that `loadtest` parses and prints as its help: the everyday ones on one
// screen, and all of them with `--help all`.
extension Options {
    static let version = "0.1.0"

    /// The options of `loadtest`, and its help.
    static let table = FlagTable(
        command: "loadtest",
        summary:
            "Opens connections to an echo server, checks every echoed byte, reports latency.",
        usage: [
            "[HOST:PORT | tcp://HOST:PORT] [options]",
            "echo | compare | diff | merge | report [options]  (try --help)",
        ],
        groups: [load, output, pacing, connections, payload, engine, files, parts],
        positionalsMax: 1,
        footer: [
            "Without a target it starts the bundled echo server on a free port.",
            "Units: times 250us 5ms 1m30s, counts 10k, sizes 64k, rates 5k/s 300/m; a bare",
            "       number is seconds, bytes or per second.",
            "Exit:  0 done, 64 bad usage, 69 no target, 71 system limit, 73 cannot write,",
            "       97 wrong bytes, 98 --strict, 99 --fail-if, 130 interrupted, 70 a mistake",
            "       in loadtest.",
        ]
    )

    private static let load = FlagGroup(
        "Load:",
        [
            Flag("conns", "c", "N", help: "connections held open together (50)"),
            Flag("duration", "d", "T", help: "how long to measure (10s)"),
            Flag("requests", "n", "N", help: "end after so many requests"),
            Flag(
                "rate", "R", "R",
                help: "requests per second in all, or 70% of the maximum (max)"),
            Flag("size", "s", "BYTES", help: "of a request: 64, 64..4k or 64:80,4k:20 (64)"),
            Flag("threads", "t", "N", help: "threads of the generator (1)"),
            Flag("warmup", nil, "T", help: "load before measuring (auto: until it is steady)"),
            Flag("steps", nil, "A..B/N", help: "measure N rates from A to B"),
            Flag("search", nil, "EXPR", help: "find the highest rate that holds 'p99<2ms'"),
        ]
    )

    private static let output = FlagGroup(
        "Output:",
        [
            Flag("json", nil, "FILE", help: "write the figures as JSON; - is standard output"),
            Flag("html", nil, "FILE", help: "write a page with the figures as pictures"),
            Flag("quiet", "q", help: "one summary line"),
            Flag(
                "fail-if", nil, "EXPR", isRepeatable: true,
                help: "exit with 99 if so: 'p99>2ms' 'errors>0' 'rate<50k'"),
            Flag("strict", help: "exit with 98 if the verdict is INVALID"),
        ]
    )

    private static let pacing = FlagGroup(
        "When requests are made:", isAdvanced: true,
        [
            Flag("arrivals", nil, "LAW", help: "with --rate: poisson or const (poisson)"),
            Flag(
                "max-outstanding", nil, "N",
                help: "with --rate: in flight on a connection; others wait (1024)"),
            Flag("pace", nil, "HOW", help: "with --rate: sleep, hybrid or spin (hybrid)"),
            Flag("pipeline", nil, "N", help: "without: in flight on a connection (1)"),
            Flag("ramp", nil, "T", help: "grow the load to its height before the warm-up (0)"),
            Flag("drain", nil, "T", help: "wait for the last answers (1s)"),
            Flag("timeout", nil, "T", help: "for an answer (5s)"),
        ]
    )

    private static let connections = FlagGroup(
        "Connections:", isAdvanced: true,
        [
            Flag("connect-rate", nil, "R", help: "connections opened per second (no limit)"),
            Flag("connect-timeout", nil, "T", help: "for a connection to come up (5s)"),
            Flag("idle", nil, "N", help: "silent connections beside the others (0)"),
            Flag("reqs-per-conn", nil, "N", help: "close and open again after N requests"),
            Flag("conn-lifetime", nil, "T", help: "close and open again at that age"),
            Flag("crr", help: "connect, request, response, close; the connect counts"),
            Flag("close", nil, "HOW", help: "fin, half, rst or server (fin)"),
            Flag("reconnect", help: "replace connections that were lost"),
            Flag(
                "source", nil, "ADDRESSES",
                help: "local addresses: auto, or 10.0.0.7,10.0.1.0/28 (auto)"),
        ]
    )

    private static let payload = FlagGroup(
        "Payload:", isAdvanced: true,
        [
            Flag("verify", nil, "full|off", help: "compare every echoed byte (full)"),
            Flag("split", nil, "HOW", help: "cut requests: none, bytes, half or random (none)"),
            Flag(
                "slow-read", nil, "R[:P%]",
                help: "a share of the connections reads R bytes a second (10%)"),
            Flag("seed", nil, "N", help: "what everything random derives from (1)"),
        ]
    )

    private static let engine = FlagGroup(
        "Engine:", isAdvanced: true,
        [
            Flag(
                "driver", nil, "NAME",
                help: "the generator's: poll, select, epoll or io_uring (epoll)"),
            Flag("server-driver", nil, "NAME", help: "the bundled server's (poll)"),
            Flag("prove-headroom", help: "repeat 3 s with half the threads, and compare"),
        ]
    )

    private static let files = FlagGroup(
        "Progress and files:", isAdvanced: true,
        [
            Flag("live", nil, "MODE", help: "progress: auto, panel, line or off (auto)"),
            Flag("interval", nil, "T", help: "of the progress and of --hlog (1s)"),
            Flag("color", nil, "WHEN", help: "auto, always or never (auto)"),
            Flag("hgrm", nil, "FILE", help: "write the percentiles for HdrHistogram's plotter"),
            Flag("hlog", nil, "FILE", help: "write a histogram for each interval"),
        ]
    )

    private static let parts = FlagGroup(
        "One of several machines:", isAdvanced: true,
        [
            Flag("shard", nil, "i/N", help: "take the i-th of N parts of the load"),
            Flag("start-at", nil, "T", help: "begin at seconds since 1970, or in +20s"),
            Flag("run-id", nil, "ID", help: "the run's name, the same for all shards"),
        ]
    )
}
