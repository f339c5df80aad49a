import Generator
import Reports
import Syscalls

/// Shows on standard error how a run goes on: in place on a terminal, a line every five seconds
/// elsewhere.
struct LiveDisplay {
    private enum Mode { case inPlace, lines, off }

    private var line: LiveLine
    private let mode: Mode
    private let start = Instant.now
    private var last = Instant.now
    private var due: Instant

    init(_ plan: LoadPlan, _ options: Options) {
        line = LiveLine(plan)
        switch options.live {
        case .off: mode = .off
        case .line: mode = .lines
        case .auto where options.isQuiet: mode = .off
        case .auto:
            let isDumb = Terminal.variable("TERM") == "dumb"
            mode = Terminal.isTerminal(File.standardError) && !isDumb ? .inPlace : .lines
        }
        due = start.advanced(by: mode == .inPlace ? .milliseconds(100) : .seconds(5))
    }

    mutating func showIfDue(_ run: LoadRun) {
        let now = Instant.now
        guard mode != .off, now >= due else { return }
        due = now.advanced(by: mode == .inPlace ? .milliseconds(250) : .seconds(5))
        let seconds = Double(last.nanoseconds(to: now)) / 1e9
        last = now
        show(run.progress(), seconds: seconds, at: now)
    }

    /// Makes room for the report.
    func clear() {
        if mode == .inPlace { _ = Output.write(LiveLine.erase, to: File.standardError) }
    }

    private mutating func show(_ progress: Progress, seconds: Double, at now: Instant) {
        let text: String
        if mode == .inPlace {
            let width = Terminal.width(of: File.standardError) ?? 80
            text = line.inPlace(progress, seconds: seconds, width: width)
        } else {
            let elapsed = Figures.fixed(Double(start.nanoseconds(to: now)) / 1e9, decimals: 0)
            text = "+\(elapsed)s  " + line.text(progress, seconds: seconds, width: 200) + "\n"
        }
        _ = Output.write(text, to: File.standardError)
    }
}
