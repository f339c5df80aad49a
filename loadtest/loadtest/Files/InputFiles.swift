import Compare
import Reports
import Statistics
import Syscalls

/// What earlier runs have left, read back: reports and interval logs.
enum InputFiles {
    /// Far more than a report has: a timeline of a full day has less than a megabyte. A log has a
    /// few kilobytes an interval.
    private static let bytesMax = 256 << 20

    /// All of a file; "-" is standard input.
    static func text(of path: String) throws(Stop) -> String {
        do throws(Errno) {
            return try File.read(path == "-" ? "/dev/stdin" : path, atMost: bytesMax)
        } catch {
            throw Stop(message: "cannot read \(path): \(error)", exitCode: ExitCode.badInput)
        }
    }

    /// The report of an earlier run, from the text that `--json` wrote.
    static func record(_ text: String, _ path: String) throws(Stop) -> RunRecord {
        do throws(DocumentError) {
            return try Document.read(from: text)
        } catch {
            throw Stop(message: "\(path): \(error)", exitCode: ExitCode.badInput)
        }
    }

    /// A comparison, from the text that `compare --json` wrote.
    static func comparison(_ text: String, _ path: String) throws(Stop) -> CompareRecord {
        do throws(DocumentError) {
            return try Document.read(from: text)
        } catch {
            throw Stop(message: "\(path): \(error)", exitCode: ExitCode.badInput)
        }
    }

    /// An interval log, from the text that `--hlog` or another tool wrote.
    static func log(_ text: String, _ path: String) throws(Stop) -> HistogramLogFile {
        guard text.utf8.count < bytesMax else {
            let limit = "\(bytesMax >> 20) MiB"
            throw Stop(
                message: "\(path): is not smaller than \(limit); log with a longer --interval",
                exitCode: ExitCode.badInput)
        }
        do throws(HistogramLogError) {
            return try HistogramLogFile(parsing: text)
        } catch {
            throw Stop(message: "\(path): \(error)", exitCode: ExitCode.badInput)
        }
    }
}

extension RunRecord {
    /// Reads the report of an earlier run; "-" is standard input.
    init(contentsOf path: String) throws(Stop) {
        self = try InputFiles.record(try InputFiles.text(of: path), path)
    }
}
