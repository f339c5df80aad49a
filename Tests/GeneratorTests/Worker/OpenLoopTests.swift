import Generator
import Statistics
import Syscalls
import TestServers
import Testing

struct OpenLoopTests {
    @Test(arguments: LoadPlan.Pace.allCases, LoadPlan.Arrivals.allCases)
    func `planned requests are sent, answered and timed by three clocks`(
        pace: LoadPlan.Pace, arrivals: LoadPlan.Arrivals
    ) throws {
        let seen = try measure(requests: 300) {
            $0.rate = 20_000
            $0.pace = pace
            $0.arrivals = arrivals
        } against: {
            $0.echo()
        }

        #expect(seen.ending == .completed)
        #expect(seen.ledger.scheduled == 300)
        #expect(seen.ledger.answered == 300)
        #expect(seen.ledger.isBalanced)
        #expect(seen.response.answered.count == 300)
        #expect(seen.service.answered.count == 300)
        #expect(seen.sendDelay.answered.count == 300)
        #expect(try #require(seen.pacing).sent == 300)
        let response = try #require(seen.response.answered.mean)
        let parts =
            try #require(seen.service.answered.mean) + #require(seen.sendDelay.answered.mean)
        #expect(abs(response - parts) < 2, "the delay and the service make the response")
    }

    @Test(arguments: [(1, 1), (7, 2), (7, 3), (10, 4)])
    func `threads share a rate without a remainder`(connections: Int, threads: Int) throws {
        let seen = try measure(connections: connections) {
            $0.requests = nil
            $0.duration = .milliseconds(300)
            $0.rate = 1000
            $0.arrivals = .const
            $0.threads = threads
        } against: {
            $0.echo()
        }

        #expect(seen.ledger.isBalanced)
        #expect(seen.served.connections == connections)
        // 300 planned times, of which each thread may have one more or less in its window.
        #expect(abs(seen.ledger.scheduled - 300) <= threads)
    }

    @Test func `no more than the requests of the run are counted as never sent`() throws {
        let seen = try measure(connections: 1, requests: 10) {
            $0.rate = 1000
            $0.arrivals = .const
            $0.maxOutstanding = 1
            $0.timeout = .milliseconds(100)
        } against: {
            $0.swallow()
        }

        #expect(seen.ledger.timedOut == 1)
        #expect(seen.ledger.neverSent == 9)
        #expect(seen.ledger.scheduled == 10)
    }

    @Test func `a server that stops for a second shows it in the 99th percentile`() throws {
        // It stops after 500 requests, until 1,000 more are there: at 1,000 a second that is one
        // second later, and not earlier, because no request is sent before its time.
        let seen = try measure(connections: 1, requests: 2500) {
            $0.rate = 1000
            $0.arrivals = .const
            $0.maxOutstanding = 4096
        } against: { peer in
            var held: [UInt8] = []
            var received = 0
            while true {
                let bytes = peer.receive()
                if bytes.isEmpty { return }
                received += bytes.count
                held += bytes
                if received > 500 * 64, received < 1500 * 64 { continue }
                peer.send(held)
                held = []
            }
        }

        #expect(seen.ledger.answered == 2500)
        // One in 100 is 25, and the 25 that waited longest came in the first 25 ms of the stop.
        #expect(try #require(seen.response.value(at: 0.99)).nanoseconds >= 970_000_000)
        #expect(try #require(seen.response.value(at: 0.8)).nanoseconds >= 495_000_000)
    }

    @Test func `a law of delays is measured as it was`() throws {
        // The server notes how long it held each request. What is measured cannot be less; and as
        // one connection has one request at a time, all of it fits into the time that passed.
        let held = Guarded(Histogram())
        let began = Instant.now
        let seen = try measure(connections: 1, requests: 400) { peer in
            var random = SplitMix(seed: 5)
            while true {
                let bytes = peer.receive()
                if bytes.isEmpty { return }
                let from = Instant.now
                // Between 0.1 and 6.4 ms, each of seven lengths as likely as the others.
                let until = from.advanced(byNanoseconds: 100_000 << (random.next() % 7))
                while Instant.now < until {}
                held.withLock { $0.record(from.nanoseconds(to: .now)) }
                peer.send(bytes)
            }
        }
        let passed = Double(began.nanoseconds(to: .now))

        let law = held.withLock { $0 }
        for quantile in [0.1, 0.25, 0.5, 0.75, 0.9, 0.99] {
            let measured = try #require(seen.service.value(at: quantile)).nanoseconds
            #expect(measured >= law.value(at: quantile) ?? .max, "quantile \(quantile)")
        }
        let mean = try #require(seen.service.answered.mean)
        #expect(mean >= law.mean ?? .infinity)
        #expect(mean * 400 <= passed)
    }

    @Test func `a stop is in the response of all that waited, and in the service of one`() throws {
        let gate = try Gate()
        let isHeld = Guarded(false)
        let server = try TestServer { peer in
            while true {
                let bytes = peer.receive()
                if bytes.isEmpty { return }
                if peer.turn() == 100 {
                    isHeld.withLock { $0 = true }
                    gate.wait()
                }
                peer.send(bytes)
            }
        }
        defer { server.stop() }
        var plan = quickPlan(server.address, requests: 1000, connections: 1)
        plan.rate = 1000
        plan.arrivals = .const
        plan.maxOutstanding = 1
        let began = Instant.now
        let run = try LoadRun.start(plan)

        run.wait { _ in isHeld.withLock { $0 } }
        let end = Instant.now.advanced(by: .milliseconds(500))
        run.wait { _ in Instant.now >= end }
        gate.open()
        let seen = run.finish()
        let passed = Double(began.nanoseconds(to: .now))

        #expect(seen.ledger.answered == 1000)
        // Of the 500 that were planned in the stop, 400 were at its end older than 100 ms.
        #expect(try #require(seen.response.value(at: 0.65)).nanoseconds >= 100_000_000)
        // One is served after the other, so their service fits into the time that passed.
        #expect(try #require(seen.service.answered.mean) * 1000 <= passed)
        #expect(try #require(seen.pacing).busy > 100)
    }

    @Test func `what is never sent counts at its age`() throws {
        let seen = try measure(connections: 1) {
            $0.requests = nil
            $0.duration = .milliseconds(200)
            $0.drain = .milliseconds(20)
            $0.rate = 1000
            $0.arrivals = .const
            $0.maxOutstanding = 2
        } against: {
            $0.swallow()
        }

        #expect(seen.ledger.isBalanced)
        #expect(seen.ledger.unanswered == 2)
        #expect(seen.ledger.neverSent >= 195)
        #expect(seen.response.censored.count == seen.ledger.scheduled)
        #expect(seen.service.censored.count == 2)
        let median = try #require(seen.response.value(at: 0.5))
        #expect(median.isLowerBound)
        // The median one was planned 100 ms before the end of 200 ms.
        #expect(median.nanoseconds >= 100_000_000)
    }

    @Test func `a connection at its limit lets the others take the requests`() throws {
        let isServed = try Gate()
        let served = Guarded(0)
        let seen = try measure(connections: 3, requests: 500) {
            $0.rate = 5000
            $0.maxOutstanding = 4
        } against: { peer in
            // Leaves without an answer when the others have had all of theirs.
            if peer.number == 0 { return isServed.wait() }
            while case let bytes = peer.receive(), !bytes.isEmpty {
                let count = served.withLock { served in
                    served += bytes.count
                    return served
                }
                peer.send(bytes)
                if count == 496 * 64 { isServed.open() }
            }
        }

        #expect(seen.ledger.answered == 496)
        #expect(seen.ledger.failed == 4)
        #expect(seen.served.never == 1)
    }

    @Test func `the load grows over the ramp`() throws {
        for rate in [nil, 2000.0] {
            let seen = try withGrowingLimit(from: .milliseconds(50)) { limit in
                try measure(connections: 8) {
                    $0.requests = nil
                    $0.duration = limit
                    $0.ramp = limit * 4
                    $0.rate = rate
                } against: {
                    $0.echo()
                }
            } until: {
                $0.served.never == 0 && $0.warmup.count > 0
            }

            #expect(seen.ledger.isBalanced)
            #expect(seen.phases.warmup >= 0.199)
            #expect(seen.warmup.count > 0)
            #expect(seen.served.connections == 8)
            #expect(seen.served.never == 0)
        }
    }

    @Test func `an automatic warm-up ends, and its answers are kept apart`() throws {
        // A tenth of the duration, but at least a second.
        let seen = try withGrowingLimit(from: .seconds(1)) { limit in
            try measure(connections: 2, requests: 100) {
                $0.warmup = .auto
                $0.duration = limit * 10
            } against: {
                $0.echo()
            }
        } until: {
            $0.warmup.count > 0 && $0.ledger.answered == 100
        }

        #expect(seen.ledger.answered == 100)
        #expect(seen.phases.warmup >= 1)
        #expect(seen.phases.isSteady != nil)
        #expect(seen.warmup.count > 0)
        let drawn = seen.timeline.columns.reduce(0) { $0 + $1.answered }
        #expect(drawn == seen.warmup.answered.count + 100)
    }
}
