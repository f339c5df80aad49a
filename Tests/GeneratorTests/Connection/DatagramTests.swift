import Drivers
import Generator
import Statistics
import Syscalls
import TestServers
import Testing

/// Requests that are datagrams, against a server that loses, doubles, swaps and delays them.
///
/// What it does begins with the tenth or so: the first few may be of the warm-up, which counts
/// nowhere.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct DatagramTests {
    private typealias Datagram = DatagramTestServer.Datagram

    private func plan(
        _ target: SocketAddress, requests: Int, connections: Int = 1,
        _ shape: (inout LoadPlan) -> Void = { _ in }
    ) -> LoadPlan {
        var plan = quickPlan(target, requests: requests, connections: connections)
        plan.socket = .datagram
        shape(&plan)
        return plan
    }

    private func measure(
        requests: Int = 100, connections: Int = 1,
        shaping shape: (inout LoadPlan) -> Void = { _ in },
        answering answer:
            @escaping @Sendable (Int, DatagramTestServer.Datagram)
            -> [DatagramTestServer.Datagram]
    ) throws -> Measurement {
        let server = try DatagramTestServer(answer)
        defer { server.stop() }
        let plan = plan(server.address, requests: requests, connections: connections, shape)
        return try LoadRun.start(plan).finish()
    }

    @Test(arguments: DriverKind.allCases, [nil, 5000])
    func `each request is answered by a datagram of its own`(
        driver: DriverKind, rate: Double?
    ) throws {
        let seen = try measure(requests: 300, connections: 3) {
            $0.driver = driver
            $0.rate = rate
            $0.size = .uniform(12...9000)
        } answering: { _, datagram in
            [datagram]
        }

        #expect(seen.errors == [])
        #expect(seen.ledger.answered == 300)
        #expect(seen.ledger.isBalanced)
        #expect(seen.bytes.verified == seen.bytes.out)
        #expect(seen.datagrams == .init())
        #expect(seen.served.connections == 3)
        #expect(seen.ending == .completed)
    }

    @Test func `the largest datagram comes back`() throws {
        let seen = try measure(requests: 5) {
            $0.size = .fixed(65_507)
        } answering: { _, datagram in
            [datagram]
        }

        #expect(seen.ledger.answered == 5)
        #expect(seen.bytes.verified == 5 * 65_507)
    }

    @Test(arguments: [1, 4])
    func `a lost one is given up after the timeout, and the next is sent`(pipeline: Int) throws {
        // Every tenth is lost; none else may take as long as the limit.
        let seen = try withGrowingLimit(from: .milliseconds(20)) { limit in
            try measure(requests: 100) {
                $0.timeout = limit
                $0.pipeline = pipeline
            } answering: { number, datagram in
                number % 10 == 0 ? [] : [datagram]
            }
        } until: {
            $0.ledger.lost == 10
        }

        #expect(seen.ledger.scheduled == 100)
        #expect(seen.ledger.answered == 90)
        #expect(seen.ledger.lost == 10)
        #expect(seen.datagrams == .init())
        #expect(seen.service.censored.count == 10)
        #expect(seen.errors.map(\.errno) == ["lost"])
        #expect(seen.errors.map(\.count) == [10])
        #expect(seen.failures == 10)
        #expect(seen.ending == .completed)
    }

    @Test func `one that comes after it was given up is late, once`() throws {
        let held = Guarded<[DatagramTestServer.Datagram]>([])
        // One answer comes with another that is sent much later, and again.
        let seen = try withGrowingLimit(from: .milliseconds(20)) { limit in
            held.withLock { $0 = [] }
            return try measure(requests: 50) {
                $0.timeout = limit
            } answering: { number, datagram in
                held.withLock { held in
                    if number == 15 {
                        held = [datagram]
                        return []
                    }
                    return number == 30 ? held + [datagram] + held : [datagram]
                }
            }
        } until: {
            $0.ledger.lost == 1
        }

        #expect(seen.ledger.lost == 1)
        #expect(seen.ledger.answered == 49)
        #expect(seen.datagrams.late == 1)
        #expect(seen.datagrams.duplicated == 1)
        #expect(seen.datagrams.reordered == 0)
    }

    @Test(arguments: [nil, 5000])
    func `one that comes twice is counted apart`(rate: Double?) throws {
        let seen = try measure(requests: 101) {
            $0.rate = rate
        } answering: { number, datagram in
            number % 5 == 0 ? [datagram, datagram] : [datagram]
        }

        #expect(seen.ledger.answered == 101)
        #expect(seen.datagrams.duplicated == 20)
        #expect(seen.datagrams.reordered == 0)
        #expect(seen.errors == [])
    }

    @Test func `one that comes behind a later one is out of order`() throws {
        let held = Guarded<[DatagramTestServer.Datagram]>([])
        let seen = try measure(requests: 100) {
            $0.pipeline = 2
        } answering: { number, datagram in
            held.withLock { held in
                guard (21...80).contains(number) else { return [datagram] }
                defer { held = [datagram] }
                return number % 2 == 1 ? [] : [datagram] + held
            }
        }

        #expect(seen.ledger.answered == 100)
        #expect(seen.datagrams.reordered == 30)
        #expect(seen.datagrams.duplicated == 0)
        #expect(seen.errors == [])
    }

    @Test func `in an open loop an answer may come any time`() throws {
        let held = Guarded<[DatagramTestServer.Datagram]>([])
        // Longer behind than a connection remembers its requests in a row.
        let seen = try measure(requests: 200) {
            $0.rate = 5000
            $0.timeout = .milliseconds(1)
        } answering: { number, datagram in
            held.withLock { held in
                if (21...25).contains(number) {
                    held.append(datagram)
                    return []
                }
                return number == 150 ? held + [datagram] : [datagram]
            }
        }

        #expect(seen.ledger.answered == 200)
        #expect(seen.ledger.lost == 0)
        #expect(seen.datagrams.reordered == 5)
        #expect(seen.datagrams.late == 0)
        #expect(seen.errors == [])
    }

    @Test func `in an open loop what has no answer at the end is lost`() throws {
        let seen = try withGrowingLimit(from: .milliseconds(20)) { limit in
            try measure(requests: 200, connections: 2) {
                $0.rate = 5000
                $0.drain = limit
            } answering: { number, datagram in
                number % 10 == 0 ? [] : [datagram]
            }
        } until: {
            $0.ledger.lost == 20
        }

        #expect(seen.ledger.answered == 180)
        #expect(seen.ledger.lost == 20)
        #expect(seen.ledger.unanswered == 0)
        #expect(seen.response.censored.count == 20)
        #expect(seen.ledger.isBalanced)
    }

    // Wrong bytes.

    @Test func `wrong bytes are corrupt, and the others go on`() throws {
        let seen = try measure(requests: 50) {
            $0.size = .fixed(40)
        } answering: { number, datagram in
            var wrong = datagram
            switch number {
            case 10: wrong.bytes[20] ^= 4
            case 20: wrong.bytes.removeLast()
            case 30: wrong.bytes.append(0)
            default: break
            }
            return [wrong]
        }

        #expect(seen.ledger.corrupt == 3)
        #expect(seen.ledger.answered == 47)
        #expect(seen.sawWrongBytes)
        #expect(
            seen.corruptions.map(\.diagnosis) == [
                "one bit is flipped", "39 of 40 bytes came back", "41 bytes came back for 40",
            ])
        #expect(seen.corruptions.map(\.offset) == [20, 39, 40])
        #expect(seen.errors.map(\.errno) == ["mismatch"])
        #expect(seen.ending == .completed)
    }

    @Test func `what answers no request is told`() throws {
        let seen = try withGrowingLimit(from: .milliseconds(20)) { limit in
            try measure(requests: 50) {
                $0.timeout = limit
            } answering: { number, datagram in
                var wrong = datagram
                switch number {
                case 20: wrong.bytes = [1, 2, 3]
                case 30: wrong.bytes[3] = 9
                case 40: wrong.bytes[11] = 255
                default: break
                }
                return [wrong]
            }
        } until: {
            $0.ledger.lost == 3
        }

        #expect(seen.ledger.lost == 3)
        #expect(
            seen.corruptions.map(\.diagnosis) == [
                "3 bytes, which is too short for an answer",
                "no answer to any request of this run",
                "an answer to request 255, which was not made",
            ])
    }

    @Test func `an answer that another client should have got is told`() throws {
        let first = Guarded<DatagramTestServer.Datagram?>(nil)
        let seen = try withGrowingLimit(from: .milliseconds(20)) { limit in
            first.withLock { $0 = nil }
            return try measure(requests: 60, connections: 2) {
                $0.timeout = limit
            } answering: { number, datagram in
                first.withLock { first in
                    guard let held = first else {
                        if number < 10 { return [datagram] }
                        first = datagram
                        return []
                    }
                    // Once, to the wrong one of the two.
                    guard held.client != datagram.client, !held.bytes.isEmpty else {
                        return [datagram]
                    }
                    first?.bytes = []
                    return [.init(bytes: held.bytes, client: datagram.client), datagram]
                }
            }
        } until: {
            $0.ledger.lost == 1
        }

        #expect(seen.corruptions.count == 1)
        #expect(seen.corruptions[0].diagnosis.hasPrefix("an answer for connection "))
    }

    // A server that is not there.

    @Test(arguments: [nil, 1000])
    func `nothing that receives is told at once`(rate: Double?) throws {
        let server = try DatagramTestServer { _, datagram in [datagram] }
        server.stop()
        let plan = plan(server.address, requests: 100, connections: 2) { $0.rate = rate }

        let seen = try LoadRun.start(plan).finish()

        #expect(seen.ending == .allConnectionsLost)
        #expect(seen.ledger.answered == 0)
        #expect(seen.ledger.isBalanced)
        #expect(seen.errors.allSatisfy { $0.errno == "ECONNREFUSED" })
        #expect(!seen.errors.isEmpty)
    }

    @Test func `a server that goes away is told, and the run goes on`() throws {
        let seen = try withGrowingLimit(from: .milliseconds(20)) { limit in
            let isOver = try Gate()
            let going = try DatagramTestServer { number, datagram in
                if number == 10 { isOver.open() }
                return number > 10 ? [] : [datagram]
            }
            let plan = plan(going.address, requests: 15) { $0.timeout = limit }
            let run = try LoadRun.start(plan)
            isOver.wait()
            going.stop()
            return run.finish()
        } until: {
            $0.ledger.lost <= 6
        }

        #expect(seen.ledger.lost >= 5)
        #expect(seen.ledger.answered + seen.ledger.lost == 15)
        #expect(seen.errors.contains { $0.errno == "ECONNREFUSED" })
        #expect(seen.ending == .completed)
    }

    // Whatever happens.

    @Test(arguments: 1...20)
    func `the books balance whatever the network does`(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let share = Double.random(in: 0...0.3, using: &random)
        let state = Guarded((random: SplitMix(seed: UInt64(seed), stream: 1), held: [Datagram]()))
        let rate: Double? = Bool.random(using: &random) ? 5000 : nil
        let pipeline = Int.random(in: 1...50, using: &random)
        let connections = Int.random(in: 1...5, using: &random)

        let seen = try measure(requests: 300, connections: connections) {
            $0.rate = rate
            $0.pipeline = pipeline
            $0.timeout = .milliseconds(20)
            $0.drain = .milliseconds(20)
            $0.size = .uniform(12...200)
        } answering: { _, datagram in
            state.withLock { state in
                guard state.random.share() < share else { return [datagram] }
                switch Int.random(in: 0..<4, using: &state.random) {
                case 0: return []
                case 1: return [datagram, datagram]
                case 2:
                    state.held.append(datagram)
                    return []
                default:
                    defer { state.held = [] }
                    return [datagram] + state.held
                }
            }
        }

        let about: Comment = "seed \(seed)"
        #expect(seen.ledger.isBalanced, about)
        #expect(seen.ledger.scheduled <= 300, about)
        #expect(seen.ledger.corrupt == 0, about)
        #expect(seen.response.answered.count == seen.ledger.answered, about)
        #expect(seen.response.censored.count == seen.ledger.failed, about)
        #expect(seen.datagrams.late <= seen.ledger.lost, about)
        #expect(Int(seen.served.sums.answers) == seen.ledger.answered, about)
        #expect(seen.bytes.verified <= seen.bytes.in && seen.bytes.in <= seen.bytes.out, about)
    }
}
