import Generator
import Reports
import Syscalls

/// Shows on standard error how a run goes on: a panel in place on a terminal, a line every five
/// seconds elsewhere.
struct LiveDisplay {
    private enum Mode { case inPlace, lines, off }

    /// A terminal that is smaller gets one line in place.
    private static let (columnsMin, rowsMin) = (60, 14)
    /// Eyes do not follow wider ones.
    private static let widthMax = 100
    private static let gapOfLines = Duration.seconds(5)

    private let mode: Mode
    private let title: String
    private var panel: LivePanel
    private var line: LiveLine
    private var block = LiveBlock()
    /// What was seen since the last line.
    private var pending: (progress: Progress, seconds: Double)?
    private let start = Instant.now
    private var due: Instant
    private let gap: Duration

    init(_ run: Campaign.Run, _ options: Options) {
        mode = LiveDisplay.mode(options)
        title = run.title
        panel = LivePanel(
            run.plan, title: run.title, interval: options.interval ?? .seconds(1),
            look: LiveDisplay.look(options))
        line = LiveLine(run.plan)
        gap = options.interval ?? LiveDisplay.gapOfLines
        due = start.advanced(by: gap)
    }

    private static func mode(_ options: Options) -> Mode {
        let isTerminal = Terminal.isTerminal(File.standardError)
        let isDumb = Terminal.variable("TERM") == "dumb"
        return switch options.live {
        case .off: .off
        case .line: .lines
        case .panel: isTerminal ? .inPlace : .lines
        case .auto where options.isQuiet: .off
        case .auto: isTerminal && !isDumb ? .inPlace : .lines
        }
    }

    /// Colours and blocks want a terminal that says it has them, and a locale with UTF-8.
    private static func look(_ options: Options) -> LivePanel.Look {
        let style = Output.style(on: File.standardError, options.color)
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(Terminal.variable).first {
            !$0.isEmpty
        }
        let hasBlocks = locale?.lowercased().replacing("-", with: "").hasSuffix("utf8") ?? false
        let hasColors =
            Terminal.variable("TERM")?.contains("256color") ?? false
            || Terminal.variable("COLORTERM") != nil
        return style.isColored && hasBlocks && hasColors ? .rich : .plain
    }

    /// Takes a look at the run, `seconds` after the one before.
    mutating func take(_ progress: Progress, seconds: Double, at now: Instant) {
        switch mode {
        case .off: break
        case .inPlace:
            panel.add(progress, seconds: seconds)
            draw(progress, seconds: seconds)
        case .lines:
            var sum = progress
            if let pending { sum.addAnswers(of: pending.progress) }
            pending = (sum, seconds + (pending?.seconds ?? 0))
            if now >= due { printLine(at: now) }
        }
    }

    /// Makes room for the report.
    mutating func clear() {
        let columns = Terminal.size(of: File.standardError)?.columns ?? 80
        show(block.erase(columns: columns))
    }

    private mutating func draw(_ progress: Progress, seconds: Double) {
        let (columns, rows) = Terminal.size(of: File.standardError) ?? (80, 24)
        let hasRoom = columns >= LiveDisplay.columnsMin && rows >= LiveDisplay.rowsMin
        let room = LiveBlock.room(in: columns)
        let lines =
            hasRoom
            ? panel.lines(width: min(room, LiveDisplay.widthMax))
            : [line.text(progress, seconds: seconds, width: room)]
        show(block.replace(with: lines, columns: columns))
    }

    private mutating func printLine(at now: Instant) {
        guard let (progress, seconds) = pending else { return }
        let decimals = gap < .seconds(1) ? 1 : 0
        let elapsed = Figures.fixed(Double(start.nanoseconds(to: now)) / 1e9, decimals: decimals)
        let head = "+\(elapsed)s  " + (title.isEmpty ? "" : title + "  ")
        show(head + line.text(progress, seconds: seconds, width: 200) + "\n")
        pending = nil
        due = now.advanced(by: gap)
    }

    private func show(_ text: String) {
        // What cannot be shown is not worth ending a run for.
        if !text.isEmpty { StandardError.write(text) }
    }
}
