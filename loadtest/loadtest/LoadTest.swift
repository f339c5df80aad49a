import Drivers
import Flags
import Generator
import Reports
import Syscalls

/// The command, from its words to its exit code: check, start the server if asked to, run, report.
enum LoadTest {
    static func run(_ words: [String]) -> Int32 {
        ignoreBrokenPipes()
        let options: Options
        do throws(UsageError) {
            let arguments = try Options.table.parse(words)
            if arguments.wantsHelp { return Output.say(Options.table.help) }
            if arguments.wantsVersion { return Output.say("loadtest \(Options.version)") }
            options = try Options(arguments)
        } catch {
            return Output.complain("\(error)", exit: UsageError.exitCode)
        }
        if let path = options.jsonPath, path != "-" {
            do throws(Errno) {
                try File.checkReplacing(path)
            } catch {
                return Output.complain(
                    "cannot write --json \(path): \(error); nothing was run",
                    exit: ExitCode.cannotWrite
                )
            }
        }
        do throws(Stop) {
            return try Session(options, words: words).run()
        } catch {
            return Output.complain(error.message, exit: error.exitCode)
        }
    }
}

/// Why a run cannot go on, in words, and what the command ends with.
struct Stop: Error {
    let message: String
    let exitCode: Int32
}

/// One run with its server and its reports.
struct Session {
    private let options: Options
    private let words: [String]
    private let output: Output
    /// Blocked before any thread or process is started, so that all of them inherit it and only we
    /// take them.
    private let signals = SignalSet([2, 15])

    init(_ options: Options, words: [String]) {
        self.options = options
        self.words = words
        output = Output(options)
    }

    func run() throws(Stop) -> Int32 {
        signals.block()
        let startedAt = Machine.dateAndTime
        var plan = options.plan
        try prepare(plan)
        let server = try startServer()
        if let server {
            plan.target = server.address
            plan.serverProcess = server.id
        }
        var record = RunRecord(
            plan: plan,
            measurement: Measurement(),
            environment: Session.environment()
        )
        record.server = server.map { RunRecord.Server(model: $0.model, driver: $0.driver) }
        record.commandLine = ["loadtest"] + words
        record.startedAt = startedAt
        output.begin(record)

        let measurement: Measurement
        switch try measure(plan, server) {
        case .gaveUp(let signal): return 128 + signal
        case .measured(let result): measurement = result
        }
        record.measurement = measurement
        end(server, &record)
        record.thresholds = options.thresholds.map { $0.judge(measurement) }
        record.exitCode = ExitCode.of(measurement, thresholds: record.thresholds)
        return output.report(record)
    }

    private func prepare(_ plan: LoadPlan) throws(Stop) {
        do throws(Preflight.Shortage) {
            try Preflight.prepare(for: plan)
        } catch {
            throw Stop(
                message: "\(error)\n  try: \(error.remedy)",
                exitCode: ExitCode.systemLimit
            )
        }
    }

    private func startServer() throws(Stop) -> ServerProcess? {
        guard options.startsServer else { return nil }
        let arguments = [
            "loadtest", "echo", "--listen", "127.0.0.1:0", "--driver",
            options.serverDriver.rawValue,
            "--exit-with-parent", "\(Machine.processNumber)",
        ]
        do throws(ServerProcess.Failure) {
            return try ServerProcess.start("/proc/self/exe", arguments: arguments)
        } catch {
            throw Stop(
                message: "the bundled echo server did not start: \(error)",
                exitCode: ExitCode.unreachable
            )
        }
    }

    private enum Outcome {
        case measured(Measurement)
        /// A second signal asked to end at once.
        case gaveUp(signal: Int32)
    }

    /// Runs the load and shows its progress.
    private func measure(_ plan: LoadPlan, _ server: ServerProcess?) throws(Stop) -> Outcome {
        let run: LoadRun
        do throws(Errno) {
            run = try LoadRun.start(plan)
        } catch {
            _ = server?.stop()
            throw Stop(
                message:
                    "cannot start \(plan.threads) threads with \(plan.driver.rawValue): \(error)",
                exitCode: ExitCode.systemLimit
            )
        }
        var display = LiveDisplay(plan, options)
        var interruption = Interruption()
        while !run.isFinished {
            if let signal = signals.wait(nanoseconds: 20_000_000) {
                switch interruption.request(by: signal, at: .now) {
                case .finish: run.interrupt(signal: signal)
                case .leave:
                    display.clear()
                    _ = server?.stop(within: .zero)
                    return .gaveUp(signal: signal)
                case nil: break
                }
            }
            display.showIfDue(run)
        }
        display.clear()
        return .measured(run.finish())
    }

    private func end(_ server: ServerProcess?, _ record: inout RunRecord) {
        guard let server else { return }
        let ended = server.stop()
        record.server?.exitCode = ended.exitCode
        record.server?.wasKilled = ended.wasKilled
        record.server?.counters = ended.counters
        if ended.exitCode != 0 { record.server?.lastWords = ended.standardError }
    }

    private static func environment() -> RunRecord.Environment {
        var environment = RunRecord.Environment()
        environment.version = Options.version
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
