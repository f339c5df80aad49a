import Foundation
import MarkupChecks
import TestServers
import Testing

@Suite(.ownThread) struct `Showing reports again` {
    /// A run's report, and a name for a file to make of it; both go away.
    private func withReport(_ body: (_ report: String, _ output: String) throws -> Void) throws {
        let (report, output) = (temporaryPath("run.json"), temporaryPath("out"))
        defer {
            // What is left of a test harms nobody.
            for path in [report, output] { try? FileManager.default.removeItem(atPath: path) }
        }
        let run = try Command.loadtest("--json", report, "-q")
        #expect(run.code == 0, "\(run.errors)")
        try body(report, output)
    }

    @Test func `without an output the text is printed again`() throws {
        try withReport { report, _ in
            let shown = try Command.run("loadtest", "report", report)

            #expect(shown.code == 0)
            for word in ["target ", "service ", "ledger ", "verdict "] {
                #expect(shown.lines.contains { $0.hasPrefix(word) }, "\(word)")
            }
        }
    }

    @Test func `a dash is standard input, for every verb that reads a report`() throws {
        try withReport { report, output in
            let path = try Command.path(of: "loadtest")
            for words in ["report -", "diff - '\(report)'", "merge - -o '\(output)'"] {
                let run = try Command.run("/bin/sh", "-c", "'\(path)' \(words) < '\(report)'")
                if words.hasPrefix("merge") {
                    #expect(run.errors.contains("report 1 is all of a run"))
                } else {
                    #expect(run.code != 64 && run.errors.isEmpty, "\(words): \(run.errors)")
                }
            }
        }
    }

    @Test func `what is read is not written, and nothing is written twice`() throws {
        try withReport { report, output in
            let before = try String(contentsOfFile: report, encoding: .utf8)
            symlink(report, output)
            defer { unlink(output) }
            for words in [
                ["report", report, "--html", report], ["report", report, "--md", output],
                ["report", report, "--html", "/tmp/same", "--md", "/tmp/./same"],
                ["merge", report, "-o", report], ["--json", "/tmp/same", "--html", "/tmp/same"],
            ] {
                let run = try Command("loadtest", words).finish()
                #expect(run.code == 64, "\(words)")
                #expect(run.errors.contains(": give "), "\(run.errors)")
            }
            #expect(try String(contentsOfFile: report, encoding: .utf8) == before)
        }
    }

    @Test func `what came from a file does not steer the terminal`() throws {
        try withReport { report, output in
            let text = try String(contentsOfFile: report, encoding: .utf8)
            let wild = output + "\u{1B}[31m\u{9B}2J.json"
            let changed = text.replacing(
                "\"reason\" : null", with: "\"reason\" : null, \"id\" : \"\\u001b[2J\"")
            try changed.replacing("\"remedy\" : \"", with: "\"remedy\" : \"\\u001b]0;x\\u0007")
                .replacing("\"command\" : [", with: "\"command\" : [ \"\\u001b[2J\",")
                .write(toFile: wild, atomically: true, encoding: .utf8)
            defer { unlink(wild) }

            for words in [["report", wild], ["report", wild, "--md", "-"], ["diff", wild, wild]] {
                let run = try Command("loadtest", words).finish()
                let controls = (run.output + run.errors).unicodeScalars.filter {
                    $0 != "\n" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value))
                }
                #expect(controls.allSatisfy { $0 == "\u{1B}" && words[0] != "report" }, "\(words)")
            }
            let missing = try Command("loadtest", ["report", "/nowhere/\u{1B}[2J"]).finish()
            #expect(!missing.errors.contains("\u{1B}"))
        }
    }

    @Test func `a reader that has enough of a page does no harm`() throws {
        try withReport { report, _ in
            // More than a pipe holds, so that it is written when the reader has gone.
            let path = try Command.path(of: "loadtest")
            let names = String(repeating: " '\(report)'", count: 8)
            let run = try Command.run(
                "/bin/sh", "-c",
                "{ '\(path)' report\(names) --html -; echo code $? >&2; } | head -c 1")

            #expect(run.errors == "code 0\n")
        }
    }

    @Test func `a page holds every picture of both runs`() throws {
        try withReport { report, output in
            let shown = try Command.run("loadtest", "report", report, report, "--html", output)

            #expect(shown.code == 0 && shown.output.isEmpty, "\(shown.errors)")
            let page = try elements(of: String(contentsOfFile: output, encoding: .utf8))
            // Each for a window and for a telephone.
            #expect(page.filter { $0.name == "svg" }.count == 2 * 8)
            #expect(page.filter { $0.name == "pre" }.count == 4)
        }
    }

    @Test func `a comparison is shown again as it was`() throws {
        let folder = temporaryPath("comparison")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // What is left of a test harms nobody.
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let record = "\(folder)/c.json"
        let run = try Command.run(
            "loadtest", "compare", "--variants=epoll,poll", "--conns=2", "--rounds=1", "-q",
            "--json", record, "--html", "\(folder)/first.html")
        #expect(run.code == 0, "\(run.errors)")
        let shown = try Command.run(
            "loadtest", "report", record, "--html", "\(folder)/again.html", "--svg", folder,
            "--md", "\(folder)/again.md")

        #expect(shown.code == 0 && shown.errors.isEmpty, "\(shown.errors)")
        let pages = try ["first", "again"].map {
            try String(contentsOfFile: "\(folder)/\($0).html", encoding: .utf8)
        }
        #expect(pages[0] == pages[1])
        #expect(
            try String(contentsOfFile: "\(folder)/again.md", encoding: .utf8).contains(
                "](./rate.svg)"))
        #expect(FileManager.default.fileExists(atPath: "\(folder)/rate.svg"))
        let text = try Command.run("loadtest", "report", record)
        #expect(text.lines.contains { $0.hasPrefix("compare ") }, "\(text.output)")
        let both = try Command.run("loadtest", "report", record, record)
        #expect(both.code == 65, "\(both.errors)")
    }

    @Test func `pictures go into one file, or each into its own where there is a directory`() throws
    {
        try withReport { report, output in
            #expect(try Command.run("loadtest", "report", report, "--svg", output).code == 0)
            let stacked = try elements(of: String(contentsOfFile: output, encoding: .utf8))
            #expect(stacked.filter { $0.name == "svg" }.count == 8)

            try FileManager.default.removeItem(atPath: output)
            try FileManager.default.createDirectory(
                atPath: output, withIntermediateDirectories: true)
            #expect(try Command.run("loadtest", "report", report, "--svg", output).code == 0)
            let names = try FileManager.default.contentsOfDirectory(atPath: output)
            #expect(names.count == 7 && names.allSatisfy { $0.hasSuffix(".svg") })
            for name in names {
                _ = try elements(of: String(contentsOfFile: "\(output)/\(name)", encoding: .utf8))
            }
        }
    }

    @Test func `tables go to standard output where a dash asks for it`() throws {
        try withReport { report, _ in
            let shown = try Command.run("loadtest", "report", report, "--md", "-")

            #expect(shown.code == 0)
            #expect(shown.lines.first == "### Load test")
        }
    }

    @Test func `what is no report ends with 65 and what cannot be written with 73`() throws {
        try withReport { report, output in
            try "{\"schema\": 1".write(toFile: output, atomically: true, encoding: .utf8)
            for path in [output, "/nonexistent/run.json"] {
                let shown = try Command.run("loadtest", "report", path)
                #expect(shown.code == 65)
                #expect(shown.errors.contains(path))
            }
            let unwritten = try Command.run(
                "loadtest", "report", report, "--html", "/nonexistent/page.html")
            #expect(unwritten.code == 73)
            #expect(unwritten.errors.contains("cannot write --html /nonexistent/page.html"))
        }
    }

    @Test(arguments: [
        (["report"], "report needs a file"), (["report", "a", "--htm", "b"], "mean --html?"),
    ])
    func `a wrong command line ends with 64`(words: [String], message: String) throws {
        let shown = try Command("loadtest", words).finish()

        #expect(shown.code == 64)
        #expect(shown.errors.contains(message), "\(shown.errors)")
    }
}
