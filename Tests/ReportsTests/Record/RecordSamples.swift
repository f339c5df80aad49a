import Drivers
import Generator
import Statistics
import Syscalls

@testable import Reports

/// Records with something in every member, for documents that must read back; from a seed.
extension Sample {
    static func record(seed: UInt64) throws -> RunRecord {
        var random = SplitMix(seed: seed)
        var record = try Sample.record(measurement(&random), plan: plan(&random))
        record.id = "run-\(seed)"
        record.percentiles = [0.25, 0.99]
        record.labels.name = seed.isMultiple(of: 2) ? "a \"name\"" : nil
        record.labels.notes = seed.isMultiple(of: 3) ? [:] : ["commit": "1a2b", "a key": "<x>"]
        record.started = 1_700_000_000 + random.share()
        record.shard = Bool.random(using: &random) ? .init(index: 2, count: 7) : nil
        record.search = Bool.random(using: &random) ? .init(condition: "p99<2ms") : nil
        if Bool.random(using: &random) { record.search?.rate = 1234.5 }
        record.thresholds = try ["p99>1us", "mean<3s", "errors>0", "cpu.server>1ms"].map {
            try Threshold($0).judge(record.measurement)
        }
        record.verdict = verdict(&random)
        record.server?.lastWords = "killed by \u{1} 9"
        record.probes = try RunRecord.Probe.Purpose.allCases.map { purpose in
            var probe = RunRecord.Probe(
                purpose: purpose, plan: try plan(&random), measurement: measurement(&random))
            probe.holds = [true, false, nil].randomElement(using: &random) ?? nil
            probe.verdict = verdict(&random)
            return probe
        }
        record.shards = (1...3).map { index in
            var part = RunRecord.ShardPart()
            (part.index, part.connections, part.answered, part.failed) = (index, 12, 99, 1)
            (part.rate, part.response) = (random.share(), latency(&random))
            part.level = .suspect
            return part
        }
        return record
    }

    static func plan(_ random: inout SplitMix) throws -> LoadPlan {
        let targets = ["127.0.0.1:7788", "[::1]:80", "[fe80::1%1]:9"]
        var plan = LoadPlan(
            target: try SocketAddress(targets.randomElement(using: &random) ?? targets[0]))
        plan.socket = .allCases.randomElement(using: &random) ?? .stream
        plan.connections = .random(in: 1...100_000, using: &random)
        plan.firstConnection = .random(in: 0...1000, using: &random)
        plan.idle = .random(in: 0...10, using: &random)
        plan.seed = random.next()
        plan.serverProcess = 4711
        plan.rate = Bool.random(using: &random) ? random.share() * 1e6 : nil
        plan.arrivals = .const
        plan.pace = .allCases.randomElement(using: &random) ?? .spin
        plan.duration = Bool.random(using: &random) ? .nanoseconds(Int64(random.next() >> 30)) : nil
        plan.requests = 1_000_000
        plan.ramp = .microseconds(250)
        plan.warmup = Bool.random(using: &random) ? .auto : .fixed(.milliseconds(1500))
        plan.connectRate = random.share() * 1e4
        plan.requestsPerConnection = 10
        plan.lifetime = .seconds(3)
        plan.connectsPerRequest = true
        plan.close = .allCases.randomElement(using: &random) ?? .half
        plan.reconnects = true
        plan.source = .addresses([
            try SocketAddress("127.0.0.2:0"), try SocketAddress("[::1]:0"),
        ])
        plan.size =
            [
                .fixed(100), .uniform(64...4096),
                .weighted([.init(size: 64, weight: 0.8), .init(size: 20_480, weight: 0.2)]),
            ].randomElement(using: &random) ?? .fixed(1)
        plan.split = .random
        plan.slowRead = .init(rate: 1000.5, share: 0.1)
        plan.verification = .off
        return plan
    }

    static func measurement(_ random: inout SplitMix) -> Measurement {
        var run = disaster()
        run.response = latency(&random)
        run.service = latency(&random)
        run.sendDelay = latency(&random)
        run.warmup = latency(&random)
        run.slowReaders = latency(&random)
        run.lag = latency(&random).answered
        run.pacing = .init()
        run.pacing?.late = 17
        run.pacing?.tolerance = .random(in: 1...1_000_000_000, using: &random)
        run.phases.isSteady = .random(using: &random)
        run.phases.measured = random.share() * 100
        run.phases.stopped = random.share()
        run.ledger.neverSent = 7
        run.ledger.lost = 3
        (run.datagrams.late, run.datagrams.duplicated, run.datagrams.reordered) = (2, 5, 9)
        run.connects.selfConnects = 1
        run.corruptions[0].diagnosis = "the stream is shifted by 4,096 bytes"
        for _ in 0..<50 { run.served.record(.random(in: 0...5000, using: &random)) }
        for _ in 0..<15 {
            run.timeline.add(
                latency(&random).answered, errors: .random(in: 0...2, using: &random),
                kinds: ErrorKinds((0...5).map { _ in .random(in: 0...2, using: &random) }),
                cpu: .random(in: 0...99_999_999, using: &random),
                at: .random(in: 0...90_000_000_000, using: &random))
            run.timeline.add(
                serverCPU: .random(in: 0...99_999_999, using: &random),
                at: .random(in: 0...90_000_000_000, using: &random))
        }
        run.threads[0].above95 = random.share()
        run.kernel = .init()
        run.kernel?.stolen = random.share()
        let endings: [Measurement.Ending] = [
            .completed, .interrupted(signal: 15), .allConnectionsLost, .connectFailed,
        ]
        run.ending = endings.randomElement(using: &random) ?? .completed
        return run
    }

    static func latency(_ random: inout SplitMix) -> Latency {
        var latency = Latency()
        for _ in 0..<Int.random(in: 0...60, using: &random) {
            latency.answered.record(
                Int64.random(
                    in: -5...(1 << Int64.random(in: 3...45, using: &random)), using: &random),
                times: .random(in: 1...90, using: &random))
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            latency.censored.record(.random(in: 1...5_000_000_000, using: &random))
        }
        return latency
    }

    private static func verdict(_ random: inout SplitMix) -> Verdict {
        var verdict = Verdict()
        for level in Verdict.Level.allCases where Bool.random(using: &random) {
            verdict.findings.append(
                .init(
                    code: "G-CPU", level: level, value: random.share(), limit: .infinity, .seconds,
                    text: "busy", remedy: "more threads"))
        }
        return verdict
    }
}
