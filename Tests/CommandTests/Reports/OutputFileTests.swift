import Foundation
import SchemaChecks
import Testing

/// What `--json`, `merge -o` and `report --html` do where their file is no ordinary one: nothing
/// that the shell's `>` would not.
@Suite(.ownThread) struct `Reports in places that are no ordinary files` {
    /// A way to write a report: the words of a command, with the file as their last one.
    enum Way: String, CaseIterable, Sendable {
        case json = "loadtest -n 10 --warmup 0 -c 2 -q --connect-timeout=10m --timeout=10m --json"
        case merge = "loadtest merge part.json -o"
        case html = "loadtest report part.json --html"

        var isJSON: Bool { self != .html }
    }

    private let folder = temporaryPath("outputs")

    /// Makes a folder with a report in it, and looks for what the tests stand on.
    init() throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let server = try EchoService()
        let part = try Command.loadtest(
            "\(server.address)", "--shard", "1/1", "--run-id", "try", "-q", "--json",
            folder + "/part.json")
        try #require(part.code == 0, "\(part.errors)")
    }

    /// Runs a script in the folder in which the command can be called by its name.
    private func shell(_ script: String, in shell: String...) throws -> Command.Finished {
        let place = URL(fileURLWithPath: try Command.path(of: "loadtest"))
            .deletingLastPathComponent().path
        let whole = "cd \(folder) && PATH=\(place):$PATH && \(script)"
        let words = shell + ["/bin/sh", "-c", whole]
        let path = words[0].hasPrefix("/") ? words[0] : "/usr/bin/" + words[0]
        return try Command(path, Array(words.dropFirst())).finish()
    }

    private func expectReport(_ text: String, of way: Way) throws {
        if way.isJSON {
            #expect(try Schema.shipped().violations(of: JSON(text)) == [])
        } else {
            #expect(text.hasPrefix("<!DOCTYPE html>"), "\(text.prefix(100))")
        }
    }

    @Test(arguments: Way.allCases)
    func `a pipe with a name gets the report when its reader comes, and stays`(way: Way) throws {
        let run = try shell(
            "mkfifo pipe; \(way.rawValue) pipe >said & cat pipe; wait $! && test -p pipe")

        #expect(run.code == 0, "\(run.errors)")
        try expectReport(run.output, of: way)
    }

    @Test func `a signal ends the wait for a reader that never comes`() throws {
        #expect(mkfifo(folder + "/pipe", 0o600) == 0)
        let command = try Command(
            "loadtest",
            ["-n", "10", "--warmup", "0", "-c", "2", "--json", folder + "/pipe"]
                + Command.patient)
        _ = try command.line(beginning: "verdict")
        command.send(SIGINT)

        #expect(try command.finish().code == 130)
    }

    @Test func `a signal ends the wait for a reader of the log, too`() throws {
        #expect(mkfifo(folder + "/pipe", 0o600) == 0)
        let command = try Command(
            "loadtest", ["-c", "2", "--hlog", folder + "/pipe"] + Command.patient)
        _ = try command.line(beginning: "load")
        command.send(SIGINT)

        #expect(try command.finish().code == 130)
    }

    /// Root may write everywhere, so the command runs as somebody else.
    private static var somebodyElse: [String] {
        geteuid() == 0
            ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            : ["env"]
    }

    /// Whether the command can be run so: its folders may be root's alone.
    private static let canBeSomebodyElse: Bool = {
        guard let command = try? Command.path(of: "loadtest"),
            let shown = try? Command(
                "/usr/bin/" + somebodyElse[0],
                somebodyElse.dropFirst() + [command, "--version"]
            ).finish()
        else { return false }
        return shown.code == 0
    }()

    @Test(
        .enabled(if: canBeSomebodyElse, "without root's rights the command cannot be run here"),
        arguments: Way.allCases)
    func `a folder that may not be written is said at once, and its files are written`(
        way: Way
    ) throws {
        let made = try shell("mkdir closed; echo old >closed/file; chmod 666 closed/file part.json")
        try #require(made.code == 0, "\(made.errors)")
        chmod(folder + "/closed", 0o555)
        let prefix = Self.somebodyElse.joined(separator: " ")

        let refused = try shell("\(prefix) \(way.rawValue) closed/new")
        #expect(refused.code == 73, "\(refused.errors)")
        #expect(refused.errors.contains("closed/new: Permission denied"), "\(refused.errors)")
        #expect(refused.output.isEmpty)
        let written = try shell("\(prefix) \(way.rawValue) closed/file >/dev/null; cat closed/file")
        try expectReport(written.output, of: way)
        chmod(folder + "/closed", 0o755)
    }

    private static let canMount =
        (try? Command.run("/usr/bin/unshare", "-rm", "mount", "--bind", "/tmp", "/tmp").code) == 0

    /// As a container has it that was given one file of its machine.
    @Test(
        .enabled(if: canMount, "no mount is allowed here (unshare -rm mount --bind)"),
        arguments: Way.allCases)
    func `a file that is mounted is written in place`(way: Way) throws {
        let run = try shell(
            "echo old >outside && echo hidden >inside && mount --bind outside inside"
                + " && \(way.rawValue) inside >said && cat outside && ls -A >names",
            in: "unshare", "-rm")

        #expect(run.code == 0, "\(run.errors)")
        try expectReport(run.output, of: way)
        let names = try String(contentsOfFile: folder + "/names", encoding: .utf8)
        #expect(!names.contains("draft"))
        let hidden = try String(contentsOfFile: folder + "/inside", encoding: .utf8)
        #expect(hidden == "hidden\n")
    }
}
