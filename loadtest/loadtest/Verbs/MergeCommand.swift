import Flags
import Reports
import Syscalls

/// `loadtest merge`: makes one report of the parts of a run that several machines have made.
enum MergeCommand {
    static let table = FlagTable(
        command: "loadtest merge",
        summary: "Adds the reports of a run's parts, made with --shard, to one report.",
        usage: ["IN... -o OUT [--allow-missing]"],
        groups: [
            FlagGroup(
                "Options:",
                [
                    Flag("output", "o", "FILE", help: "write the merged report as JSON"),
                    Flag("allow-missing", help: "merge what is there; the verdict is INVALID"),
                ]
            )
        ],
        positionalsMax: .max,
        footer: [
            "Counts and histograms add exactly, and percentiles follow from the sum.",
            "Exit:  0 done, 64 bad usage, 65 parts that cannot be read, do not belong together or",
            "       are missing, 73 cannot write; otherwise what the whole run would end with.",
        ]
    )

    static func run(_ words: [String]) -> Int32 { Verb.run(table, words, merge) }

    private static func merge(_ arguments: Arguments) throws -> Int32 {
        guard let output = arguments.text("output"), !output.isEmpty else {
            throw UsageError("merge needs -o FILE: where the merged report goes")
        }
        guard !arguments.positionals.isEmpty else {
            throw UsageError("merge needs the reports to merge: files that --json has written")
        }
        let files = OutputFiles(["output": output])
        try files.check(inputs: arguments.positionals)
        var records: [RunRecord] = []
        for path in arguments.positionals { records.append(try RunRecord(contentsOf: path)) }
        let whole: RunRecord
        do {
            whole = try Merge.records(records, allowsMissing: arguments.has("allow-missing"))
        } catch {
            throw Stop(message: "cannot merge: \(error)", exitCode: ExitCode.badInput)
        }
        try files.write("output", Document.text(whole))
        return report(whole)
    }

    private static func report(_ whole: RunRecord) -> Int32 {
        let style = Output.style(on: File.standardOutput)
        let screen = Output.screen(File.standardOutput)
        let report = TextReport(whole, style: style, screen: screen)
        let text = (report.preamble() + report.results).map { $0 + "\n" }.joined()
        let isWritten = Output.print(text, to: File.standardOutput)
        return whole.exitCode == ExitCode.success && !isWritten
            ? ExitCode.cannotWrite : whole.exitCode
    }
}
