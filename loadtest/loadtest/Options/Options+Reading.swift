import Flags
import Generator
import Processes
import Reports
import Syscalls

// Reads the options one by one; what they say together is checked in `Options+Checks.swift`.
extension Options {
    private static let some = Duration.milliseconds(1)...Options.longest
    private static let any = Duration.zero...Options.longest

    mutating func readLoad(_ arguments: Arguments) throws(UsageError) {
        plan.connections = try arguments.count("conns", in: 1...1_000_000) ?? plan.connections
        plan.threads = try arguments.count("threads", in: 1...256) ?? plan.threads
        plan.pipeline = try arguments.count("pipeline", in: 1...1024) ?? plan.pipeline
        plan.maxOutstanding =
            try arguments.count("max-outstanding", in: 1...65_536) ?? plan.maxOutstanding
        plan.arrivals = try arguments.choice("arrivals") ?? plan.arrivals
        plan.pace = try arguments.choice("pace") ?? plan.pace
        plan.driver = try arguments.choice("driver") ?? plan.driver
        plan.seed = UInt64(try arguments.count("seed") ?? 1)
        serverDriver = try arguments.choice("server-driver") ?? serverDriver
        plan.requests = try arguments.count("requests", in: 1...1_000_000_000_000)
        // With a number of requests and no duration, only the requests end the run.
        if plan.requests != nil { plan.duration = nil }
        provesHeadroom = arguments.has("prove-headroom")
        try readCourse(arguments)
    }

    private mutating func readCourse(_ arguments: Arguments) throws(UsageError) {
        switch try arguments.value("rate", by: RateWish.init) {
        case .perSecond(let rate): plan.rate = rate
        case .share(let share): course = .share(share)
        case .most, nil: break
        }
        if let rates = try arguments.value("steps", by: Steps.rates) { course = .steps(rates) }
        if let text = arguments.text("search") {
            course = .search(try Threshold(text, option: "--search"))
        }
    }

    mutating func readTimes(_ arguments: Arguments) throws(UsageError) {
        plan.duration = try arguments.duration("duration", in: Self.some) ?? plan.duration
        plan.timeout = try arguments.duration("timeout", in: Self.some) ?? plan.timeout
        plan.ramp = try arguments.duration("ramp", in: Self.any) ?? plan.ramp
        plan.drain = try arguments.duration("drain", in: Self.any) ?? plan.drain
        if arguments.text("warmup") != "auto",
            let warmup = try arguments.duration("warmup", in: Self.any)
        {
            plan.warmup = .fixed(warmup)
        }
        let now = Machine.secondsSinceEpoch
        startsAt = try arguments.value("start-at") { text throws(Units.Mistake) in
            try StartTime.seconds(text, now: now)
        }
    }

    mutating func readConnections(_ arguments: Arguments) throws(UsageError) {
        plan.connectRate = try arguments.rate("connect-rate")
        plan.connectTimeout =
            try arguments.duration("connect-timeout", in: Self.some) ?? plan.connectTimeout
        plan.idle = try arguments.count("idle", in: 0...1_000_000) ?? plan.idle
        plan.requestsPerConnection = try arguments.count("reqs-per-conn", in: 1...1_000_000_000)
        plan.lifetime = try arguments.duration("conn-lifetime", in: Self.some)
        plan.connectsPerRequest = arguments.has("crr")
        plan.close = try arguments.choice("close") ?? plan.close
        plan.reconnects = arguments.has("reconnect")
        plan.source = try arguments.value("source", by: LoadPlan.Source.init) ?? plan.source
        shard = try arguments.value("shard", by: RunRecord.Shard.init)
    }

    mutating func readPayload(_ arguments: Arguments) throws(UsageError) {
        plan.size = try arguments.value("size", by: SizeLaw.init) ?? plan.size
        plan.verification = try arguments.choice("verify") ?? plan.verification
        plan.split = try arguments.choice("split") ?? plan.split
        plan.slowRead = try arguments.value("slow-read", by: LoadPlan.SlowRead.init)
    }

    mutating func readOutput(_ arguments: Arguments) throws(UsageError) {
        jsonPath = arguments.text("json")
        percentilesPath = arguments.text("hgrm")
        logPath = arguments.text("hlog")
        pagePath = arguments.text("html")
        live = try arguments.choice("live") ?? live
        interval = try arguments.duration("interval", in: .milliseconds(100) ... .seconds(3600))
        color = try arguments.choice("color") ?? color
        isQuiet = arguments.has("quiet")
        isStrict = arguments.has("strict")
        for text in arguments.texts("fail-if") { thresholds.append(try Threshold(text)) }
    }

    /// Takes this machine's part of the load.
    mutating func takePart(_ arguments: Arguments) throws(UsageError) {
        guard let shard else { return }
        let whole = plan
        plan = plan.part(shard.index, of: shard.count)
        // The parts are to begin measuring together; each would find its own time steady.
        if plan.warmup == .auto { plan.warmup = .fixed(plan.fixedWarmup) }
        if plan.threads > plan.connections {
            throw UsageError(
                "--shard \(shard.index)/\(shard.count) of --conns \(whole.connections) has "
                    + "\(plan.connections): fewer than --threads \(plan.threads)")
        }
        if plan.requests == 0 {
            throw UsageError(
                "--requests \(whole.requests ?? 0) are not enough for \(shard.count) shards")
        }
    }
}
