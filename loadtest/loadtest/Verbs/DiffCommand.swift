import Flags
import Reports
import Syscalls

/// `loadtest diff`: says what became better or worse between runs, and what cannot be told.
enum DiffCommand {
    static let table = FlagTable(
        command: "loadtest diff",
        summary: "Compares reports: improved, regressed or within noise, figure by figure.",
        usage: ["A.json B.json [--noise 5%]", "A1.json,A2.json,... B1.json,B2.json,..."],
        groups: [
            FlagGroup(
                "Options:",
                [Flag("noise", nil, "P%", help: "a change has to exceed it to be called (2%)")]
            )
        ],
        positionalsMax: 2,
        footer: [
            "A is the old side and B the new one. Files with commas between them are rounds: runs",
            "of the same thing, best made alternately. One run each cannot show what differs",
            "between runs.",
            "Exit:  0 no regression, 2 regression, 3 a figure or a run that cannot be judged,",
            "       64 bad usage, 65 unreadable input, or runs of two kinds.",
        ]
    )

    /// What the command ends with when something regressed.
    private static let regression: Int32 = 2
    /// What it ends with when something cannot be judged, and nothing regressed.
    private static let unjudged: Int32 = 3

    static func run(_ words: [String]) -> Int32 { Verb.run(table, words, compare) }

    private static func compare(_ arguments: Arguments) throws -> Int32 {
        guard arguments.positionals.count == 2 else {
            throw UsageError("diff compares two sides: write loadtest diff A.json B.json")
        }
        let (old, new) = (arguments.positionals[0], arguments.positionals[1])
        let noise = try noise(arguments)
        let (oldPaths, newPaths) = (paths(old), paths(new))
        let isOneEach = oldPaths.count == 1 && newPaths.count == 1
        guard isOneEach || oldPaths.count > 1 && newPaths.count > 1 else {
            throw UsageError(
                "diff compares one run with one, or several with several: "
                    + "there are \(oldPaths.count) and \(newPaths.count)")
        }
        let (oldRuns, newRuns) = (try records(oldPaths), try records(newPaths))
        if let objection = Diff.objection(oldRuns, newRuns) {
            throw Stop(message: "cannot compare: \(objection)", exitCode: ExitCode.badInput)
        }
        let diff = Diff(oldRuns, newRuns, noise: noise)
        let style = Output.style(on: File.standardOutput)
        let report = DiffReport(diff, old: old, new: new, style: style)
        let isWritten = Output.print(
            report.lines.map { $0 + "\n" }.joined(), to: File.standardOutput)
        if diff.hasRegression { return regression }
        if !diff.unjudged.isEmpty { return unjudged }
        return isWritten ? ExitCode.success : ExitCode.cannotWrite
    }

    private static func noise(_ arguments: Arguments) throws -> Double {
        guard let text = arguments.text("noise") else { return 0.02 }
        let noise: Double
        do {
            noise = try Units.percent(text)
        } catch {
            throw UsageError("--noise '\(text)' \(error)")
        }
        guard noise < 1 else {
            throw UsageError("--noise '\(text)' is more than any change: write for example 5%")
        }
        return noise
    }

    private static func paths(_ side: String) -> [String] {
        side.split(separator: ",").map(String.init)
    }

    private static func records(_ paths: [String]) throws(Stop) -> [RunRecord] {
        var records: [RunRecord] = []
        for path in paths { records.append(try RunRecord(contentsOf: path)) }
        return records
    }
}
