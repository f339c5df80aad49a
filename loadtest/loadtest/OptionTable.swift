import Flags

// The table of options that `loadtest` parses and prints as its help.
extension Options {
    static let version = "0.1.0"

    /// The options of `loadtest`, and its help: one screen.
    static let table = FlagTable(
        command: "loadtest",
        summary:
            "Opens connections to an echo server, checks every echoed byte, reports latency.",
        usage: ["[HOST:PORT | tcp://HOST:PORT] [options]", "echo [options]"],
        groups: [load, connecting, output],
        positionalsMax: 1,
        footer: [
            "Without a target it starts the bundled echo server on a free port.",
            "Units: times 250us 5ms 1m30s, counts 10k, sizes 64k, rates 5k/s 300/m; a bare",
            "       number is seconds, bytes or per second.",
            "Exit:  0 done, 64 bad usage, 69 no target, 71 system limit, 97 wrong bytes,",
            "       99 --fail-if, 130 interrupted, 70 a mistake in loadtest.",
        ]
    )

    private static let load = FlagGroup(
        "Load:",
        [
            Flag("conns", "c", "N", help: "connections held open together (50)"),
            Flag("duration", "d", "T", help: "how long to measure (10s)"),
            Flag("requests", "n", "N", help: "end after so many requests"),
            Flag("size", "s", "BYTES", help: "bytes of a request and its echo (64)"),
            Flag("threads", "t", "N", help: "threads of the generator (1)"),
            Flag("pipeline", nil, "N", help: "requests in flight on a connection (1)"),
            Flag("warmup", nil, "T", help: "load before measuring (1s)"),
            Flag("driver", nil, "NAME", help: "the generator's: poll, select or epoll (epoll)"),
            Flag("server-driver", nil, "NAME", help: "the bundled server's (poll)"),
            Flag("verify", nil, "full|off", help: "compare every echoed byte (full)"),
            Flag("seed", nil, "N", help: "what the payload derives from (1)"),
        ]
    )

    private static let connecting = FlagGroup(
        "Waiting:",
        [
            Flag("connect-rate", nil, "R", help: "connections opened per second (no limit)"),
            Flag("connect-timeout", nil, "T", help: "for a connection to come up (5s)"),
            Flag("timeout", nil, "T", help: "for an answer (5s)"),
        ]
    )

    private static let output = FlagGroup(
        "Output:",
        [
            Flag("json", nil, "FILE", help: "write the figures as JSON; - is standard output"),
            Flag("live", nil, "MODE", help: "progress: auto, line or off (auto)"),
            Flag("color", nil, "WHEN", help: "auto, always or never (auto)"),
            Flag("quiet", "q", help: "one summary line"),
            Flag(
                "fail-if",
                nil,
                "EXPR",
                isRepeatable: true,
                help: "exit with 99 if so: 'p99>2ms' 'errors>0' 'rate<50k'"
            ),
        ]
    )
}
