import Flags
import Reports
import Syscalls

/// `loadtest report`: pages, pictures and tables from the JSON, or the interval logs, of runs that
/// were made before.
enum ReportCommand {
    static let table = FlagTable(
        command: "loadtest report",
        summary: "Shows runs again from their --json files: as text, a page, pictures or tables.",
        usage: [
            "A.json [B.json ...] [options]    (- is standard input)",
            "A.hlog [B.hlog ...] [options]    what --hlog has left of a run",
        ],
        groups: [
            FlagGroup(
                "Output (- is standard output):",
                [
                    Flag("html", nil, "FILE", help: "one page that needs no network and no script"),
                    Flag("svg", nil, "FILE", help: "the pictures; in a directory, a file for each"),
                    Flag("md", nil, "FILE", help: "tables in Markdown, for a pull request"),
                    Percentiles.flag,
                ])
        ],
        positionalsMax: .max,
        footer: [
            "Without an output it prints the text report. Several runs share their pictures.",
            "Exit:  0 done, 64 bad usage, 65 a file is not a report, 73 cannot write.",
        ]
    )

    static func run(_ words: [String]) -> Int32 { Verb.run(table, words, report) }

    private static func report(_ arguments: Arguments) throws -> Int32 {
        guard !arguments.positionals.isEmpty else {
            throw UsageError("report needs a file: loadtest report A.json --html A.html")
        }
        let pictures = arguments.text("svg")
        let folder = pictures.flatMap { $0.hasSuffix("/") || File.isDirectory($0) ? $0 : nil }
        if let folder { try OutputFiles.check(directory: folder, "svg") }
        let files = OutputFiles([
            "html": arguments.text("html"), "svg": folder == nil ? pictures : nil,
            "md": arguments.text("md"),
        ])
        try files.check(inputs: arguments.positionals)
        let percentiles = try arguments.value("percentiles", by: Percentiles.quantiles)
        var runs: [PageRun] = []
        var logs: [(name: String, log: HistogramLogFile)] = []
        for (name, path) in names(of: arguments.positionals) {
            let text = try InputFiles.text(of: path)
            if HistogramLogFile.isLog(text) {
                logs.append((name, try InputFiles.log(text, path)))
            } else {
                var record = try record(text, path)
                if let percentiles { record.percentiles = percentiles }
                runs.append(PageRun(name: name, record: record))
            }
        }
        if logs.isEmpty { return try show(named(runs), files, folder) }
        guard runs.isEmpty, folder == nil else {
            throw UsageError("an interval log has one picture, and stands beside logs only")
        }
        return try show(LogReport(logs), files)
    }

    private static func show(_ logs: LogReport, _ files: OutputFiles) throws(Stop) -> Int32 {
        if files.isEmpty { return Output.say(logs.markdown) }
        try files.write("html", logs.html)
        try files.write("svg", logs.svg)
        try files.write("md", logs.markdown)
        return ExitCode.success
    }

    private static func show(
        _ runs: [PageRun], _ files: OutputFiles, _ folder: String?
    ) throws(Stop) -> Int32 {
        if files.isEmpty, folder == nil { return print(runs) }
        try files.write("html", Page(runs).html)
        try files.write("svg", PagePictures(runs).file)
        for (name, text) in folder == nil ? [] : PagePictures(runs).files {
            try OutputFiles.write(text, to: "\(folder ?? "")/\(name).svg", "svg")
        }
        try files.write("md", MarkdownReport(runs).text)
        return ExitCode.success
    }

    // MARK: - Input

    private static func record(_ text: String, _ path: String) throws(Stop) -> RunRecord {
        var record = try InputFiles.record(text, path)
        // A document from before there were verdicts is judged now; of the others, one without a
        // finding comes out the same.
        if record.verdict.findings.isEmpty { record.verdict = Verdict(judging: record) }
        return record
    }

    /// The last part of each path, without its extension, where that tells them apart.
    private static func names(of paths: [String]) -> [(name: String, path: String)] {
        let short = paths.map { path in
            let last = path.split(separator: "/").last.map(String.init) ?? path
            return [".json", ".hlog"].contains { last.hasSuffix($0) }
                ? String(last.dropLast(5)) : last
        }
        return zip(Set(short).count == short.count ? short : paths, paths).map { ($0, $1) }
    }

    /// The runs by the names that people gave them, where those tell them apart.
    private static func named(_ runs: [PageRun]) -> [PageRun] {
        let named = runs.map { run in
            PageRun(name: run.record.labels.name ?? run.name, record: run.record)
        }
        return Set(named.map(\.name)).count == runs.count ? named : runs
    }

    // MARK: - Output

    private static func print(_ runs: [PageRun]) -> Int32 {
        let style = Output.style(on: File.standardOutput)
        let screen = Output.screen(File.standardOutput)
        let texts = runs.map { run in
            let report = TextReport(run.record, style: style, screen: screen)
            let isNamed = runs.count == 1 || run.record.labels.name == run.name
            let name = isNamed ? [] : ["run        \(run.name)"]
            return (name + report.preamble() + report.results).joined(separator: "\n")
        }
        return Output.say(texts.joined(separator: "\n\n"))
    }
}
