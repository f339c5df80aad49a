import Generator
import Testing

@testable import Reports

@Suite struct MarkdownReportTests {
    @Test(arguments: 1...10)
    func `each row of a table has as many cells as its head`(seed: UInt64) throws {
        let evil = "a|b\n<i> `x` \\|"
        var record = try Sample.record(seed: seed)
        record.environment.cpuModel = evil
        let text = MarkdownReport([
            PageRun(name: evil, record: record),
            PageRun(name: "b", record: try Sample.record(seed: seed + 100)),
        ]).text

        var cells: Int?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                cells = nil
                continue
            }
            let here = line.replacing("\\\\", with: "").replacing("\\|", with: "")
            let count = here.count { $0 == "|" }
            #expect(cells == nil || cells == count, "\(line)")
            cells = count
        }
        #expect(!text.contains("<i>"))
    }

    @Test func `the verdict comes first, the command to repeat it last`() throws {
        var record = try Sample.record()
        record.verdict.findings = [
            .init(
                code: "E-FEW", level: .suspect, value: 9, limit: 100, text: "9 samples",
                remedy: "run longer")
        ]
        let lines = MarkdownReport([PageRun(name: "a", record: record)]).text
            .split(separator: "\n")

        #expect(lines[1] == "**SUSPECT** a")
        #expect(lines[2] == "- `E-FEW` 9 samples → run longer")
        #expect(lines.last == "    loadtest -c 1k")
    }

    @Test func `the command to repeat a run is quoted for a shell`() throws {
        var record = try Sample.record()
        record.commandLine = ["loadtest", "--fail-if", "p99>2ms", "it's", ""]

        #expect(record.repeatCommand == #"loadtest --fail-if 'p99>2ms' 'it'\''s' ''"#)
    }
}
