import Foundation
import SchemaChecks
import Testing

@Suite struct `Merging reports` {
    /// Files of a test, which goes away with it.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("loadtest-merge-\(UUID().uuidString)")

        init() throws {
            try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
        }

        /// What is left of a test harms nobody.
        deinit { try? FileManager.default.removeItem(at: path) }

        func file(_ name: String) -> String { path.appendingPathComponent(name).path }

        func text(_ name: String) throws -> String {
            try String(contentsOfFile: file(name), encoding: .utf8)
        }

        /// A run's report, made into one of two parts.
        func makePart(_ index: Int) throws {
            let run = try Command.loadtest("--json", file("run.json"), "-q")
            #expect(run.code == 0, "\(run.errors)")
            let part = try text("run.json").replacing(
                "\"shard\": null", with: "\"shard\": {\"index\": \(index), \"count\": 2}")
            try part.write(toFile: file("\(index).json"), atomically: true, encoding: .utf8)
        }
    }

    @Test func `two parts of real runs become one report that obeys the schema`() throws {
        let folder = try Folder()
        for index in [1, 2] { try folder.makePart(index) }
        // Each run had a bundled server of its own, on another port.
        let target = try JSON(folder.text("1.json"))["config", "target"].string ?? ""
        let other = try JSON(folder.text("2.json"))["config", "target"].string ?? ""
        try folder.text("2.json").replacing(other, with: target).write(
            toFile: folder.file("2.json"), atomically: true, encoding: .utf8)

        let merged = try Command.run(
            "loadtest", "merge", folder.file("1.json"), folder.file("2.json"),
            "-o", folder.file("both.json"))

        #expect(merged.code == 0, "\(merged.errors)")
        #expect(merged.lines.contains { $0.hasPrefix("ledger ") })
        let documents = try ["1.json", "2.json", "both.json"].map { try JSON(folder.text($0)) }
        let answered = documents.map { $0["counts", "answered"].number ?? -1 }
        #expect(answered[0] + answered[1] == answered[2])
        #expect(documents[2]["latency", "response", "n"].number == answered[2])
        #expect(documents[2]["shards"].array.count == 2)
        #expect(try Schema.shipped().violations(of: documents[2]) == [])
    }

    @Test func `what cannot be merged ends with 65 and writes nothing`() throws {
        let folder = try Folder()
        try folder.makePart(1)
        try "{\"schema\": 1,\n}".write(
            toFile: folder.file("bad.json"), atomically: true, encoding: .utf8)
        func refusal(_ names: String...) throws -> String {
            let words = ["merge"] + names.map(folder.file) + ["-o", folder.file("out.json")]
            let merged = try Command("loadtest", words).finish()
            #expect(merged.code == 65)
            #expect(!FileManager.default.fileExists(atPath: folder.file("out.json")))
            return merged.errors
        }

        #expect(try refusal("1.json").contains("of 2 parts 2 is missing"))
        #expect(try refusal("1.json", "1.json").contains("part 1 is there twice"))
        #expect(try refusal("run.json").contains("only parts made with --shard"))
        #expect(try refusal("bad.json").contains("bad.json: line 2, column 1: "))
        #expect(try refusal("none.json").contains("none.json: No such file or directory"))
    }

    @Test(arguments: [
        (["merge"], "merge needs -o FILE"), (["merge", "-o", "x"], "merge needs the reports"),
        (["merge", "--alow-missing"], "did you mean --allow-missing?"),
    ])
    func `a wrong command line ends with 64`(words: [String], message: String) throws {
        let run = try Command("loadtest", words).finish()

        #expect(run.code == 64)
        #expect(run.errors.contains(message), "\(run.errors)")
    }
}
