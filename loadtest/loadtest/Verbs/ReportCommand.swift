import Flags
import Reports
import Syscalls

/// `loadtest report`: pages, pictures and tables from the JSON of runs that were made before.
enum ReportCommand {
    private static let table = FlagTable(
        command: "loadtest report",
        summary: "Shows runs again from their --json files: as text, a page, pictures or tables.",
        usage: ["A.json [B.json ...] [options]    (- is standard input)"],
        groups: [
            FlagGroup(
                "Output (- is standard output):",
                [
                    Flag("html", nil, "FILE", help: "one page that needs no network and no script"),
                    Flag("svg", nil, "FILE", help: "the pictures; in a directory, a file for each"),
                    Flag("md", nil, "FILE", help: "tables in Markdown, for a pull request"),
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
        var runs: [PageRun] = []
        for (name, path) in names(of: arguments.positionals) {
            var record = try RunRecord(contentsOf: path)
            // A document from before there were verdicts is judged now; of the others, one
            // without a finding comes out the same.
            if record.verdict.findings.isEmpty { record.verdict = Verdict(judging: record) }
            runs.append(PageRun(name: name, record: record))
        }
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

    /// The last part of each path, without ".json", where that tells them apart.
    private static func names(of paths: [String]) -> [(name: String, path: String)] {
        let short = paths.map { path in
            let last = path.split(separator: "/").last.map(String.init) ?? path
            return last.hasSuffix(".json") ? String(last.dropLast(5)) : last
        }
        return zip(Set(short).count == short.count ? short : paths, paths).map { ($0, $1) }
    }

    // MARK: - Output

    private static func print(_ runs: [PageRun]) -> Int32 {
        let style = Output.style(on: File.standardOutput)
        let texts = runs.map { run in
            let report = TextReport(run.record, style: style)
            let name = runs.count == 1 ? [] : ["run        \(run.name)"]
            return (name + report.preamble() + report.results).joined(separator: "\n")
        }
        return Output.say(texts.joined(separator: "\n\n"))
    }
}
