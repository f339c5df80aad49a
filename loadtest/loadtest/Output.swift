import Generator
import Reports
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
        style = options.color.style(
            isTerminal: Terminal.isTerminal(human),
            environment: Terminal.variable
        )
    }

    /// Prints a text that was asked for.
    static func say(_ text: String) -> Int32 {
        write(text + "\n", to: File.standardOutput) ? ExitCode.success : ExitCode.cannotWrite
    }

    /// Prints what is wrong, and returns what the command ends with.
    static func complain(_ message: String, exit code: Int32) -> Int32 {
        _ = write("loadtest: \(message)\n", to: File.standardError)
        return code
    }

    /// Says what is about to be measured, before the first connection is opened.
    func begin(_ record: RunRecord) {
        if options.isQuiet { return }
        let lines = TextReport(record, style: style).preamble
        _ = Output.write(lines.map { $0 + "\n" }.joined(), to: human)
    }

    /// Writes the reports; returns what the command ends with.
    ///
    /// A report that cannot be written is an error of its own, but hides no worse one.
    func report(_ record: RunRecord) -> Int32 {
        let lines =
            options.isQuiet
            ? [SummaryLine.text(record)] : TextReport(record, style: style).results
        var isWritten = Output.write(lines.map { $0 + "\n" }.joined(), to: human)
        if let path = options.jsonPath {
            isWritten = writeJSON(JSONReport(record).text, to: path) && isWritten
        }
        return record.exitCode == ExitCode.success && !isWritten
            ? ExitCode.cannotWrite : record.exitCode
    }

    private func writeJSON(_ text: String, to path: String) -> Bool {
        if path == "-" { return Output.write(text, to: File.standardOutput) }
        do throws(Errno) {
            try File.replace(path, with: text)
            return true
        } catch {
            _ = Output.complain("cannot write --json \(path): \(error)", exit: ExitCode.cannotWrite)
            return false
        }
    }

    /// Writes all of a text; a reader that has gone, as in `| head -1`, has all it wanted.
    static func write(_ text: String, to descriptor: RawDescriptor) -> Bool {
        do throws(Errno) {
            try File.write(text, to: descriptor)
            return true
        } catch .brokenPipe {
            return true
        } catch {
            // Nobody is left to complain to when standard error itself fails.
            if descriptor != File.standardError {
                _ = complain(
                    "cannot write to standard output: \(error)",
                    exit: ExitCode.cannotWrite
                )
            }
            return false
        }
    }
}
