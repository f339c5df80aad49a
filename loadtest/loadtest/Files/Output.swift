import Generator
import Reports
import Statistics
import Syscalls

/// Where the command's words go: the report to standard output, or to standard error when the JSON
/// takes its place.
struct Output {
    private let options: Options
    private let human: RawDescriptor
    private let style: Style

    init(_ options: Options) {
        self.options = options
        human = options.jsonPath == "-" ? File.standardError : File.standardOutput
        style = Output.style(on: human, options.color)
    }

    /// How words look where they go.
    static func style(on descriptor: RawDescriptor, _ choice: Style.Choice = .auto) -> Style {
        choice.style(
            isTerminal: Terminal.isTerminal(descriptor), environment: Terminal.variable)
    }

    /// Prints a text that was asked for.
    static func say(_ text: String) -> Int32 {
        print(text + "\n", to: File.standardOutput) ? ExitCode.success : ExitCode.cannotWrite
    }

    /// Prints what is wrong, and returns what the command ends with.
    static func complain(_ message: String, exit code: Int32) -> Int32 {
        StandardError.say("loadtest: \(message)".printable, patience: .seconds(1))
        return code
    }

    /// Says what is about to be measured, before the first connection is opened.
    func begin(_ record: RunRecord) {
        if options.isQuiet { return }
        let lines = text(record).preamble(loop: options.course.words)
        _ = Output.print(lines.map { $0 + "\n" }.joined(), to: human)
    }

    /// Says on the way what is going on.
    func note(_ text: String) {
        let columns = Output.screen(File.standardError)?.columns
        let lines = columns.map { Style.wrap(text, $0) } ?? [text]
        for line in lines { StandardError.say(line.printable) }
    }

    /// Says what a run gave that is one of several.
    func note(_ run: Campaign.Run, _ measurement: Measurement) {
        var parts = ["\(run.title): \(Figures.short(measurement.rate))/s"]
        for quantile in [0.5, 0.99] where measurement.response.supports(quantile) {
            guard let value = measurement.response.value(at: quantile) else { continue }
            let time = Figures.time(nanoseconds: Double(value.nanoseconds))
            let bound = value.isLowerBound ? ">= " : ""
            parts.append("\(Figures.name(ofQuantile: quantile)) \(bound)\(time)")
        }
        let errors = measurement.errors.occurrences
        if errors > 0 { parts.append("errors \(Figures.count(errors))") }
        note(parts.joined(separator: "  "))
    }

    /// Writes the reports; returns what the command ends with.
    ///
    /// A report that cannot be written is an error of its own, but hides no worse one.
    func report(_ record: RunRecord) -> Int32 {
        let lines =
            options.isQuiet
            ? [SummaryLine.text(record)] : text(record).results
        let isPrinted = Output.print(lines.map { $0 + "\n" }.joined(), to: human)
        let isWritten = write(record) && isPrinted
        return record.exitCode == ExitCode.success && !isWritten
            ? ExitCode.cannotWrite : record.exitCode
    }

    private func text(_ record: RunRecord) -> TextReport {
        TextReport(record, style: style, screen: Output.screen(human))
    }

    /// Columns and rows where the words go to a terminal; nil elsewhere.
    static func screen(_ descriptor: RawDescriptor) -> (columns: Int, rows: Int)? {
        Terminal.isTerminal(descriptor) ? Terminal.size(of: descriptor) : nil
    }

    /// Writes the files that were asked for; false when one could not be.
    private func write(_ record: RunRecord) -> Bool {
        // What was given up counts at its age: without it the end would look too good.
        var isWritten = options.files.write("hgrm") {
            PercentileText(record.measurement.response.merged).text
        }
        isWritten =
            options.files.write("html") {
                Page([PageRun(record)]).html
            } && isWritten
        return options.files.write("json") { Document.text(record) } && isWritten
    }

    /// Prints words; nothing in them steers the terminal, whatever file they came from.
    static func print(_ text: String, to descriptor: RawDescriptor) -> Bool {
        write(text.printable, to: descriptor)
    }

    /// Writes all of a text; a reader that has gone, as in `| head -1`, has all it wanted.
    static func write(_ text: String, to descriptor: RawDescriptor) -> Bool {
        do throws(Errno) {
            try File.write(text, to: descriptor)
            return true
        } catch .brokenPipe {
            return true
        } catch {
            _ = complain(
                "cannot write to standard output: \(error)", exit: ExitCode.cannotWrite)
            return false
        }
    }
}
