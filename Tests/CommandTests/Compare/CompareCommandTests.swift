import Compare
import Flags
import Foundation
import Glibc
import Reports
import Syscalls
import TestServers
import Testing

@testable import loadtest

/// `loadtest compare` as a user runs it, with few clients and for moments: what counts is which
/// servers take part and what is said of them.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct CompareCommandTests {
    /// Moments instead of seconds, long enough for a busy machine to answer something.
    private static let brief = ["-c2", "--slice=5ms", "--rounds=1"]

    private func compare(_ arguments: String...) throws -> Command { try compare(arguments) }

    private func compare(_ arguments: [String]) throws -> Command {
        try Command("loadtest", ["compare"] + Self.brief + arguments)
    }

    /// Somebody else's server that echoes: the bundled one, by its command line.
    private func server(_ name: String, _ options: String = "", after setup: String = "") throws
        -> [String]
    {
        let path = try Command.path(of: "echo-server")
        let command = "exec \(path) --listen 127.0.0.1:$0 \(options)"
        return ["--server", "\(name)=sh -c '\(setup)\(command)' {port}"]
    }

    /// Processes of this machine that have a word on their command line.
    private func processes(with word: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(Int32.init).filter { process in
            // Gone meanwhile is not there.
            let text = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
            return text?.contains(word) == true
        }
    }

    /// Other people's servers that write the number of their process, or what they got, to a file.
    private func noting(
        _ body: (_ path: String, _ read: () throws -> String) throws -> Void
    ) throws {
        let path = temporaryPath("noted")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path) {
            // Written whole or not at all, as it is one line.
            while true {
                let text = try? String(contentsOfFile: path, encoding: .utf8)
                if let text, text.hasSuffix("\n") { return String(text.dropLast()) }
                sched_yield()
            }
        }
    }

    private func isRunning(_ process: String) -> Bool {
        // A zombie has ended; nothing may reap it here.
        let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        return text.map { !$0.contains(") Z ") } ?? false
    }

    @Test func `another program gets the limit that we got`() throws {
        try noting { path, noted in
            let words = try server("own", after: "ulimit -Sn > \(path); ")
            let loadtest = try Command.path(of: "loadtest")
            let run = try Command.run(
                "/bin/sh", "-c", "ulimit -Sn 300; exec \"$@\"", "sh", loadtest, "compare",
                "-c1", "--slice=1ms", "--rounds=1", "-v", "epoll", words[0], words[1])

            #expect(try noted() == "300", "\(run.errors)")
        }
    }

    @Test func `a server that left its process group ends with its measurement`() throws {
        try noting { path, noted in
            let echo = try Command.path(of: "echo-server")
            let script =
                "setsid \(echo) --listen 127.0.0.1:$0 & echo $! > \(path).new; "
                + "mv \(path).new \(path); wait"
            let run = try compare("-v", "epoll", "--server", "own=sh -c '\(script)' {port}")
                .finish()

            #expect(run.code == 0, "\(run.errors)")
            #expect(!isRunning(try noted()))
        }
    }

    @Test func `a server that goes into the background does not stay there`() throws {
        try noting { path, noted in
            let echo = try Command.path(of: "echo-server")
            let script =
                "(setsid \(echo) --listen 127.0.0.1:$0 & echo $! > \(path).new; "
                + "mv \(path).new \(path))"
            let run = try compare("-v", "epoll", "--server", "own=sh -c '\(script)' {port}")
                .finish()

            // Before or after its first answer, as the machine has it.
            let words = ["ended with code 0 before it served", "it ended by itself with code 0"]
            #expect(words.contains(where: run.output.contains), "\(run.output)")
            #expect(!isRunning(try noted()))
        }
    }

    @Test(arguments: [SIGHUP, SIGQUIT, SIGKILL])
    func `whatever ends us ends other people's servers`(signal: Int32) throws {
        try noting { path, noted in
            let setup = "echo $$ > \(path).new; mv \(path).new \(path); "
            let command = try compare(["-v", "epoll"] + server("own", after: setup))
            try command.wait { FileManager.default.fileExists(atPath: path) }
            let server = try noted()
            command.send(signal)
            let run = try command.finish()

            #expect(run.code == 128 + signal)
            // The kernel ends it when it has ended us, which we do not see.
            while isRunning(server) { sched_yield() }
        }
    }

    @Test func `a signal that was ignored at the start stays ignored`() throws {
        let loadtest = try Command.path(of: "loadtest")
        let command = try Command(
            "/bin/sh",
            [
                "-c",
                "trap '' HUP; exec \(loadtest) -c2 -d 1h --warmup 0 --live line "
                    + "--interval 100ms",
            ])
        _ = try command.line(beginning: "load")
        command.send(SIGHUP)
        command.send(SIGINT)

        #expect(try command.finish().code == 130)
    }

    @Test func `a server on the other loopback address is found`() throws {
        let echo = try Command.path(of: "echo-server")
        let run = try compare(
            "-v", "epoll", "--server", "own=sh -c 'exec \(echo) --listen [::1]:$0' {port}"
        ).finish()

        #expect(run.code == 0, "\(run.errors)")
        #expect(run.output.contains(/\nown .*[\d,]+\/s/), "\(run.output)")
    }

    @Test func `every arm has a slice in every round, the baseline twice`() throws {
        let run = try compare(
            "--variants=coroutine-epoll,iterative", "--rounds=3", "--json=-"
        ).finish()
        let record = try Document.read(CompareRecord.self, from: run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(record.arms.map(\.name) == ["coroutine-epoll", "coroutine-epoll*", "iterative"])
        #expect(record.arms.map(\.outcome) == [.measured, .measured, .measured])
        #expect(record.control == 1)
        #expect(record.arms[0].proof.hasPrefix("epoll_wait "))
        #expect(record.arms[2].notes.contains("one client at a time: 1 connection"))
        #expect(record.samples.map(\.position) == Array(record.samples.indices))
        #expect(record.points[0].ending == .rounds)
        expectWholeRounds(record, count: 3)
        #expect(run.errors.contains("estimate  3 arms, 1 load: about "))
        #expect(run.errors.contains("proof     iterative: correct, "))
        #expect(run.errors.contains("slices    round 1 after "))
        #expect(run.errors.contains("\ncoroutine-epoll* "))
    }

    /// Every arm that is measured has one busy slice of each round and load, and what is measured
    /// beside them, with the figures that no machine is too slow for.
    private func expectWholeRounds(_ record: CompareRecord, count: Int) {
        let arms = record.arms.indices.filter { record.arms[$0].outcome == .measured }
        for (arm, point) in arms.flatMap({ arm in record.points.indices.map { (arm, $0) } }) {
            let samples = record.samples.filter { $0.arm == arm && $0.point == point }
            let busy = samples.filter { $0.readings[.rate] != nil }
            #expect(busy.map(\.round) == Array(0..<count))
            // A moment may be too short for the clock of a process, which is told.
            #expect(busy.allSatisfy { $0.readings[.cpu] != nil || !$0.doubts.isEmpty })
            let others: [Reading] = [
                .idleMemory, .connectionMemory, .idleCPU, .threads, .processes, .sparseP99, .p50,
                .p99,
            ]
            for reading in others {
                #expect(samples.contains { $0.readings[reading] != nil }, "\(reading)")
            }
        }
    }

    @Test func `a matrix has every load, at rates of its own`() throws {
        let run = try Command(
            "loadtest",
            [
                "compare", "-v", "fork", "--slice=5ms", "--rounds=1", "--json=-", "--matrix",
                "conns=1,3 size=64",
            ]
        ).finish()
        let record = try Document.read(CompareRecord.self, from: run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(record.points.map(\.connections) == [1, 3])
        #expect(record.points.allSatisfy { $0.fixedRate != nil && $0.sparseRate != nil })
        expectWholeRounds(record, count: 1)
        for sample in record.samples {
            let connections = record.points[sample.point].connections
            guard let processes = sample.readings[.processes] else { continue }
            #expect(processes == Double(1 + connections))
        }
    }

    @Test func `two builds of one server are compared without a bundled one`() throws {
        let run = try compare(try server("old") + server("new") + ["--json=-"]).finish()
        let record = try Document.read(CompareRecord.self, from: run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(record.arms.map(\.name) == ["old", "old*", "new"])
        #expect(record.baseline == 0)
        expectWholeRounds(record, count: 1)
    }

    @Test func `a server that is busy in silence is stopped between its slices, and ends`() throws {
        let echo = try Command.path(of: "echo-server")
        let script = "\(echo) --listen 127.0.0.1:$0 & while :; do :; done"
        let run = try compare(
            "-v", "epoll", "--server", "burning=sh -c '\(script)' {port}", "--json=-"
        ).finish()
        let record = try Document.read(CompareRecord.self, from: run.output)
        let burning = try #require(record.arms.first { $0.name == "burning" })

        #expect(burning.outcome == .measured)
        #expect(burning.notes.contains { $0.hasPrefix("busy in silence, so it is stopped") })
    }

    @Test func `where descriptors do not reach, groups have the baseline in common`() throws {
        let path = try Command.path(of: "loadtest")
        let command =
            "ulimit -n 450; exec '\(path)' compare -v epoll,poll,select -c 110 --slice 5ms "
            + "--rounds 2 --json -"
        let run = try Command.run("/bin/sh", "-c", command)
        let record = try Document.read(CompareRecord.self, from: run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(record.notes.contains { $0.contains("2 groups, each with the baseline") })
        let rounds = record.samples.filter { $0.readings[.rate] != nil }
        #expect(rounds.filter { $0.arm == record.baseline }.map(\.round) == [0, 1, 2, 3])
        #expect(rounds.filter { $0.arm == record.control }.count == 2)
    }

    @Test func `quiet says nothing on the way, and the files are written`() throws {
        let folder = temporaryPath("compare")
        let (page, table, pictures) = (folder + "/c.html", folder + "/c.md", folder + "/pictures")
        try FileManager.default.createDirectory(
            atPath: pictures, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try compare(
            "--variants=epoll", "-q", "--html", page, "--md", table, "--svg", pictures
        ).finish()

        #expect(run.code == 0)
        #expect(run.errors == "")
        #expect(run.output.contains("\nepoll* "))
        #expect(try File.read(page, atMost: 1 << 20).hasPrefix("<!DOCTYPE html>"))
        let tables = try File.read(table, atMost: 1 << 20)
        #expect(tables.contains("| epoll"))
        let files = try FileManager.default.contentsOfDirectory(atPath: pictures)
        #expect(!files.isEmpty)
        for file in files { #expect(tables.contains("](pictures/\(file))")) }
    }

    @Test func `others are measured, and those that cannot be are told with the reason`() throws {
        let arguments =
            try server("honest") + server("upper", "--upper") + server("few", "--max-connections 9")
            + ["--server", "absent=no-such-command {port}"]
            + ["--server", "broken=sh -c 'echo no such module >&2; exit 3' {port}"]
        let command = try Command(
            "loadtest", ["compare", "--variants=epoll"] + Self.brief + arguments)
        let run = try command.finish()

        #expect(run.code == 0, "\(run.errors)")
        for line in [
            "proof     honest: correct, ",
            "proof     upper: incorrect: first echo: the bytes that came back were other ones",
            "proof     few: incorrect: 100 clients at once",
            "proof     absent: skipped: command not found: no-such-command",
            "proof     broken: skipped: ended with code 3 before it served: no such module",
        ] {
            #expect(run.errors.contains(line), "\(run.errors)")
        }
    }

    @Test func `a server that fails under load is told, and the others go on`() throws {
        let arguments = try server("few", "--max-connections 120")
        let command = try Command(
            "loadtest",
            ["compare", "--variants=epoll", "-c150", "--slice=5ms", "--rounds=1"] + arguments)
        let run = try command.finish()

        #expect(run.code == 0, "\(run.errors)")
        #expect(run.errors.contains("proof     few: failed: "), "\(run.errors)")
        #expect(run.output.contains("\nepoll* "))
    }

    @Test func `where the baseline fails, another arm takes its place`() throws {
        let folder = temporaryPath("starts")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = try Command.path(of: "echo-server")
        // Three processes prove it; the next one refuses the second client.
        let tries = (1...3).map { "mkdir \(folder)/\($0) 2>/dev/null" }.joined(separator: " || ")
        let proof = "if \(tries); then exec \(path) --listen 127.0.0.1:$0; fi; "
        let arguments = try server("frail", "--max-connections 1", after: proof)
        let command = try Command(
            "loadtest",
            ["compare", "--variants=epoll", "--baseline=frail", "--json=-"] + Self.brief
                + arguments)
        let run = try command.finish()
        let record = try Document.read(CompareRecord.self, from: run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(record.arms.map(\.name) == ["epoll", "frail", "frail*"])
        #expect(record.baseline == 0)
        #expect(record.control == nil)
        #expect(record.arms[0].notes == ["the baseline since frail failed; there is no control"])
        for arm in record.arms.dropFirst() {
            guard case .failed = arm.outcome else {
                Issue.record("\(arm)")
                continue
            }
        }
        #expect(Set(record.samples.map(\.arm)) == [0])
    }

    @Test func `where the baseline fails under one load, the others end theirs`() throws {
        let folder = temporaryPath("starts")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = try Command.path(of: "echo-server")
        // Five processes prove it; the next one refuses the second client, and later ones serve.
        let tries = (1...5).map { "mkdir \(folder)/\($0) 2>/dev/null" }.joined(separator: " || ")
        let good = "exec \(path) --listen 127.0.0.1:$0"
        let proof = "if \(tries) || ! mkdir \(folder)/6 2>/dev/null; then \(good); fi; "
        let arguments = try server("frail", "--max-connections 1", after: proof)
        let run = try Command(
            "loadtest",
            [
                "compare", "--variants=epoll", "--baseline=frail", "--json=-", "--slice=5ms",
                "--rounds=2", "--matrix=conns=2,3",
            ] + arguments
        ).finish()
        let record = try Document.read(CompareRecord.self, from: run.output)
        let busy = record.samples.filter { $0.readings[.rate] != nil }

        #expect(run.code == 0, "\(run.errors)")
        #expect(record.arms[record.baseline].name == "frail")
        #expect(busy.filter { $0.point == 0 && $0.arm == record.baseline }.isEmpty)
        #expect(busy.filter { $0.point == 0 && $0.arm == 0 }.count == 2)
        #expect(busy.filter { $0.point == 1 }.count == 6)
    }

    @Test func `connections that this machine cannot hold end with 71`() throws {
        let path = try Command.path(of: "loadtest")
        let command = "ulimit -n 64; exec '\(path)' compare -v epoll -c 1000"
        let run = try Command.run("/bin/sh", "-c", command)

        #expect(run.code == 71)
        #expect(run.errors.contains("descriptors are needed"))
        #expect(run.output == "")
    }

    @Test func `connections that it cannot hold to two servers end with 71`() throws {
        let path = try Command.path(of: "loadtest")
        let command = "ulimit -n 1500; exec '\(path)' compare -v epoll -c 1000"
        let run = try Command.run("/bin/sh", "-c", command)

        #expect(run.code == 71)
        #expect(
            run.errors.contains(
                "2,056 descriptors are needed for two servers at once, and this process may open "
                    + "1,500\n  try: ulimit -n 2056"), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test func `nobody stays behind, not even what a script started`() throws {
        let mark = "1000.\(UInt32.random(in: 1...999_999_999))"
        let arguments = try server("script", after: "sleep \(mark) & ")
        let command = try Command(
            "loadtest", ["compare", "--variants=fork"] + Self.brief + arguments)
        let run = try command.finish()

        #expect(run.code == 0, "\(run.errors)")
        #expect(run.errors.contains("proof     script: correct, "), "\(run.errors)")
        try command.wait { processes(with: mark).isEmpty }
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal keeps the slices that are finished`(signal: Int32) throws {
        let command = try compare("--variants=epoll", "--rounds=10000", "--json=-")
        try command.waitForLine(saying: "slices    round 1 after ")
        command.send(signal)
        let run = try command.finish()
        let record = try Document.read(CompareRecord.self, from: run.output)

        #expect(run.code == 128 + signal)
        #expect(record.isInterrupted)
        #expect(record.rounds == 10_000)
        #expect(record.points[0].ending == nil)
        for arm in record.arms.indices {
            #expect(record.samples.contains { $0.arm == arm && $0.readings[.rate] != nil })
        }
    }

    @Test func `a signal before the first round leaves no figures and nobody behind`() throws {
        let mark = "1000.\(UInt32.random(in: 1...999_999_999))"
        let arguments = try server("script", after: "sleep \(mark) & ")
        let command = try Command(
            "loadtest", ["compare", "--variants=epoll"] + Self.brief + arguments)
        try command.waitForLine(saying: "proof     epoll: correct")
        command.send(SIGINT)
        let run = try command.finish()

        #expect(run.code == 130)
        try command.wait { processes(with: mark).isEmpty }
    }

    @Test func `a file that cannot be written is told before anything runs`() throws {
        let run = try compare("--variants=epoll", "--html=/nonexistent/page.html").finish()

        #expect(run.code == 73)
        #expect(run.errors.contains("cannot write --html /nonexistent/page.html"))
        #expect(run.errors.contains("nothing was run"))
        #expect(run.output == "")
        #expect(try compare("--variants=epoll", "--svg=/nonexistent").finish().code == 73)
    }

    @Test func `what is wrong with the words ends with 64`() throws {
        let run = try compare("--variants=epol").finish()

        #expect(run.code == 64)
        #expect(run.errors.contains("'epol', which is no variant; did you mean epoll"))
        #expect(run.output == "")
    }

    // The exit code.

    private func options(_ words: String...) throws -> CompareOptions {
        try CompareOptions(
            try CompareOptions.table.parse(words), bundled: CompareCommand.bundled)
    }

    private func record(
        _ outcome: CompareRecord.Arm.Outcome = .measured, doubts: [String] = []
    ) -> CompareRecord {
        var record = CompareRecord(environment: RunRecord.Environment())
        record.arms = [.init(name: "a", kind: .bundled(model: "a", driver: "a"))]
        record.arms[0].outcome = outcome
        var sample = CompareRecord.Sample(
            arm: 0, point: 0, round: 0, position: 0, readings: [.rate: 1])
        sample.doubts = doubts
        record.samples = [sample]
        return record
    }

    @Test func `strict wants figures of all, and none that the generator doubts`() throws {
        let (lenient, strict) = (try options(), try options("--strict"))
        let rows: [(CompareRecord, Int32)] = [
            (record(), 0), (record(doubts: ["it sent late"]), 98),
            (record(.skipped("no node")), 98),
            (record(.incorrect(["half-close"])), 98), (record(.failed("died")), 98),
        ]

        for (record, code) in rows {
            #expect(CompareCommand.exitCode(of: record, strict, signal: nil) == code)
            #expect(CompareCommand.exitCode(of: record, lenient, signal: nil) == 0)
            #expect(CompareCommand.exitCode(of: record, strict, signal: 2) == 130)
        }
        let empty = CompareRecord(environment: RunRecord.Environment())
        #expect(CompareCommand.exitCode(of: empty, lenient, signal: nil) == 69)
        // What is measured before the slices is not what was asked for.
        var silent = record()
        silent.samples[0].readings = [.idleMemory: 1]
        #expect(CompareCommand.exitCode(of: silent, lenient, signal: nil) == 69)
    }

    @Test func `the bundled servers are every model, and the coroutine with every driver`() {
        let names = CompareCommand.bundled.map(\.name)

        #expect(names.contains("coroutine-poll"))
        #expect(names.contains("coroutine-epoll"))
        #expect(names.contains("epoll"))
        #expect(Set(names).count == names.count)
        let alone = CompareCommand.bundled.filter { $0.shape == .oneAtATime }
        #expect(alone.map(\.name) == ["iterative"])
        let eachOne = CompareCommand.bundled.filter { $0.shape == .taskEach }
        #expect(eachOne.map(\.name) == ["fork", "threads"])
    }
}
