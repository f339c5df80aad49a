import Flags
import Generator
import Reports
import Syscalls
import Testing

@testable import loadtest

@Suite struct `The options of loadtest` {
    private func options(_ words: String...) throws -> Options {
        try Options(Options.table.parse(words))
    }

    @Test func `have working defaults`() throws {
        let options = try options()

        #expect(options.course == .single)
        #expect(options.plan.rate == nil)
        #expect(options.plan.warmup == .auto)
        #expect(options.plan.size == .fixed(64))
        #expect(options.plan.source == .auto)
        #expect(options.runID.count == 8)
        #expect(options.bundled == .tcp)
    }

    @Test func `take a transport alone for the bundled server over it`() throws {
        #expect(try options("unix:").bundled == .unix)
        #expect(try options("unix:").plan.target.isUnix)
        #expect(try options("unix:@name").bundled == nil)
    }

    @Test func `make shards of threads with descriptors of their own`() throws {
        let plan = try options("--shards=200", "-c=90k").plan
        #expect(plan.threads == 200)
        #expect(plan.separatesDescriptors)
        // More than any machine of ours has processors: none may look at the clock instead.
        #expect(plan.pace == .sleep)
        #expect(try options("--shards=200", "-c=90k", "-R=1", "--pace=spin").plan.pace == .spin)
        #expect(try !options("-t=2").plan.separatesDescriptors)
    }

    @Test func `shape the plan`() throws {
        let plan = try options(
            "-R5k", "--arrivals=const", "--max-outstanding=7", "--pace=spin", "--ramp=2s",
            "--drain=3s", "--reqs-per-conn=9", "--conn-lifetime=1m", "--close=rst", "--reconnect",
            "--idle=11", "--split=half", "--warmup=500ms"
        ).plan

        #expect(plan.rate == 5000)
        #expect(plan.arrivals == .const)
        #expect(plan.maxOutstanding == 7)
        #expect(plan.pace == .spin)
        #expect(plan.ramp == .seconds(2))
        #expect(plan.drain == .seconds(3))
        #expect(plan.requestsPerConnection == 9)
        #expect(plan.lifetime == .seconds(60))
        #expect(plan.close == .rst)
        #expect(plan.reconnects)
        #expect(plan.idle == 11)
        #expect(plan.split == .half)
        #expect(plan.warmup == .fixed(.milliseconds(500)))
        #expect(try options("--crr").plan.connectsPerRequest)
        #expect(try options("--warmup", "auto").plan.warmup == .auto)
    }

    @Test func `choose the runs`() throws {
        #expect(try options("-R", "max").course == .single)
        #expect(try options("--rate", "70%").course == .share(0.7))
        #expect(try options("--steps", "1k..3k/3").course == .steps([1000, 2000, 3000]))
        #expect(try options("--steps", "1k/s..2k/s/2").course == .steps([1000, 2000]))
        #expect(try options("--search", "p99<2ms").course == .search(Threshold("p99<2ms")))
        #expect(try options("--search", "p99<2ms", "-R", "50").plan.rate == 50)
        #expect(try options("--prove-headroom", "-t2").provesHeadroom)
    }

    @Test func `read sizes and slow readers`() throws {
        #expect(try options("-s", "64..4k").plan.size == .uniform(64...4096))
        #expect(
            try options("-s", "64:80,4k:20").plan.size
                == .weighted([.init(size: 64, weight: 80), .init(size: 4096, weight: 20)]))
        #expect(try options("--slow-read", "10k").plan.slowRead == .init(rate: 10_240, share: 0.1))
        #expect(try options("--slow-read=1k:5%").plan.slowRead == .init(rate: 1024, share: 0.05))
    }

    @Test func `read local addresses`() throws {
        let source = try options("--source", "10.0.0.7,10.0.1.0/30").plan.source

        #expect(
            source
                == .addresses(
                    try ["10.0.0.7:0", "10.0.1.1:0", "10.0.1.2:0"].map(SocketAddress.init)))
        let six = try options("[::1]:7", "--source=::1").plan.source
        #expect(six == .addresses([try SocketAddress("[::1]:0")]))
    }

    @Test func `name the run, and keep notes of it`() throws {
        let labels = try options("--name", "before é", "--note=commit=1a=2b", "--note=host=").labels

        #expect(labels.name == "before é")
        #expect(labels.notes == ["commit": "1a=2b", "host": ""])
        #expect(labels.texts == ["before é", "commit=1a=2b", "host="])
        #expect(try options().labels.texts == [])
    }

    @Test func `cut a shard out of the load`() throws {
        let words = [
            "10.0.0.1:7", "-c10", "-R1k", "--idle=5", "-n100", "--run-id=a", "--connect-rate=100",
        ]
        let parts = try (1...3).map {
            try Options(Options.table.parse(words + ["--shard", "\($0)/3"])).plan
        }

        #expect(parts.map(\.connections) == [4, 3, 3])
        #expect(parts.map(\.firstConnection) == [0, 4, 7])
        #expect(parts.map(\.rate) == [400, 300, 300])
        #expect(parts.map(\.idle) == [2, 2, 1])
        #expect(parts.map(\.requests) == [34, 33, 33])
        #expect(parts.map(\.connectRate) == [40, 30, 30])
        #expect(parts.allSatisfy { $0.warmup == .fixed(.seconds(1)) })
    }

    @Test func `begin at a time of the wall clock`() throws {
        #expect(try StartTime.seconds("+20s", now: 100) == 120)
        #expect(try StartTime.seconds("100.5", now: 100) == 100.5)
    }

    @Test(arguments: [
        (["--name", " "], "--name ' ' is empty"),
        (["--name", "a\nb"], "is more than a line of 100 characters"),
        (["--note", "commit"], "--note 'commit' is not KEY=TEXT"),
        (["--note", "=x"], "--note '=x' is not KEY=TEXT"),
        (["--note", "a=\u{1B}[2J"], "is more than a line of 100 characters"),
        (["--note=a=1", "--note=a=2"], "--note 'a=2' has a key that was given before"),
        (["-R", "0"], "--rate '0' is no rate"),
        (["-R", "500%"], "--rate '500%' is out of range: give from 1% to 200%"),
        (["-R", "x%"], "is not a percentage"),
        (["-R", "9g"], "give from 0.001 to 1000m requests per second"),
        (["-R5", "--pipeline", "2"], "at a rate, --max-outstanding limits"),
        (["--arrivals=const"], "--arrivals needs --rate"),
        (["--steps", "1k..2k"], "--steps '1k..2k' is not A..B/N"),
        (["--steps", "2k..1k/3"], "put the smaller end first"),
        (["--steps", "1k..1k/3"], "has the same rate in every step"),
        (["--steps", "1k..2k/1"], "give from 2 to 100"),
        (["--steps", "1..2/2", "--search", "p99<1ms"], "--steps does not go with --search"),
        (["--steps", "1..2/2", "-R", "5"], "--steps does not go with --rate"),
        (["--search", "p99"], "--search 'p99' compares nothing"),
        (["--search", "p99<1ms", "-R", "50%"], "give the rate to begin at"),
        (["--search", "p99<1ms", "-n5"], "use --duration"),
        (["--shards=2", "--threads=2"], "each shard is a thread"),
        (["--shards=3", "-c=2"], "--shards 3 is more than --conns 2"),
        (["--shards=2", "--prove-headroom"], "half of them may not hold the connections"),
        (["--prove-headroom"], "one cannot be halved: give --threads 2 or more"),
        (["--prove-headroom", "-t2", "--steps=1..2/2"], "does not go with --steps"),
        (["--crr", "--reqs-per-conn", "5"], "it makes one request on a connection"),
        (["-s", "64:0"], "has no weight above 0"), (["-s", "64:1,4k"], "without a weight"),
        (["-s", "4k..64"], "put the smaller end first"), (["-s", "17m"], "from 1 to 16m bytes"),
        (["-s", "64:1,,4k:2"], "has an empty item"),
        (["--slow-read", "1k:0%"], "has a share of 0%"), (["--slow-read=0"], "out of range"),
        (["--source", "10.0.0.0/8"], "which has more than 4096 addresses"),
        (["--source", "10.0.0.0/20,10.1.0.0/20"], "has 8,188 addresses: give at most 4096"),
        (["--source", "10.0.0.1,10.0.0.1"], "has an address twice"),
        (["--source", "::1"], "are of two families"),
        (["--source", "elsewhere"], "has 'elsewhere', which is not an address"),
        (["--interval", "1ms"], "give from 100ms to 3600s"),
        (["--hgrm", "-"], "--hgrm '-' is no file; write --hgrm run.hgrm"),
        (["--json=a", "--hlog=a"], "--json and --hlog both write to a: give two files"),
        (["--start-at", "5"], "--start-at '5' is past"), (["--start-at=soon"], "is no time"),
        (["--start-at=99999999999"], "is more than 30 days from now"),
        (["--run-id", "a b"], "give up to 64 letters, digits"),
        (["--shard", "3/2"], "is no part"), (["--shard", "1/2"], "--shard needs --run-id ID"),
        (["--shard=1/2", "--run-id=a"], "--shard needs a target"),
    ])
    func `say what is wrong and what to do`(words: [String], message: String) {
        let error = #expect(throws: UsageError.self) {
            try Options(Options.table.parse(words))
        }

        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        (["-R", "70%"], "each machine would find a maximum of its own"),
        (["--steps=1..2/2"], "a shard is one run"), (["--warmup", "auto"], "give a time"),
        (["-c", "2"], "has 0: fewer than --threads 1"),
        (["-n", "2"], "--requests 2 are not enough for 3 shards"),
    ])
    func `refuse what a shard cannot do`(words: [String], message: String) {
        let shard = ["10.0.0.1:7", "--shard=3/3", "--run-id=a"]
        let error = #expect(throws: UsageError.self) {
            try Options(Options.table.parse(shard + words))
        }

        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test func `never trap on what is typed`() {
        let texts = [
            "", "-", "/", "..", ":", ",", "%", "+", "1..", "..1", "1/", "/1", ":1%", "1:", "nan",
            "inf", "9223372036854775807", "1e309", "-1", "99999999999999999999%", "0/0", "::/",
            "::/0", "0.0.0.0/0", "1.2.3.4/-1", "1.2.3.4/+4", "+", "+1", "max", "é", "1..2/0",
        ]
        for flag in Options.table.groups.flatMap(\.flags) where flag.placeholder != nil {
            for text in texts {
                // Only that it comes back is the point.
                _ = try? Options(Options.table.parse(["--\(flag.name)=\(text)"]))
            }
        }
    }
}
