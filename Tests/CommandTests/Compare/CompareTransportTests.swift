import Compare
import Foundation
import Reports
import TestServers
import Testing

/// `loadtest compare --over`: servers that are not reached over TCP.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct CompareTransportTests {
    private func compare(_ arguments: String...) throws -> Command {
        try Command("loadtest", ["compare", "-c2", "--slice=5ms", "--rounds=1"] + arguments)
    }

    /// For a server that writes into a file where it was told to listen.
    private func noting(
        _ body: (_ path: String, _ read: () throws -> String) throws -> Void
    ) throws {
        let path = temporaryPath("noted")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path) {
            try String(contentsOfFile: path, encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    @Test func `servers are compared over Unix sockets, and no file of theirs stays`() throws {
        let echo = try Command.path(of: "echo-server")
        try noting { path, noted in
            let script = "echo $0 > \(path); exec \(echo) --listen unix:$0"
            let run = try compare(
                "--over=unix", "-v", "coroutine-epoll,epoll,threads",
                "--server", "own=sh -c '\(script)' {path}"
            ).finish()

            #expect(run.code == 0, "\(run.errors)")
            #expect(run.output.contains("4 servers over Unix sockets"), "\(run.output)")
            for name in ["coroutine-epoll", "epoll", "threads", "own"] {
                #expect(run.output.contains(try Regex("\n\(name) .*[\\d,]+/s")), "\(run.output)")
            }
            #expect(try noted().hasPrefix("/tmp/loadtest-"))
            #expect(!FileManager.default.fileExists(atPath: try noted()))
        }
    }

    @Test func `servers are compared over UDP`() throws {
        let echo = try Command.path(of: "echo-server")
        let run = try compare(
            "--over=udp", "--server", "own=\(echo) --model poll --listen {listen}",
            "-v", "epoll,poll", "--json=-"
        ).finish()
        let record = try Document.read(CompareRecord.self, from: run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(record.transport == .udp)
        #expect(record.arms.map(\.name) == ["epoll", "epoll*", "poll", "own"])
        #expect(record.samples.contains { $0.readings[.rate] != nil })
        #expect(record.arms.allSatisfy { $0.outcome == .measured })
    }

    @Test func `a server that leaves its socket file behind has it removed`() throws {
        let echo = try Command.path(of: "echo-server")
        try noting { path, noted in
            // Killed, it cannot remove its file.
            let script =
                "echo $0 > \(path); (trap \"\" TERM; exec \(echo) --listen unix:$0) & "
                + "trap \"kill -9 $!\" TERM; wait"
            let run = try compare(
                "--over=unix", "-v", "epoll", "--server", "own=sh -c '\(script)' {path}"
            ).finish()

            #expect(run.code == 0, "\(run.errors)")
            #expect(!FileManager.default.fileExists(atPath: try noted()))
        }
    }
}
