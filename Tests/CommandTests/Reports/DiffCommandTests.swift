import Foundation
import SchemaChecks
import TestServers
import Testing

@Suite(.ownThread) struct `loadtest diff` {
    /// Reports of two short runs at a rate, in a folder that goes with the test.
    private func runs(in folder: URL, at rate: String) throws -> String {
        let paths = ["1", "2"].map { folder.appendingPathComponent("\(rate)-\($0).json").path }
        for path in paths {
            _ = try Command.loadtest(
                "-c", "2", "-R", rate, "--arrivals", "const", "--json", path)
        }
        return paths.joined(separator: ",")
    }

    @Test
    func `a tenth of the rate is a regression, the same is none, and ten times as much neither`()
        throws
    {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("diff-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // Nothing depends on it.
        let (slow, fast) = (try runs(in: folder, at: "200"), try runs(in: folder, at: "2000"))

        let worse = try Command.run("loadtest", "diff", fast, slow)
        #expect(worse.code == 2)
        #expect(worse.lines.contains { $0.hasPrefix("rate ") && $0.hasSuffix("regressed") })
        #expect(worse.lines.contains { $0.hasPrefix("differs    rate: 2000 in A, 200 in B") })

        let better = try Command.run("loadtest", "diff", slow, fast, "--noise", "50%")
        #expect(better.lines.contains { $0.hasPrefix("rate ") && $0.hasSuffix("improved") })

        let same = try #require(fast.split(separator: ",").first.map(String.init))
        try setVerdict([], of: same)
        let alone = try Command.run("loadtest", "diff", same, same)
        #expect(alone.code == 0)
        #expect(alone.lines.last == "result     no difference that noise does not explain")
    }

    /// Puts other findings into a report: those of a short run are the machine's.
    private func setVerdict(_ findings: [JSON], of path: String) throws {
        guard case .object(var document) = try JSON(String(contentsOfFile: path, encoding: .utf8))
        else { return }
        document["verdict"] = .object(["level": .string("VALID"), "findings": .array(findings)])
        try JSON.object(document).text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    @Test func `a run that never connected is no run that is as good`() throws {
        let (good, dead) = (temporaryPath("good.json"), temporaryPath("dead.json"))
        _ = try Command.loadtest("-c", "2", "--json", good)
        try setVerdict([], of: good)
        let refused = try Command(
            "loadtest", ["127.0.0.1:1", "-c", "2", "-d", "1s", "--json", dead]
        ).finish()
        #expect(refused.code == 69)

        let worse = try Command.run("loadtest", "diff", good, dead)
        #expect(worse.code == 2)
        #expect(worse.lines.contains { $0.hasPrefix("rate ") && $0.hasSuffix("regressed") })
        #expect(worse.output.contains("B has no answer"))
        let other = try Command.run("loadtest", "diff", dead, good)
        #expect(other.code == 3)
        #expect(try Command.run("loadtest", "diff", dead, dead).code == 3)
    }

    @Test(arguments: [
        (["a.json"], 64, "compares two sides"), (["a,b", "c"], 64, "there are 2 and 1"),
        (["a", "b", "--noise", "5"], 64, "not a percentage"),
        (["a", "b", "--noise", "100%"], 64, "more than any change"),
        (["/nowhere/a.json", "/nowhere/b.json"], 65, "cannot read /nowhere/a.json"),
        (["/dev/null", "/dev/null"], 65, "/dev/null"),
    ])
    func `what cannot be compared is said`(words: [String], code: Int, reason: String) throws {
        let run = try Command("loadtest", ["diff"] + words).finish()

        #expect(run.code == Int32(code))
        #expect(run.errors.contains(reason), "\(run.errors)")
    }
}
