import Compare
import Drivers
import EchoServers
import Flags
import Generator
import Reports
import Syscalls

/// `loadtest compare`: servers side by side, from the words of the command to its exit code.
enum CompareCommand {
    static func run(_ words: [String]) -> Int32 {
        Verb.run(CompareOptions.table, words) { arguments in
            try compare(try CompareOptions(arguments, bundled: bundled), words: words)
        }
    }

    /// The servers that this program has: every model, and the coroutine one with every driver.
    static var bundled: [Contender] {
        EchoModel.allCases.flatMap { model in
            let name = model.rawValue
            let drivers = model == .coroutine ? DriverKind.allCases.map(\.rawValue) : [name]
            return drivers.map { Contender(model: name, driver: $0, shape: shape(of: model)) }
        }
    }

    private static func shape(of model: EchoModel) -> Contender.Shape {
        if model.servesOneAtATime { return .oneAtATime }
        return [.fork, .threads].contains(model) ? .taskEach : .together
    }

    private static func compare(_ options: CompareOptions, words: [String]) throws -> Int32 {
        let signals = SignalSet([2, 15])
        // Before any thread or process is started, so that only we take them.
        signals.block()
        let files = CompareFiles(options)
        try files.check()
        try prepare(options)
        let display = CompareDisplay(options)
        display.begin(Timing.estimate(options))
        var run = CompareRun(
            options, environment: Session.environment(), pulse: Pulse(signals),
            tell: display.show)
        var record = run.run()
        display.end()
        record.commandLine = ["loadtest", "compare"] + words
        let code = exitCode(of: record, options, signal: run.signal)
        let isWritten = files.write(record)
        return code == ExitCode.success && !isWritten ? ExitCode.cannotWrite : code
    }

    /// Finds out whether this side can open as many connections as are asked for.
    private static func prepare(_ options: CompareOptions) throws(Stop) {
        var plan = LoadPlan(target: Options.freePort)
        plan.connections = options.points.map(\.connections).max() ?? 1
        do throws(Preflight.Shortage) {
            try Preflight.prepare(for: plan)
        } catch {
            throw Stop(
                message: "\(error)\n  try: \(error.remedy)", exitCode: ExitCode.systemLimit)
        }
    }

    /// An interrupted comparison stays interrupted; one without any figure has failed. `--strict`
    /// wants figures of every arm, and none that the generator calls invalid.
    static func exitCode(
        of record: CompareRecord, _ options: CompareOptions, signal: CInt?
    ) -> Int32 {
        if let signal { return 128 + signal }
        if record.samples.isEmpty { return ExitCode.unreachable }
        guard options.isStrict else { return ExitCode.success }
        let isWhole = record.arms.allSatisfy { $0.outcome == .measured }
        let isSound = record.samples.allSatisfy { sample in
            !sample.doubts.contains { $0.hasSuffix(Verdict.Level.invalid.rawValue) }
        }
        return isWhole && isSound ? ExitCode.success : ExitCode.invalid
    }
}
