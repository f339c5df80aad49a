import Foundation
import Reports
import Statistics
import TestServers
import Testing

@testable import Generator

/// What `--hlog` writes says what `--json` says, and is there while the run goes on.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct IntervalLogTests {
    /// What one run has written.
    private struct Written {
        let record: RunRecord
        let log: HistogramLogFile
        var run: Generator.Measurement { record.measurement }
    }

    /// A load, and what has to have come up in it for the comparison to say something.
    enum Load: CaseIterable {
        case closedLoop, openLoop, unkeptRate, connectionPerRequest, slowReaders

        var options: [String] {
            switch self {
            case .closedLoop: ["-c6"]
            case .openLoop: ["-c6", "-R2k", "--max-outstanding=2"]
            case .unkeptRate: ["-c2", "-R2k", "--max-outstanding=1", "--drain=0"]
            case .connectionPerRequest: ["-c4", "--crr"]
            case .slowReaders: ["-c8", "--slow-read=1M:50%"]
            }
        }

        func hasShown(_ run: Generator.Measurement) -> Bool {
            let ledger = run.ledger
            guard run.warmup.count > 0, ledger.answered > 0 else { return false }
            switch self {
            case .closedLoop:
                return ledger.timedOut > 0 && ledger.closedEarly + ledger.reset > 0
            case .openLoop: return ledger.timedOut > 0 && run.sendDelay.answered.count > 0
            case .unkeptRate: return ledger.neverSent > 0 && run.sendDelay.censored.count > 0
            case .connectionPerRequest: return ledger.timedOut > 0
            case .slowReaders: return run.slowReaders.count > 0
            }
        }
    }

    /// Of two connections one falls silent after a while, and one is closed; of ten one is silent
    /// from the start, since some loads make a connection for each request.
    private func serve(_ peer: Peer) {
        if peer.number % 10 == 9 { return peer.swallow() }
        for _ in 0..<20 { peer.send(peer.receive()) }
        if peer.number.isMultiple(of: 2) { peer.swallow() }
    }

    private func write(_ options: [String], _ server: TestServer) throws -> Written {
        let (json, hlog) = (temporaryPath("run.json"), temporaryPath("run.hlog"))
        defer { for path in [json, hlog] { unlink(path) } }
        let files = ["--json", json, "--hlog", hlog, "--interval=100ms", "-q"]
        let run = try Command("loadtest", [server.target] + options + files).finish()
        guard FileManager.default.fileExists(atPath: json) else {
            throw Command.Failure(description: run.errors)
        }
        return Written(
            record: try Document.read(from: String(contentsOfFile: json, encoding: .utf8)),
            log: try HistogramLogFile(parsing: String(contentsOfFile: hlog, encoding: .utf8)))
    }

    /// Every sample of a run is in the log once, in the same bin, under the name of its figure.
    private func expectSame(_ log: HistogramLogFile, _ prefix: String, _ run: Generator.Measurement)
    {
        for kind in Latencies.kinds {
            var logged = Histogram()
            for interval in log.intervals where interval.tag == prefix + kind.name {
                logged.add(interval.histogram)
            }
            let reported = run.latencies[keyPath: kind.path].merged
            #expect(logged.count == reported.count, "\(prefix)\(kind.name)")
            for bin in 0..<Histogram.binCount where logged[bin: bin] != reported[bin: bin] {
                Issue.record("\(prefix)\(kind.name) differs in bin \(bin)")
            }
        }
    }

    @Test(arguments: Load.allCases) func `the log adds up to the document`(load: Load) throws {
        let written = try withGrowingLimit(from: .milliseconds(300)) { moment in
            let server = try TestServer(serve)
            defer { server.stop() }
            return try write(
                ["--warmup=100ms", "-d", moment.words, "--timeout=50ms", "--reconnect"]
                    + load.options, server)
        } until: {
            load.hasShown($0.run)
        }
        let run = written.run

        #expect(load.hasShown(run))
        #expect(written.log.isWhole)
        expectSame(written.log, "", run)
        #expect(run.response.count + run.slowReaders.count == run.ledger.scheduled)
        let tags = Set(written.log.intervals.map(\.tag))
        #expect(tags.isSubset(of: Latencies.kinds.map(\.name)))
    }

    @Test(arguments: [["--steps=200..600/3"], ["--rate=30%"]])
    func `each of several runs has tags of its own`(course: [String]) throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let written = try write(
            ["--warmup=0", "-d200ms", "-c2"] + Command.patient + course, server)
        let probes = written.record.probes

        #expect(!probes.isEmpty)
        for (index, probe) in probes.enumerated() {
            expectSame(written.log, "probe\(index + 1).", probe.measurement)
        }
        if course == ["--rate=30%"] { expectSame(written.log, "", written.run) }
    }

    @Test func `a run that is killed leaves what was finished, and the page says so`() throws {
        let (hlog, page) = (temporaryPath("killed.hlog"), temporaryPath("killed.html"))
        defer { for path in [hlog, page] { unlink(path) } }
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        func text() -> String { (try? String(contentsOfFile: hlog, encoding: .utf8)) ?? "" }
        let command = try Command(
            "loadtest",
            [
                server.target, "-c2", "--warmup=0", "-d1h", "--interval=100ms", "--live=off",
                "--hlog", hlog,
            ])
        try command.wait { text().split(separator: "Tag=response,").count > 3 }
        command.send(SIGKILL)
        #expect(try command.finish().code == 128 + SIGKILL)

        let log = try HistogramLogFile(parsing: text())
        #expect(!log.isWhole)
        #expect(log.intervals.count { $0.tag == "response" && $0.histogram.count > 0 } >= 2)
        let shown = try Command.run("loadtest", "report", hlog, "--html", page)
        #expect(shown.code == 0, "\(shown.errors)")
        let words = try String(contentsOfFile: page, encoding: .utf8)
        #expect(words.contains("The log has no end: ") && words.contains(">response </th>"))
    }

    @Test func `a log goes where the shell's arrow would, and into a pipe`() throws {
        let (real, link, pipe) = (temporaryPath("real"), temporaryPath("link"), temporaryPath("p"))
        defer { for path in [real, link, pipe] { unlink(path) } }
        try "old".write(toFile: real, atomically: false, encoding: .utf8)
        chmod(real, 0o600)
        symlink(real, link)
        mkfifo(pipe, 0o600)
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let path = try Command.path(of: "loadtest")
        for (target, before, result) in [(link, "", real), (pipe, "cat '\(pipe)' & ", nil)] {
            let run = try Command.run(
                "/bin/sh", "-c",
                "\(before)'\(path)' \(server.target) -n50 -c1 --warmup 0 --hlog '\(target)' "
                    + "--json /dev/null >&2; wait")
            let text = try result.map { try String(contentsOfFile: $0, encoding: .utf8) }
            let log = try HistogramLogFile(parsing: text ?? run.output)
            #expect(log.isWhole, "\(run.errors)")
            expectTotal(50, log)
        }
        var status = stat()
        #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        #expect(stat(real, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(stat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    }

    private func expectTotal(_ count: Int, _ log: HistogramLogFile) {
        let counts = log.intervals.map { $0.tag == "response" ? $0.histogram.count : 0 }
        #expect(counts.reduce(0, +) == count)
    }

    @Test func `a log that cannot be written any more is said, and the run is reported`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let run = try Command.run(
            "loadtest", server.target, "-n50", "-c1", "--warmup=0", "--hlog=/dev/full", "--json=-")

        #expect(run.code == 73)
        #expect(run.errors.contains("cannot write --hlog /dev/full: "))
        let record: RunRecord = try Document.read(from: run.output)
        #expect(record.measurement.ledger.answered == 50 && record.exitCode == 73)
    }
}
