import Foundation
import SchemaChecks
import TestServers
import Testing

@Suite(.ownThread) struct `Merging reports` {
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

        /// Makes a part of a run against a server that all parts load.
        func makePart(
            _ index: Int, of count: Int, _ options: String..., against server: EchoService
        ) throws {
            let part = ["--shard", "\(index)/\(count)", "--run-id", "try", "-q"]
            let run = try withGrowingLimit(from: .milliseconds(100)) { moment in
                try Command(
                    "loadtest",
                    [
                        "\(server.address)", "--warmup", "0", "-d", moment.words,
                        "--json", file("\(index).json"),
                    ] + Command.patient + part + options
                ).finish()
            } until: {
                $0.code != 69
            }
            #expect(run.code == 0, "\(run.errors)")
        }

        /// Merges the parts; returns them and the whole, which obeys the schema.
        func merge(parts count: Int) throws -> (parts: [JSON], whole: JSON) {
            let names = (1...count).map { "\($0).json" }
            let merged = try Command(
                "loadtest", ["merge"] + names.map(file) + ["-o", file("whole.json")]
            ).finish()
            #expect(merged.code == 0, "\(merged.errors)")
            #expect(merged.lines.contains { $0.hasPrefix("ledger ") })
            let whole = try JSON(text("whole.json"))
            #expect(try Schema.shipped().violations(of: whole) == [])
            return (try names.map { try JSON(text($0)) }, whole)
        }
    }

    @Test func `two parts of real runs become one report that obeys the schema`() throws {
        let folder = try Folder()
        let server = try EchoService()
        for index in [1, 2] { try folder.makePart(index, of: 2, "-c", "2", against: server) }

        let (parts, whole) = try folder.merge(parts: 2)

        let answered = parts.map { $0["counts", "answered"].number ?? -1 }
        #expect(answered.allSatisfy { $0 > 0 })
        #expect(whole["counts", "answered"].number == answered[0] + answered[1])
        #expect(whole["latency", "response", "n"].number == answered[0] + answered[1])
        #expect(whole["run", "id"].string == "try")
        #expect(whole["shards"].array.count == 2)
    }

    @Test func `seven parts of ten connections and 700 requests make exactly these`() throws {
        let folder = try Folder()
        let server = try EchoService()
        for index in 1...7 {
            try folder.makePart(
                index, of: 7, "--conns", "10", "-n", "700", "-d", "1h", against: server)
        }

        let (parts, whole) = try folder.merge(parts: 7)

        let connections = parts.map { $0["config", "connections"].number ?? 0 }
        #expect(connections.allSatisfy { [1, 2].contains($0) })
        #expect(whole["config", "connections"].number == 10)
        #expect(whole["counts", "connects", "ok"].number == 10)
        #expect(whole["counts", "answered"].number == 700)
        #expect(whole["shards"].array.compactMap { $0["index"].number } == [1, 2, 3, 4, 5, 6, 7])
    }

    @Test func `what cannot be merged ends with 65 and writes nothing`() throws {
        let folder = try Folder()
        let server = try EchoService()
        try folder.makePart(1, of: 2, "-c", "2", against: server)
        let whole = try Command.loadtest("--json", folder.file("run.json"), "-q")
        #expect(whole.code == 0, "\(whole.errors)")
        try "{\"schema\": 1,\n".write(
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
        #expect(try refusal("bad.json").contains("bad.json: the document is no JSON"))
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
