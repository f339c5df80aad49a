import Foundation
import SchemaChecks
import Syscalls
import TestServers
import Testing

/// The generator is brought to its limit or stopped, and has to say that its figures are no longer
/// the server's.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct SelfDoubtTests {
    private func invalid(_ document: JSON) -> [String: Double] {
        var values: [String: Double] = [:]
        for finding in document["verdict", "findings"].array
        where finding["level"] == .string("INVALID") {
            values[finding["code"].string ?? ""] = finding["value"].number
        }
        return values
    }

    @Test(arguments: [false, true])
    func `a rate that no thread can make is invalid within the run`(isStrict: Bool) throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        // The server echoes a thousand requests with one call, so the generator is the slower one.
        let run = try Command(
            "loadtest",
            [
                "\(server.address)", "-R50m", "-d200ms", "-c4", "--warmup=0", "--drain=1s",
                "--max-outstanding=65536", "--json=-",
            ] + (isStrict ? ["--strict"] : [])
        ).finish()
        let document = try JSON(run.output)

        #expect(run.code == (isStrict ? 98 : 0))
        #expect(document["verdict", "level"] == .string("INVALID"))
        let codes = Set(invalid(document).keys)
        #expect(!codes.isDisjoint(with: ["G-SCHED", "G-CPU"]), "\(run.errors)")
        #expect(run.errors.contains("INVALID"))
    }

    @Test func `a generator that was stopped for a second says so, and counts the second`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let command = try Command(
            "loadtest",
            [
                "\(server.address)", "-R2k", "--arrivals=const", "-d1h", "-c2", "--warmup=0",
                "--live=line", "--interval=100ms", "--json=-",
            ])
        try command.waitForLine(saying: "measuring")

        // A real second: only stops of more than one count, and the clock that the generator looks
        // at cannot be another one for it.
        command.send(SIGSTOP)
        try command.wait { try isStopped(command.child.id) }
        let end = Instant.now.advanced(by: .milliseconds(1100))
        try command.wait { Instant.now >= end }
        command.send(SIGCONT)
        command.send(SIGINT)
        let run = try command.finish()
        let document = try JSON(run.output)

        #expect(run.code == 130)
        #expect(document["verdict", "level"] == .string("INVALID"))
        #expect(invalid(document)["K-STOPPED"] ?? 0 >= 1, "\(run.errors)")
        // 2,200 requests were planned meanwhile. They are sent late, and their users have waited
        // for half of the time each, if not longer.
        let response = document["latency", "response"]
        let sum = (response["sum_ns"].number ?? 0) + (response["censored", "sum_ns"].number ?? 0)
        #expect(sum > 2000 * 0.5e9)
    }

    /// Whether the kernel has stopped a process (proc(5), `stat`).
    private func isStopped(_ process: CInt) throws -> Bool {
        let fields = try File.read("/proc/\(process)/stat", atMost: 4096).split(separator: " ")
        return fields.count > 2 && fields[2] == "T"
    }
}
