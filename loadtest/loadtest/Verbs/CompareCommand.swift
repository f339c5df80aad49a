import Compare
import Drivers
import EchoServers
import Flags
import Generator
import Processes
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
            model == .coroutine
                ? DriverKind.allCases.map { contender(model, over: $0) } : [contender(model)]
        }
    }

    private static func contender(
        _ model: EchoModel, over driver: DriverKind? = nil
    ) -> Contender {
        let shape: Contender.Shape =
            switch model.shape {
            case .together: .together
            case .oneAtATime: .oneAtATime
            case .taskEach: .taskEach
            }
        return Contender(
            model: model.rawValue, driver: driver?.rawValue ?? model.rawValue, shape: shape,
            mechanism: Mechanism(
                own: model.ownCall(over: driver ?? .poll), telling: EchoModel.tellingCalls),
            story: driver.map { .init($0.story, ofModel: model.story) }
                ?? .init(model.story),
            over: model.servesDatagrams ? Transport.allCases : [.tcp, .unix])
    }

    private static func compare(_ options: CompareOptions, words: [String]) throws -> Int32 {
        let signals = SignalSet.endings
        // Before any thread or process is started, so that only we take them.
        signals.block()
        ChildProcess.adoptOrphans()
        let files = OutputFiles([
            "html": options.htmlPath, "md": options.markdownPath, "json": options.jsonPath,
        ])
        try files.check()
        if let path = options.picturesPath { try OutputFiles.check(directory: path, "svg") }
        try prepare(options)
        let display = CompareDisplay(options)
        display.begin(Timing.estimate(options))
        var run = CompareRun(
            options, environment: Session.environment(), interrupts: Interrupts(signals),
            tell: display.show)
        var record = run.run()
        display.end()
        record.commandLine = ["loadtest", "compare"] + words
        record.labels = options.labels
        let code = exitCode(of: record, options, signal: run.signal)
        // A pipe that has no reader may hold up what is written for ever.
        signals.discardPending()
        signals.unblock()
        let isWritten = report(record, options, files)
        return code == ExitCode.success && !isWritten ? ExitCode.cannotWrite : code
    }

    /// Columns where there is no terminal, and the most that eyes follow.
    private static let (width, widthMax) = (100, 120)

    /// Prints the report and writes the files; false when something could not be written.
    ///
    /// Where the document takes standard output, the report goes to standard error.
    private static func report(
        _ record: CompareRecord, _ options: CompareOptions, _ files: OutputFiles
    ) -> Bool {
        let output = options.jsonPath == "-" ? File.standardError : File.standardOutput
        let columns = Terminal.size(of: output)?.columns ?? width
        let text = CompareText.report(
            of: record, width: min(columns, widthMax), style: Output.style(on: output))
        var isWritten = Output.print(text, to: output)
        isWritten =
            files.write("html") { ComparePage.html(of: record, options.contenders) } && isWritten
        isWritten =
            files.write("md") {
                CompareMarkdown.page(
                    of: record, options.contenders, pictures: options.picturesLink)
            } && isWritten
        if let path = options.picturesPath {
            for (name, svg) in ComparePage.pictures(of: record) {
                let picture = OutputFiles(["svg": "\(path)/\(name).svg"])
                isWritten = picture.write("svg") { svg } && isWritten
            }
        }
        return files.write("json") { Document.text(record) }
            && isWritten
    }

    /// Finds out whether this side can open as many connections as are asked for, to two servers at
    /// once.
    private static func prepare(_ options: CompareOptions) throws(Stop) {
        var plan = options.transport.plan
        plan.connections = options.points.map(\.connections).max() ?? 1
        do throws(Preflight.Shortage) {
            try Preflight.prepare(for: plan)
        } catch {
            throw Stop(
                message: "\(error)\n  try: \(error.remedy)", exitCode: ExitCode.systemLimit)
        }
        let most = options.contenders.map { $0.connections(of: plan.connections) }.max() ?? 1
        if let objection = HostLimits.current().objectionToPairs(connections: most) {
            throw Stop(message: objection, exitCode: ExitCode.systemLimit)
        }
    }

    /// An interrupted comparison stays interrupted; one without any figure has failed. `--strict`
    /// wants figures of every arm, and none that the generator doubts.
    static func exitCode(
        of record: CompareRecord, _ options: CompareOptions, signal: CInt?
    ) -> Int32 {
        if let signal { return 128 + signal }
        let isMeasured = record.samples.contains { $0.readings[.rate] != nil }
        if !isMeasured { return ExitCode.unreachable }
        guard options.isStrict else { return ExitCode.success }
        let isWhole = record.arms.allSatisfy { $0.outcome == .measured }
        let isSound = record.samples.allSatisfy(\.doubts.isEmpty)
        return isWhole && isSound ? ExitCode.success : ExitCode.invalid
    }
}

/// Shows on standard error how a comparison goes on: a line in place on a terminal, a line now and
/// then elsewhere.
final class CompareDisplay {
    private enum Mode { case inPlace, lines, off }

    private let mode: Mode
    private let options: CompareOptions
    private var block = LiveBlock()
    /// What ended arms are told under.
    private var part = "proof "
    /// When the next line of a round is to come, in seconds of slices.
    private var nextLine = 0.0

    init(_ options: CompareOptions) {
        self.options = options
        let isTerminal = Terminal.isTerminal(File.standardError)
        let isDumb = Terminal.variable("TERM") == "dumb"
        mode = options.isQuiet ? .off : isTerminal && !isDumb ? .inPlace : .lines
    }

    /// Says how long it will take.
    func begin(_ estimate: String) { say("estimate  \(estimate)") }

    func show(_ event: CompareEvent) {
        switch event {
        case .proving(let arm): draw("proof     \(arm)")
        case .proved(let arm, let rate): say("proof     \(arm): correct, \(Figures.short(rate))/s")
        case .ended(let arm): say("\(part)    \(arm.name): \(CompareDisplay.words(arm))")
        case .starting(let arm, let point):
            (part, nextLine) = ("slices", 0)
            draw("start     \(point)  \(arm)")
        case .roundEnded(let round, let point, let seconds):
            let text = "slices    round \(round) after \(Figures.time(seconds: seconds))  \(point)"
            if mode == .lines, seconds >= nextLine {
                say(text)
                nextLine = seconds + CompareDisplay.pause
            } else {
                draw(text)
            }
        case .fixedRate(let rounds): draw("latency   \(rounds) rounds at the fixed rate")
        }
    }

    /// Between two lines of rounds where each stays, in seconds.
    private static let pause = 10.0

    /// Makes room for the report.
    func end() {
        let columns = Terminal.size(of: File.standardError)?.columns ?? 80
        put(block.erase(columns: columns))
    }

    private static func words(_ arm: CompareRecord.Arm) -> String {
        switch arm.outcome {
        case .measured: arm.notes.last ?? ""
        case .skipped(let reason): "skipped: \(reason)"
        case .incorrect(let findings): "incorrect: \(findings.joined(separator: "; "))"
        case .failed(let reason): "failed: \(reason)"
        }
    }

    /// Says something that stays.
    private func say(_ text: String) {
        if mode == .off { return }
        end()
        put(text + "\n")
    }

    /// Shows something until the next thing is shown.
    private func draw(_ text: String) {
        guard mode == .inPlace else { return }
        let columns = Terminal.size(of: File.standardError)?.columns ?? 80
        put(
            block.replace(
                with: [String(text.prefix(LiveBlock.room(in: columns)))], columns: columns))
    }

    private func put(_ text: String) {
        // What cannot be shown is not worth ending a comparison for.
        if !text.isEmpty { StandardError.write(text) }
    }
}
