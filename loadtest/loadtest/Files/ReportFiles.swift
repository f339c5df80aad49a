import Reports
import Statistics
import Syscalls

/// The files that a run leaves behind: found out before it whether they can be, and written whole
/// or not at all.
struct ReportFiles {
    private let options: Options

    init(_ options: Options) { self.options = options }

    /// Finds out, before anything is run, whether each file can be written.
    func check() throws(Stop) {
        let named = [
            ("json", options.jsonPath), ("hgrm", options.percentilesPath),
            ("hlog", options.logPath), ("html", options.pagePath),
        ]
        for case (let option, let path?) in named where path != "-" {
            do throws(Errno) {
                try File.checkReplacing(path)
            } catch {
                throw Stop(
                    message: "cannot write --\(option) \(path): \(error); nothing was run",
                    exitCode: ExitCode.cannotWrite
                )
            }
        }
    }

    /// Whether the document can be written where it was asked for.
    var canWriteJSON: Bool {
        guard let path = options.jsonPath, path != "-" else { return true }
        // The reason is nobody's business here.
        return (try? File.checkReplacing(path)) != nil
    }

    /// Writes what was asked for; false when something could not be.
    func write(_ record: RunRecord, _ log: IntervalLog?) -> Bool {
        var isWritten = true
        if let path = options.percentilesPath {
            // What was given up counts at its age: without it the end would look too good.
            let text = PercentileText(record.measurement.response.merged).text
            isWritten = ReportFiles.write(text, to: path, "hgrm") && isWritten
        }
        if let path = options.logPath, let log {
            isWritten = ReportFiles.write(log.text, to: path, "hlog") && isWritten
        }
        if let path = options.pagePath {
            let page = Page([PageRun(name: record.id, record: record)]).html
            isWritten = ReportFiles.write(page, to: path, "html") && isWritten
        }
        return writeJSON(of: record) && isWritten
    }

    /// Writes the document, if one was asked for; false when it could not be.
    @discardableResult
    func writeJSON(of record: RunRecord) -> Bool {
        guard let path = options.jsonPath else { return true }
        return ReportFiles.writeJSON(of: record, to: path)
    }

    static func writeJSON(of record: RunRecord, to path: String) -> Bool {
        let text = JSONReport(record).text
        if path == "-" { return Output.write(text, to: File.standardOutput) }
        return write(text, to: path, "json")
    }

    static func write(_ text: String, to path: String, _ option: String) -> Bool {
        do throws(Errno) {
            try File.replace(path, with: text)
            return true
        } catch {
            let message = "cannot write --\(option) \(path): \(error)"
            _ = Output.complain(message, exit: ExitCode.cannotWrite)
            return false
        }
    }
}
