import Drivers
import Flags
import Generator
import Reports
import Syscalls

// Every option of `loadtest` in one place: what the help says of it, the values that it takes, and
// where they go. The everyday ones stand on one screen of help, and all of them in `--help all`.
extension Options {
    /// The options of `loadtest`, and its help.
    static let table = FlagTable(
        command: "loadtest",
        summary:
            "Opens connections to an echo server, checks every echoed byte, reports latency.",
        usage: [
            "[HOST:PORT | unix:PATH | udp:HOST:PORT] [options]",
            "echo | compare | diff | merge | report [options]  (try --help)",
        ],
        groups: sections.map(\.group),
        positionalsMax: 1,
        footer: [
            "Without a target, or with 'unix:' or 'udp:' alone, it starts the bundled server.",
            "Units: times 250us 5ms 1m30s, counts 10k, sizes 64k, rates 5k/s 300/m; a bare",
            "       number is seconds, bytes or per second.",
            "Exit:  0 done, 64 bad usage, 69 no target, 71 system limit, 73 cannot write,",
            "       97 wrong bytes, 98 --strict, 99 --fail-if, 130 interrupted, 70 a mistake",
            "       in loadtest.",
        ]
    )

    /// Longer times are slips of the finger.
    static let longest = Duration.seconds(30 * 24 * 3600)
    private static let some = Duration.milliseconds(1)...longest
    private static let any = Duration.zero...longest

    static var sections: [OptionSection] {
        [load, output, pacing, connections, payload, engine, files, reports, parts]
    }

    private static var load: OptionSection {
        OptionSection("Load:") {
            Option(
                "conns", "c", "N", .count(in: 1...1_000_000), to: \.plan.connections,
                help: "connections held open together (50)")
            Option(
                "duration", "d", "T", .duration(in: some), to: \.plan.duration,
                help: "how long to measure (10s)")
            Option(
                "requests", "n", "N", .count(in: 1...1_000_000_000_000), to: \.plan.requests,
                help: "end after so many requests")
            Option(
                "rate", "R", "R", .parsed(by: RateWish.init), to: \.rateWish,
                help: "requests per second in all, or 70% of the maximum (max)")
            Option(
                "size", "s", "BYTES", .parsed(by: SizeLaw.init), to: \.plan.size,
                help: "of a request: 64, 64..4k or 64:80,4k:20 (64)")
            Option(
                "threads", "t", "N", .count(in: 1...LoadPlan.threadsMax), to: \.plan.threads,
                help: "threads of the generator (1)")
            Option(
                "warmup", nil, "T", .warmup(in: any), to: \.plan.warmup,
                help: "load before measuring (auto: until it is steady)")
            Option(
                "steps", nil, "A..B/N", .parsed(by: Steps.rates), to: \.steps,
                help: "measure N rates from A to B")
            Option(
                "search", nil, "EXPR", .condition, to: \.search,
                help: "find the highest rate that holds 'p99<2ms'")
        }
    }

    private static var output: OptionSection {
        OptionSection("Output:") {
            Option(
                "json", nil, "FILE", .text, to: \.jsonPath,
                help: "write the figures as JSON; - is standard output")
            Option(
                "html", nil, "FILE", .text, to: \.pagePath,
                help: "write a page with the figures as pictures")
            Option("quiet", "q", to: \.isQuiet, help: "one summary line")
            Option(
                "fail-if", nil, "EXPR", .conditions, isRepeatable: true, to: \.thresholds,
                help: "exit with 99 if so: 'p99>2ms' 'errors>0' 'rate<50k'")
            Option("strict", to: \.isStrict, help: "exit with 98 if the verdict is INVALID")
        }
    }

    private static var pacing: OptionSection {
        OptionSection("When requests are made:", isAdvanced: true) {
            Option(
                "arrivals", nil, "LAW", .choice(), to: \.plan.arrivals,
                help: "with --rate: poisson or const (poisson)")
            Option(
                "max-outstanding", nil, "N", .count(in: 1...65_536), to: \.plan.maxOutstanding,
                help: "with --rate: in flight on a connection; others wait (1024)")
            Option(
                "pace", nil, "HOW", .choice(), to: \.plan.pace,
                help: "with --rate: sleep, hybrid or spin (hybrid)")
            Option(
                "pipeline", nil, "N", .count(in: 1...1024), to: \.plan.pipeline,
                help: "without: in flight on a connection (1)")
            Option(
                "ramp", nil, "T", .duration(in: any), to: \.plan.ramp,
                help: "grow the load to its height before the warm-up (0)")
            Option(
                "drain", nil, "T", .duration(in: any), to: \.plan.drain,
                help: "wait for the last answers (1s)")
            Option(
                "timeout", nil, "T", .duration(in: some), to: \.plan.timeout,
                help: "for an answer (5s; of a datagram 1s, and none with --rate)")
        }
    }

    private static var connections: OptionSection {
        OptionSection("Connections:", isAdvanced: true) {
            Option(
                "connect-rate", nil, "R", .rate, to: \.plan.connectRate,
                help: "connections opened per second (no limit)")
            Option(
                "connect-timeout", nil, "T", .duration(in: some), to: \.plan.connectTimeout,
                help: "for a connection to come up (5s)")
            Option(
                "idle", nil, "N", .count(in: 0...1_000_000), to: \.plan.idle,
                help: "silent connections beside the others (0)")
            Option(
                "reqs-per-conn", nil, "N", .count(in: 1...1_000_000_000),
                to: \.plan.requestsPerConnection, help: "close and open again after N requests")
            Option(
                "conn-lifetime", nil, "T", .duration(in: some), to: \.plan.lifetime,
                help: "close and open again at that age")
            Option(
                "crr", to: \.plan.connectsPerRequest,
                help: "connect, request, response, close; the connect counts")
            Option(
                "close", nil, "HOW", .choice(), to: \.plan.close,
                help: "fin, half, rst or server (fin)")
            Option("reconnect", to: \.plan.reconnects, help: "replace connections that were lost")
            Option(
                "source", nil, "ADDRESSES", .parsed(by: LoadPlan.Source.init), to: \.plan.source,
                help: "local addresses: auto, or 10.0.0.7,10.0.1.0/28 (auto)")
        }
    }

    private static var payload: OptionSection {
        OptionSection("Payload:", isAdvanced: true) {
            Option(
                "verify", nil, "full|off", .choice(), to: \.plan.verification,
                help: "compare every echoed byte (full)")
            Option(
                "split", nil, "HOW", .choice(), to: \.plan.split,
                help: "cut requests: none, bytes, half or random (none)")
            Option(
                "slow-read", nil, "R[:P%]", .parsed(by: LoadPlan.SlowRead.init),
                to: \.plan.slowRead, help: "a share of the connections reads R bytes a second (10%)"
            )
            Option(
                "seed", nil, "N", .seed, to: \.plan.seed,
                help: "what everything random derives from (1)")
        }
    }

    private static var engine: OptionSection {
        OptionSection("Engine:", isAdvanced: true) {
            Option(
                "driver", nil, "NAME", .choice(), to: \.plan.driver,
                help: "the generator's: poll, select, epoll or io_uring (epoll)")
            Option(
                "server-driver", nil, "NAME", .choice(), to: \.serverDriver,
                help: "the bundled server's (poll)")
            Option(
                "shards", nil, "N", .count(in: 1...LoadPlan.threadsMax), to: \.shards,
                help: "threads with descriptors of their own: more conns than ulimit -n")
            Option(
                "prove-headroom", to: \.provesHeadroom,
                help: "repeat 3 s with half the threads, and compare")
        }
    }

    private static var files: OptionSection {
        OptionSection("Progress and files:", isAdvanced: true) {
            Option(
                "live", nil, "MODE", .choice(), to: \.live,
                help: "progress: auto, panel, line or off (auto)")
            Option(
                "interval", nil, "T", .duration(in: .milliseconds(100) ... .seconds(3600)),
                to: \.interval, help: "of the progress and of --hlog (1s)")
            Option(
                "color", nil, "WHEN", .choice(), to: \.color,
                help: "auto, always or never (auto)")
            Option(
                "hgrm", nil, "FILE", .text, to: \.percentilesPath,
                help: "write the percentiles for HdrHistogram's plotter")
            Option(
                "hlog", nil, "FILE", .text, to: \.logPath,
                help: "a histogram for each interval, written meanwhile")
        }
    }

    private static var reports: OptionSection {
        OptionSection(
            "Reports:", isAdvanced: true, (Labels.flags + [Percentiles.flag]).map(Option.init))
    }

    private static var parts: OptionSection {
        OptionSection("One of several machines:", isAdvanced: true) {
            Option(
                "shard", nil, "i/N", .parsed(by: RunRecord.Shard.init), to: \.shard,
                help: "take the i-th of N parts of the load")
            Option(
                "start-at", nil, "T", .parsed(by: StartTime.secondsFromNow), to: \.startsAt,
                help: "begin at seconds since 1970, or in +20s")
            Option(
                "run-id", nil, "ID", .text, to: \.runID,
                help: "the run's name, the same for all shards")
        }
    }
}
