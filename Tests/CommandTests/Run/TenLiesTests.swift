import SchemaChecks
import TestServers
import Testing

/// What the command ends with, and says, when the server does not echo.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct TenLiesTests {
    @Test(arguments: Lie.allCases)
    func `a lie has its error and its exit code`(lie: Lie) throws {
        // Half of an answer has to come before the limit runs out.
        let run = try withGrowingLimit(from: lie.timeout) { limit in
            let server = try TestServer(lie.behaviour())
            defer { server.stop() }
            return try Command.run(
                "loadtest", "\(server.address)", "--warmup=0", "-c2", "-n1000", "-d1h", "--json=-",
                "--size=\(lie.size)", "--timeout", limit.words)
        } until: {
            lie != .half || $0.output.contains("incomplete")
        }

        #expect(run.code == lie.exitCode, "\(run.errors)")
        let document = try JSON(run.output)
        let rows = document["errors"].array.map {
            ($0["phase"].string ?? "") + " " + ($0["errno"].string ?? "")
        }
        #expect(rows == [lie.error])
        #expect(document["corruptions"].array.count == (lie.diagnosis == nil ? 0 : 2))
    }
}
