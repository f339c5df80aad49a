import Reports
import Syscalls

/// Reports of earlier runs, read back from the files that `--json` wrote.
enum RecordFile {
    /// Far more than a report has: a timeline of a full day has less than a megabyte.
    static let bytesMax = 256 << 20

    static func read(_ path: String) throws(Stop) -> RunRecord {
        let text: String
        do {
            text = try File.read(path, atMost: bytesMax)
        } catch {
            throw Stop(message: "cannot read \(path): \(error)", exitCode: ExitCode.badInput)
        }
        do {
            return try RunRecord(try JSONValue(parsing: text))
        } catch {
            throw Stop(message: "\(path): \(error)", exitCode: ExitCode.badInput)
        }
    }
}
