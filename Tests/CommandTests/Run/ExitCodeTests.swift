import SchemaChecks
import TestServers
import Testing

/// What a run ends with when several things are wrong at once, and when a gate cannot see.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct ExitCodeTests {
    enum Target: String { case honest, garbage, resetting, silent, dying, absent }

    struct Row: Sendable, CustomTestStringConvertible {
        let target: Target
        let options: [String]
        let code: Int32
        var testDescription: String { "\(target) \(options.joined(separator: " "))" }

        init(_ target: Target, _ options: String, _ code: Int32) {
            self.target = target
            self.options = options.split(separator: " ").map(String.init)
            self.code = code
        }
    }

    /// A rate that nothing can answer: it is measured how the server is overloaded.
    private static let tooMuch = "-R100m --max-outstanding=16 -d20ms"

    private static let rows = [
        Row(.honest, "-n200 -d1h", 0),
        Row(.honest, "-n200 -d1h --fail-if=max>1h --fail-if=errors>0", 0),
        Row(.honest, "-n200 -d1h --fail-if=max>1h --fail-if=max>1ns", 99),
        Row(.honest, "-n200 -d1h --fail-if=p99.9999>1h", 99),
        Row(.honest, tooMuch, 0),
        Row(.honest, tooMuch + " --fail-if=max>1ns", 99),
        Row(.dying, "-d1200ms --drain=10ms", 0),
        Row(.dying, "-d1200ms --drain=10ms --fail-if=errors>0", 99),
        Row(.dying, "-d1200ms --drain=10ms --strict --fail-if=errors>0", 98),
        Row(.garbage, tooMuch + " --strict --fail-if=max>1ns", 97),
        Row(.resetting, "-d1h --strict --fail-if=errors>0", 69),
        Row(.silent, "-d100ms --drain=10ms --strict --fail-if=unanswered>0", 69),
        Row(.absent, "-d1h --strict --fail-if=errors>0", 69),
    ]

    private func server(_ target: Target) throws -> TestServer {
        switch target {
        case .honest: return try TestServer { $0.echo() }
        case .garbage: return try TestServer { $0.garble() }
        case .resetting:
            return try TestServer { peer in
                _ = peer.receive()
                peer.reset()
            }
        case .dying:
            return try TestServer { peer in
                for _ in 0..<20 { peer.send(peer.receive()) }
                peer.swallow()
            }
        case .silent: return try TestServer { $0.swallow() }
        case .absent:
            let server = try TestServer { $0.echo() }
            server.stop()
            return server
        }
    }

    @Test(arguments: rows) func `the worst that happened decides the code`(row: Row) throws {
        let server = try server(row.target)
        defer { server.stop() }
        let run = try Command(
            "loadtest",
            [server.target, "-c2", "--warmup=0", "--timeout=10m", "--json=-"] + row.options
        ).finish()
        let document = try JSON(run.output)

        #expect(run.code == row.code, "\(run.errors)")
        #expect(document["exit_code"] == .number(Double(row.code)))
        #expect(run.errors.contains("\nexit       \(row.code)") == (row.code != 0))
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `being strict fails what is invalid and nothing else`() throws {
        let run = try Command.loadtest("--strict", "--json=-")
        let isInvalid = try JSON(run.output)["verdict", "level"] == .string("INVALID")

        #expect(run.code == (isInvalid ? 98 : 0))
    }

    @Test(arguments: [
        ("p99>10ms", Int32(99), "was at least"),
        ("p99<10ms", 0, "was at least"),
        ("p99>1h", 99, "which leaves it open"),
        ("p99<1h", 99, "which leaves it open"),
        ("unanswered>0", 99, "was"),
    ])
    func `a gate knows what an answer that never came leaves open`(
        condition: String, code: Int32, words: String
    ) throws {
        // The second half of 2,000 requests is never answered, and is waited for 100 ms or more.
        typealias Outcome = (run: Command.Finished, document: JSON)
        let (run, document) = try withGrowingLimit(from: .milliseconds(100)) { limit -> Outcome in
            let server = try TestServer { peer in
                var left = 1000 * 64
                while left > 0 {
                    let bytes = peer.receive()
                    if bytes.isEmpty { return }
                    peer.send(Array(bytes.prefix(left)))
                    left -= bytes.count
                }
                peer.swallow()
            }
            defer { server.stop() }
            // As many requests in a longer time: a busy machine must send them in it.
            let run = try Command.run(
                "loadtest", "\(server.address)", "-c1", "-R\(Int(.seconds(1000) / limit))",
                "--arrivals=const", "-d", (limit * 2).words,
                "--max-outstanding=65536", "--drain", limit.words, "--timeout=10m", "--warmup=0",
                "--json=-", "--fail-if", condition)
            return (run, try JSON(run.output))
        } until: {
            $0.document["counts", "answered"] == .number(1000)
        }

        #expect(run.code == code, "\(run.errors)")
        #expect(document["counts", "answered"] == .number(1000))
        let gate = try #require(document["thresholds"].array.first)
        #expect(gate["passed"] == .bool(code == 0))
        #expect(gate["words"].string?.contains(words) == true, "\(gate)")
    }
}
