import Compare
import Reports
import Syscalls

/// Where the reports of a comparison go: found out before it whether they can be written.
struct CompareFiles {
    private let options: CompareOptions

    /// Columns where there is no terminal, and the most that eyes follow.
    private static let (width, widthMax) = (100, 120)

    init(_ options: CompareOptions) { self.options = options }

    /// Finds out, before anything is run, whether each file can be written.
    func check() throws(Stop) {
        let named = [
            ("json", options.jsonPath), ("html", options.htmlPath), ("md", options.markdownPath),
        ]
        for case (let option, let path?) in named where path != "-" {
            do throws(Errno) {
                try File.checkReplacing(path)
            } catch {
                throw Stop(
                    message: "cannot write --\(option) \(path): \(error); nothing was run",
                    exitCode: ExitCode.cannotWrite)
            }
        }
        if let path = options.picturesPath, !File.isDirectory(path) {
            throw Stop(
                message: "cannot write --svg \(path): there is no such directory; nothing was run",
                exitCode: ExitCode.cannotWrite)
        }
    }

    /// Prints the report and writes the files; false when something could not be written.
    ///
    /// Where the document takes standard output, the report goes to standard error.
    func write(_ record: CompareRecord) -> Bool {
        let output = options.jsonPath == "-" ? File.standardError : File.standardOutput
        let style = Style.Choice.auto.style(
            isTerminal: Terminal.isTerminal(output), environment: Terminal.variable)
        let width = Terminal.size(of: output)?.columns ?? CompareFiles.width
        let text = CompareText.report(
            of: record, width: min(width, CompareFiles.widthMax), style: style)
        var isWritten = Output.write(text, to: output)
        if let path = options.htmlPath {
            let page = ComparePage.html(of: record)
            isWritten = ReportFiles.write(page, to: path, "html") && isWritten
        }
        if let path = options.markdownPath {
            let page = CompareMarkdown.page(of: record, pictures: options.picturesLink)
            isWritten = ReportFiles.write(page, to: path, "md") && isWritten
        }
        if let path = options.picturesPath {
            for (name, svg) in ComparePage.pictures(of: record) {
                isWritten = ReportFiles.write(svg, to: "\(path)/\(name).svg", "svg") && isWritten
            }
        }
        return writeJSON(CompareJSON.document(of: record).serialized + "\n") && isWritten
    }

    private func writeJSON(_ text: String) -> Bool {
        guard let path = options.jsonPath else { return true }
        if path == "-" { return Output.write(text, to: File.standardOutput) }
        return ReportFiles.write(text, to: path, "json")
    }
}
