import Compare
import Reports
import Syscalls

/// Where the reports of a comparison go: found out before it whether they can be written.
struct CompareFiles {
    private let options: CompareOptions

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
    }

    /// Prints the report and writes the files; false when something could not be written.
    func write(_ record: CompareRecord) -> Bool {
        var text = ""
        for arm in record.arms {
            text += "\(arm.name)  \(arm.outcome)  \(arm.proof)  \(arm.notes)\n"
        }
        for sample in record.samples {
            let readings = Reading.allCases.compactMap { reading in
                sample.readings[reading].map { "\(reading.rawValue) \(Figures.short($0))" }
            }
            text += "\(sample.round) \(record.arms[sample.arm].name) \(readings) \(sample.doubts)\n"
        }
        text += "\(record.points) \(record.notes)\n"
        return Output.write(text, to: File.standardOutput)
    }
}
