import Compare
import Flags
import Reports
import Syscalls

/// Shows on standard error how a comparison goes on: a line in place on a terminal, a line for each
/// round elsewhere.
final class CompareDisplay {
    private enum Mode { case inPlace, lines, off }

    private let mode: Mode
    private let options: CompareOptions
    private var block = LiveBlock()
    /// When the first trial began, and how many have since.
    private var began: Instant?
    private var trials = 0
    /// What the line in place says, without the load that is going on.
    private var doing = ""
    /// Arms that still run.
    private var arms: Int

    init(_ options: CompareOptions) {
        self.options = options
        let isTerminal = Terminal.isTerminal(File.standardError)
        let isDumb = Terminal.variable("TERM") == "dumb"
        mode = options.isQuiet ? .off : isTerminal && !isDumb ? .inPlace : .lines
        // The baseline runs twice.
        arms = options.contenders.count + 1
    }

    /// Says how long it will take.
    func begin(_ estimate: String) { say("estimate  \(estimate)") }

    func show(_ event: CompareEvent) {
        switch event {
        case .proving(let arm): draw("proof     \(arm)")
        case .load(let load): draw(doing, load)
        case .proved(let arm, let rate): say("proof     \(arm): correct, \(Figures.short(rate))/s")
        case .ended(let arm):
            if arm.outcome != .measured { arms -= 1 }
            let stage = began == nil ? "proof   " : "round   "
            say("\(stage)  \(arm.name): \(CompareDisplay.words(arm))")
        case .trial(let arm, let point, let round):
            began = began ?? .now
            draw("round     \(round + 1) of \(options.rounds)  \(timeLeft)  \(point)  \(arm)")
            trials += 1
        case .roundEnded(let round, let count):
            if mode == .lines { say("round     \(round + 1) of \(count) finished  \(timeLeft)") }
        }
    }

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

    /// From what the trials took so far; the first one has none to go by.
    private var timeLeft: String {
        guard let began, trials > 0 else { return "just begun" }
        let all = arms * options.rounds * options.points.count
        let share = Double(max(0, all - trials)) / Double(trials)
        let left = Double(began.nanoseconds(to: .now)) * share
        return "about \(Timing.minutes(.nanoseconds(Int64(left)))) left"
    }

    /// Says something that stays.
    private func say(_ text: String) {
        if mode == .off { return }
        end()
        put(text + "\n")
    }

    /// Shows something until the next thing is shown.
    private func draw(_ text: String, _ load: String = "") {
        guard mode == .inPlace else { return }
        doing = text
        let text = load.isEmpty ? text : "\(text)  \(load)"
        let columns = Terminal.size(of: File.standardError)?.columns ?? 80
        // Room at the right for the ^C that a terminal writes there.
        put(block.replace(with: [String(text.prefix(columns - 3))], columns: columns))
    }

    private func put(_ text: String) {
        // What cannot be shown is not worth ending a comparison for.
        if !text.isEmpty { _ = Output.write(text, to: File.standardError) }
    }
}
