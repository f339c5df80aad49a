import Drivers
import Flags
import Generator
import Processes
import Reports
import Syscalls

/// The runs of one command with their server, and the reports about them.
struct Session {
    private let options: Options
    private let output: Output
    /// Blocked before any thread or process is started, so that all of them inherit it and only we
    /// take them.
    private let signals = SignalSet.endings
    /// What is known so far.
    private var record: RunRecord
    /// Whether all of the interval log could be written.
    private var isLogWhole = true

    init(_ options: Options, words: [String]) {
        self.options = options
        output = Output(options)
        record = RunRecord(
            plan: options.plan, measurement: Measurement(), environment: Session.environment())
        record.commandLine = ["loadtest"] + words
        record.id = options.runID
        record.labels = options.labels
        record.percentiles = options.percentiles
        record.shard = options.shard
        record.startedAt = Machine.dateAndTime
    }

    mutating func run() throws(Stop) -> Int32 {
        signals.block()
        try options.files.check()
        try prepare()
        let servers = try startServers()
        if let servers {
            record.plan.target = servers.address
            record.plan.serverProcesses = servers.ids
            record.server = servers.record
        }
        output.begin(record)
        var signal = wait()
        do throws(Stop) {
            if signal == nil { signal = try runAll() }
        } catch {
            _ = servers?.stop()
            throw error
        }
        if let signal {
            _ = servers?.stop(within: .zero)
            return 128 + signal
        }
        if let servers { record.server = servers.stop() }
        judge()
        // A pipe that has no reader may hold up what is written for ever.
        signals.discardPending()
        signals.unblock()
        return output.report(record)
    }

    /// Leaves a document behind where one was asked for, although nothing was run.
    mutating func reportNotStarted(_ stop: Stop) {
        signals.discardPending()
        signals.unblock()
        record.notStarted = stop.message
        record.exitCode = stop.exitCode
        let document = OutputFiles(["json": options.jsonPath])
        // Where the document is what cannot be written, that has been said already.
        if (try? document.check()) != nil { _ = document.write("json") { Document.text(record) } }
    }

    /// The same where the options could not be read; the plan of the document is the usual one.
    static func reportRefused(_ reason: String, _ arguments: Arguments, _ words: [String]) {
        guard let path = arguments.text("json"), !path.isEmpty else { return }
        var record = RunRecord(
            plan: LoadPlan(target: SocketAddress(loopbackPort: 0)), measurement: Measurement(),
            environment: environment())
        record.commandLine = ["loadtest"] + words
        record.startedAt = Machine.dateAndTime
        record.notStarted = reason
        record.exitCode = UsageError.exitCode
        _ = OutputFiles(["json": path]).write("json") { Document.text(record) }
    }

    private func prepare() throws(Stop) {
        do throws(Preflight.Shortage) {
            try Preflight.prepare(for: record.plan)
        } catch {
            var remedy = error.remedy
            if case .descriptors(_, let allowed) = error,
                let shards = Preflight.shardsNeeded(for: record.plan, descriptors: allowed)
            {
                remedy = "--shards \(shards), or " + remedy
            }
            throw Stop(
                message: "\(error)\n  try: \(remedy)",
                exitCode: ExitCode.systemLimit
            )
        }
    }

    private func startServers() throws(Stop) -> BundledServers? {
        guard let transport = options.bundled else { return nil }
        // Where the kernel does not say, one server will find out.
        let limit = (try? DescriptorLimit.current())?.hard ?? .max
        let plan = record.plan
        do throws(ServerProcess.Failure) {
            return try BundledServers.start(
                options.serverDriver, over: transport,
                BundledServers.count(
                    for: plan.connections + plan.idle, descriptors: limit))
        } catch {
            throw Stop(
                message: "the bundled echo server did not start: \(error)",
                exitCode: ExitCode.unreachable
            )
        }
    }

    /// Waits for the time that all parts of a run begin at; a signal ends the wait.
    private func wait() -> Int32? {
        guard let start = options.startsAt else { return nil }
        var left = start - Machine.secondsSinceEpoch
        if !options.isQuiet { output.note("waiting \(Figures.time(seconds: left)) to start") }
        while left > 0 {
            // The wall clock may be set meanwhile, so it is asked again each second.
            if let signal = signals.wait(nanoseconds: Int64(min(left, 1) * 1e9)) { return signal }
            left = start - Machine.secondsSinceEpoch
        }
        return nil
    }

    /// Makes one run after the other; returns the signal when one asked to leave at once.
    private mutating func runAll() throws(Stop) -> Int32? {
        var campaign = Campaign(
            options.course, record.plan, provesHeadroom: options.provesHeadroom)
        defer {
            record.probes = campaign.probes
            record.search = campaign.search
        }
        var log = try openLog()
        while let run = campaign.next {
            log?.beginRun(probe: run.purpose == nil ? nil : campaign.probes.count + 1)
            let start = (Machine.dateAndTime, Machine.secondsSinceEpoch)
            var watch = try Watch(run, options)
            guard let measurement = watch.wait(for: signals, log: &log) else { return watch.signal }
            let verdict = Verdict(judging: measurement, of: run.plan, in: record)
            if campaign.take(measurement, verdict) { (record.startedAt, record.started) = start }
            if let signal = watch.signal { campaign.interrupt(signal: signal) }
            if run.purpose != nil, !options.isQuiet { output.note(run, measurement) }
        }
        log?.end(interruptibleBy: signals)
        isLogWhole = log?.isWhole ?? true
        if let headline = campaign.headline {
            record.plan = headline.plan
            record.measurement = headline.measurement
        }
        return nil
    }

    /// Nil when none was asked for.
    private func openLog() throws(Stop) -> IntervalLog? {
        guard let path = options.logPath else { return nil }
        // A pipe that has no reader may hold it up for ever.
        signals.unblock()
        let file = try options.files.open("hlog", path)
        signals.block()
        return IntervalLog(path, file, every: options.interval ?? .seconds(1))
    }

    private mutating func judge() {
        record.thresholds = options.thresholds.map { $0.judge(record.measurement) }
        record.verdict = Verdict(judging: record)
        record.exitCode = ExitCode.of(
            record.measurement, thresholds: record.thresholds,
            strictly: options.isStrict ? record.verdict.level : .valid, search: record.search)
        // They count in whichever run they came.
        if record.exitCode != ExitCode.internalError,
            record.probes.contains(where: \.measurement.sawWrongBytes)
        {
            record.exitCode = ExitCode.wrongBytes
        }
        if record.exitCode == ExitCode.success, !isLogWhole {
            record.exitCode = ExitCode.cannotWrite
        }
    }

    static func environment() -> RunRecord.Environment {
        var environment = RunRecord.Environment()
        environment.version = packageVersion
        #if DEBUG
            environment.isDebugBuild = true
        #endif
        environment.kernel = Machine.kernel
        environment.cpuModel = Machine.processorModel
        environment.cores = Machine.cores
        // A limit that cannot be read is reported as 0: the run itself needs no answer to it.
        if let limit = try? DescriptorLimit.current() {
            environment.descriptorsSoft = limit.soft
            environment.descriptorsHard = limit.hard
        }
        return environment
    }
}

extension Verdict {
    /// Judges one of several runs, as the run that it was.
    fileprivate init(judging measurement: Measurement, of plan: LoadPlan, in record: RunRecord) {
        var own = record
        own.plan = plan
        own.measurement = measurement
        self.init(judging: own)
    }
}
