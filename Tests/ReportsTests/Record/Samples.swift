import Drivers
import Generator
import Syscalls

@testable import Reports

/// Runs that were never run, for reports to be made of.
enum Sample {
    static func plan(_ change: (inout LoadPlan) -> Void = { _ in }) throws -> LoadPlan {
        var plan = LoadPlan(target: try SocketAddress("127.0.0.1:7788"))
        plan.connections = 1000
        change(&plan)
        return plan
    }

    /// 20,000 answered requests of 100 us to 20.1 ms, evenly spread, without a failure.
    static func measurement() -> Measurement { evenly }

    private static let evenly: Measurement = {
        var run = Measurement()
        for step in 0..<20_000 { run.response.answered.record(100_000 + Int64(step) * 1000) }
        run.service = run.response
        for step in 0..<1000 { run.connectTimes.record(50_000 + Int64(step) * 10) }
        run.ledger.scheduled = 20_000
        run.ledger.answered = 20_000
        run.connects.tried = 1000
        run.connects.ok = 1000
        run.bytes.out = 1_280_000
        run.bytes.in = 1_280_000
        run.bytes.verified = 1_280_000
        run.phases.connect = 0.21
        run.phases.warmup = 1
        run.phases.measured = 10
        run.phases.drain = 0.01
        run.threads = [.init(cpu: 3.8, busy: 0.38)]
        for step in 0..<2000 { run.lag.record(1000 + Int64(step) * 46) }
        for connection in 0..<1000 { run.served.record(connection % 2 == 0 ? 19 : 21) }
        run.server = .init(
            cpu: 4.2,
            residentBefore: 4 << 20,
            residentConnected: 6 << 20,
            residentAfter: 7 << 20
        )
        return run
    }()

    static func record(
        _ measurement: Measurement = measurement(),
        failIf: [String] = [],
        plan: LoadPlan? = nil
    ) throws -> RunRecord {
        var environment = RunRecord.Environment()
        environment.kernel = "Linux 6.8"
        environment.cpuModel = "A \"quoted\" processor"
        environment.cores = 2
        var record = RunRecord(
            plan: try plan ?? Sample.plan(),
            measurement: measurement,
            environment: environment
        )
        record.server = .init(model: "coroutine", driver: "poll")
        record.server?.counters = #"{"accepted": 1000}"#
        record.commandLine = ["loadtest", "-c", "1k"]
        record.startedAt = "2026-01-31T12:00:00Z"
        for text in failIf { record.thresholds.append(try Threshold(text).judge(measurement)) }
        record.exitCode = ExitCode.of(measurement, thresholds: record.thresholds)
        return record
    }

    /// Everything that can go wrong at once, in large numbers.
    static func disaster() -> Measurement {
        var run = measurement()
        run.ledger.scheduled = 123_456_789
        run.ledger.answered = 123_456_784
        run.ledger.corrupt = 1
        run.ledger.timedOut = 1
        run.ledger.reset = 1
        run.ledger.closedEarly = 1
        run.ledger.unanswered = 1
        run.bytes.surplus = 3
        run.shortReads = 1_234_567
        run.partialWrites = 1_234_567
        run.errors = ErrorRow.Phase.allCases.flatMap { phase in
            ["ECONNRESET", "EADDRNOTAVAIL", "mismatch"].map {
                ErrorRow(
                    phase: phase,
                    errno: $0,
                    count: 12_345_678,
                    firstSeen: 1234.5,
                    exampleConnection: 999_999
                )
            }
        }
        run.corruptions = (0..<10).map {
            Corruption(
                connection: $0,
                offset: 123_456_789_012,
                expected: Array(repeating: 0x3F, count: 16),
                got: Array(repeating: 0, count: 16)
            )
        }
        run.corruptions[1].expected = []
        run.threads = [.init(cpu: 9.9, busy: 0.99)]
        run.ending = .interrupted(signal: 2)
        return run
    }

    /// The sample as an open loop saw it: two of a hundred were given up or never sent.
    static func openLoop() throws -> RunRecord {
        var run = measurement()
        for _ in 0..<400 { run.response.censored.record(5_000_000_000) }
        for _ in 0..<300 { run.service.censored.record(5_000_000_000) }
        for step in 0..<20_300 { run.sendDelay.answered.record(1000 + Int64(step % 100) * 1000) }
        for _ in 0..<100 { run.sendDelay.censored.record(5_000_000_000) }
        run.ledger.scheduled = 20_400
        run.ledger.timedOut = 300
        run.ledger.neverSent = 100
        run.pacing = Measurement.Pacing()
        run.pacing?.onTime = 20_296
        run.pacing?.busy = 3
        run.pacing?.late = 1
        return try record(run, plan: plan { $0.rate = 2040 })
    }

    /// A target that nobody listens on.
    static func refused() -> Measurement {
        var run = Measurement()
        run.connects.tried = 3
        run.connects.failed = 3
        run.errors = [
            ErrorRow(
                phase: .connect,
                errno: "ECONNREFUSED",
                count: 3,
                firstSeen: 0.0004,
                exampleConnection: 0
            )
        ]
        run.ending = .connectFailed
        return run
    }
}
