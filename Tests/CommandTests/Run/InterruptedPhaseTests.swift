import Foundation
import Reports
import SchemaChecks
import Statistics
import TestServers
import Testing

/// A signal in each phase of a run: what is known is printed, and every file is whole.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct InterruptedPhaseTests {
    /// As the lines of progress name them.
    enum Phase: String, CaseIterable {
        case connecting
        case warmUp = "warm-up"
        case measuring, draining

        /// Options of a run that stays in this phase until somebody ends it; to drain, it has to
        /// have come so far in a moment.
        func options(moment: Duration) -> [String] {
            switch self {
            case .connecting: ["--warmup=0", "--connect-rate=1/h"]
            case .warmUp: ["--warmup=1h"]
            case .measuring: ["--warmup=0", "-d1h"]
            case .draining: ["--warmup=0", "-d", moment.words, "--drain=1h", "--timeout=1h"]
            }
        }

        /// Nobody drains where everything is answered.
        func serve(_ peer: Peer) {
            guard self == .draining else { return peer.echo() }
            peer.send(peer.receive())
            peer.swallow()
        }
    }

    /// Files of one run.
    private struct Files {
        let json = temporaryPath("phase.json")
        let log = temporaryPath("phase.hlog")
        let percentiles = temporaryPath("phase.hgrm")
        var all: [String] { [json, log, percentiles] }
        var options: [String] { ["--json", json, "--hlog", log, "--hgrm", percentiles] }

        var document: JSON {
            get throws { try JSON(String(contentsOfFile: json, encoding: .utf8)) }
        }

        func remove() {
            // One that is not there is the test's to notice.
            for path in all { try? FileManager.default.removeItem(atPath: path) }
        }
    }

    @Test(arguments: Phase.allCases, [SIGINT, SIGTERM])
    func `a signal leaves a summary, its code and whole files`(phase: Phase, signal: Int32) throws {
        let files = Files()
        defer { files.remove() }
        let run = try withGrowingLimit(from: .milliseconds(50)) { moment in
            let server = try TestServer(phase.serve)
            defer { server.stop() }
            let command = try Command(
                "loadtest",
                ["\(server.address)", "-c4", "--live=line", "--interval=100ms"]
                    + phase.options(moment: moment) + files.options)
            try command.waitForLine(saying: phase.rawValue)
            command.send(signal)
            return try command.finish()
        } until: { _ in
            try phase != .draining || files.document["counts", "unanswered"] == .number(4)
        }

        #expect(run.code == 128 + signal, "\(run.errors)")
        #expect(run.lines.contains { $0.hasPrefix("ended ") })
        #expect(run.lines.last?.hasPrefix("exit       \(128 + signal)") == true, "\(run.output)")
        let document = try files.document
        #expect(try Schema.shipped().violations(of: document) == [])
        #expect(document["run", "ending"] == .string("interrupted"))
        #expect(document["run", "signal"] == .number(Double(signal)))
        #expect(document["exit_code"] == .number(Double(128 + signal)))
        try check(files, phase, document["counts"])
    }

    /// The log holds each request of the measured time once, and both files have their ends.
    private func check(_ files: Files, _ phase: Phase, _ counts: JSON) throws {
        let log = try String(contentsOfFile: files.log, encoding: .utf8)
        let file = try HistogramLogFile(parsing: log)
        let logged = file.intervals.reduce(0) {
            $0 + ($1.tag == "response" ? $1.histogram.count : 0)
        }
        #expect(file.isWhole && log.hasSuffix("\n"))
        #expect(counts["scheduled"] == .number(Double(logged)))
        #expect(phase != .draining || counts["answered"] == .number(4))
        #expect(phase != .draining || counts["unanswered"] == .number(4))
        let percentiles = try String(contentsOfFile: files.percentiles, encoding: .utf8)
        #expect(percentiles.split(separator: "\n").last?.hasPrefix("#[Buckets = ") == true)
        #expect(percentiles.hasSuffix("]\n"))
        #expect(!files.all.contains { FileManager.default.fileExists(atPath: $0 + ".tmp") })
    }
}
