import Drivers
import Generator
import Processes
import Syscalls
import TestServers
import Testing

struct LoadRunTests {
    @Test(arguments: DriverKind.usable)
    func `every request is answered and every byte verified`(driver: DriverKind) throws {
        let seen = try measure {
            $0.driver = driver
        } against: {
            $0.echo()
        }

        #expect(seen.ending == .completed)
        #expect(seen.ledger.scheduled == 200)
        #expect(seen.ledger.answered == 200)
        #expect(seen.ledger.isBalanced)
        #expect(seen.response.answered.count == 200)
        #expect(seen.connects == connects(4))
        #expect(seen.connectTimes.count == 4)
        #expect(seen.bytes.out == 200 * 64)
        #expect(seen.bytes.in == 200 * 64)
        #expect(seen.bytes.verified == 200 * 64)
        #expect(seen.errors.isEmpty)
        #expect(!seen.sawWrongBytes)
    }

    private func connects(_ count: Int) -> Measurement.Connects {
        var connects = Measurement.Connects()
        connects.tried = count
        connects.ok = count
        return connects
    }

    @Test(arguments: [1, 2, 63, 64, 65_520, 65_521, 65_522, 131_042, 1_000_003], [1, 3])
    func `any size goes through, alone and in a pipeline`(size: Int, pipeline: Int) throws {
        let seen = try measure(connections: 2, requests: 12) {
            $0.size = .fixed(size)
            $0.pipeline = pipeline
        } against: {
            $0.echo()
        }

        #expect(seen.ledger.answered == 12)
        #expect(seen.ledger.isBalanced)
        #expect(seen.bytes.verified == 12 * size)
        #expect(seen.errors.isEmpty)
    }

    @Test func `a part of a run sends the streams of its own connections`() throws {
        let first = Guarded<[UInt8]>([])
        _ = try measure(connections: 1, requests: 1) {
            $0.firstConnection = 5
            $0.seed = 3
        } against: { peer in
            first.withLock { $0 = peer.receive() }
            peer.send(first.withLock { $0 })
        }

        let tile = PayloadTile(seed: 3)
        let expected = tile.piece(at: PayloadTile.start(ofConnection: 5), count: 64)
        #expect(first.withLock { $0 } == Array(expected))
    }

    @Test func `a pipeline of big payloads does not lock up a server that never reads ahead`()
        throws
    {
        let seen = try measure(connections: 1, requests: 64) {
            $0.size = .fixed(1 << 20)
            $0.pipeline = 64
        } against: {
            $0.echo()
        }

        #expect(seen.ledger.answered == 64)
        #expect(seen.bytes.verified == 64 << 20)
        #expect(seen.partialWrites > 0)
    }

    @Test(arguments: [1, 2, 3, 7])
    func `threads share the connections and the requests to the last one`(threads: Int) throws {
        let seen = try measure(connections: 7, requests: 1_001) {
            $0.threads = threads
            $0.pipeline = 2
        } against: {
            $0.echo()
        }

        #expect(seen.ledger.scheduled == 1_001)
        #expect(seen.ledger.answered == 1_001)
        #expect(seen.connects == connects(7))
        #expect(seen.threads.count == threads)
    }

    @Test func `no more threads are started than there are connections`() throws {
        let seen = try measure(connections: 2, requests: 10) {
            $0.threads = 5
        } against: {
            $0.echo()
        }
        #expect(seen.ledger.answered == 10)
        #expect(seen.threads.count == 2)
    }

    @Test func `fewer requests than connections are no more than that`() throws {
        let seen = try measure(connections: 20, requests: 3) { _ in
        } against: {
            $0.echo()
        }
        #expect(seen.ledger.scheduled == 3)
        #expect(seen.ledger.answered == 3)
    }

    @Test func `what the warm-up sends is not counted`() throws {
        let seen = try measure(requests: 50) {
            $0.warmup = .fixed(.milliseconds(20))
        } against: {
            $0.echo()
        }
        #expect(seen.ledger.scheduled == 50)
        #expect(seen.ledger.answered == 50)
        #expect(seen.response.answered.count == 50)
        #expect(seen.bytes.out == 50 * 64)
        #expect(seen.phases.warmup > 0)
    }

    @Test func `a duration ends the run and what is under way is drained`() throws {
        let seen = try withGrowingLimit(from: .milliseconds(30)) { limit in
            try measure {
                $0.requests = nil
                $0.duration = limit
                $0.pipeline = 3
            } against: {
                $0.echo()
            }
        } until: {
            $0.ledger.scheduled > 0
        }
        #expect(seen.ending == .completed)
        #expect(seen.ledger.answered == seen.ledger.scheduled)
        #expect(seen.ledger.answered > 0)
        #expect(seen.bytes.in == seen.bytes.out)
        #expect(seen.phases.measured > 0)
    }

    @Test func `without verification bytes are counted and nothing is compared`() throws {
        let seen = try measure(requests: 40) {
            $0.verification = .off
        } against: { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty {
                peer.send([UInt8](repeating: 0, count: bytes.count))
            }
        }
        #expect(seen.ledger.answered == 40)
        #expect(seen.bytes.verified == 0)
        #expect(seen.bytes.in == 40 * 64)
        #expect(!seen.sawWrongBytes)
    }

    @Test func `progress tells the phases and gives every answer to one interval`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let run = try LoadRun.start(quickPlan(server.address, requests: 500))
        var counted = 0
        run.wait { progress in
            counted += progress.response.count
            return false
        }
        let last = run.progress()

        let seen = run.finish()
        #expect(last.phase == .done)
        #expect(last.answered == 500)
        #expect(counted + last.response.count == 500)
        #expect(seen.response.answered.count == 500)
        #expect(run.finish().ledger == seen.ledger)
    }

    @Test func `the end of a run can be watched by a driver`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let run = try LoadRun.start(quickPlan(server.address))
        let driver = try PollDriver()
        try driver.setInterest(.readable, in: run.ended)

        var ready: [Readiness] = []
        while ready.isEmpty { try driver.wait(until: .never, into: &ready) }

        #expect(run.isFinished)
        #expect(run.finish().ledger.answered == 200)
    }

    @Test func `a run that nobody finishes ends with its owner`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.requests = nil
        _ = try LoadRun.start(plan)
    }

    @Test func `the server's process is measured along`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address, requests: 2_000)
        plan.serverProcess = CInt(Machine.processNumber)
        let seen = try LoadRun.start(plan).finish()

        let usage = try #require(seen.server)
        #expect(usage.cpu > 0)
        #expect(usage.residentBefore > 0)
        #expect(usage.residentConnected > 0)
        #expect((seen.serverCPUPerRequest ?? 0) > 0)
        #expect(seen.timeline.columns.contains { $0.serverCPU > 0 })
        #expect((seen.clientCPUPerRequest ?? 0) > 0)
    }
}

extension DriverKind {
    /// Those that this machine lets a process open.
    fileprivate static let usable = allCases.filter { (try? $0.makeDriver()) != nil }
}
