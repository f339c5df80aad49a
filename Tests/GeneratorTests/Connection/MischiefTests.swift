import Generator
import Statistics
import Syscalls
import TestServers
import Testing

/// Random plans against servers that misbehave at random: whatever happens, the books balance and
/// no connection is left open.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct MischiefTests {
    @Test(arguments: 1...50)
    func `the books balance and nothing stays open`(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        // From a server that is always honest to one that hardly ever is.
        let mischief = Double.random(in: 0...0.5, using: &random)
        let server = try TestServer { peer in
            var random = SplitMix(seed: UInt64(seed), stream: peer.number)
            misbehave(peer, share: mischief, using: &random)
        }
        let plan = randomPlan(server.address, using: &random)

        let seen = try LoadRun.start(plan).finish()
        server.stopAccepting()
        // They end when their client has closed, and only then.
        server.waitForPeers()
        server.stop()

        let about: Comment = "seed \(seed): \(plan)"
        #expect(seen.ledger.isBalanced, about)
        #expect(seen.connects.isBalanced, about)
        let latencies = seen.response.answered.count + seen.slowReaders.answered.count
        #expect(latencies == seen.ledger.answered, about)
        let censored = seen.response.censored.count + seen.slowReaders.censored.count
        #expect(censored == seen.ledger.failed, about)
        let served = Int(seen.served.sums.answers) + Int(seen.slowReaders.answered.count)
        #expect(served == seen.ledger.answered, about)
        if let requests = plan.requests { #expect(seen.ledger.scheduled <= requests, about) }
        let isPlain = seen.errors.isEmpty && seen.ending == .completed
        if isPlain { #expect(seen.ledger.corrupt + seen.ledger.reset == 0, about) }
        #expect(seen.corruptions.count <= 10, about)
        #expect(seen.bytes.in <= seen.bytes.out, about)
        #expect(seen.bytes.verified <= seen.bytes.in, about)
        #expect(seen.connects.reopened <= seen.connects.ok, about)
    }
}

/// Echoes, and now and then does something else.
private func misbehave(_ peer: Peer, share: Double, using random: inout SplitMix) {
    while case var bytes = peer.receive(), !bytes.isEmpty {
        guard random.share() < share / 10 else {
            peer.send(bytes)
            continue
        }
        switch Int.random(in: 0..<7, using: &random) {
        case 0: return
        case 1: return peer.reset()
        case 2: return peer.swallow()
        case 3: peer.send(bytes + bytes)
        case 4: peer.send(Array(bytes.dropFirst(bytes.count / 2 + 1)))
        case 5:
            bytes[bytes.count / 2] ^= 4
            peer.send(bytes)
        default: peer.send([0])
        }
    }
}

private func randomPlan(_ target: SocketAddress, using random: inout SplitMix) -> LoadPlan {
    var plan = LoadPlan(target: target)
    func now(_ share: Double) -> Bool { random.share() < share }
    plan.connections = Int.random(in: 1...8, using: &random)
    plan.threads = Int.random(in: 1...min(3, plan.connections), using: &random)
    plan.idle = now(0.3) ? Int.random(in: 1...3, using: &random) : 0
    plan.seed = random.next()
    plan.driver = .allCases.randomElement(using: &random) ?? .epoll
    plan.warmup = .fixed(.milliseconds(now(0.5) ? 0 : 10))
    plan.duration = now(0.5) ? .milliseconds(50) : nil
    plan.requests = plan.duration == nil || now(0.3) ? 300 : nil
    plan.drain = .milliseconds(20)
    plan.timeout = .milliseconds(50)
    plan.connectTimeout = .milliseconds(50)
    plan.rate = now(0.5) ? 5000 : nil
    plan.arrivals = now(0.5) ? .const : .poisson
    plan.maxOutstanding = Int.random(in: 1...20, using: &random)
    plan.connectsPerRequest = now(0.25)
    plan.pipeline = Int.random(in: 1...4, using: &random)
    plan.requestsPerConnection = now(0.4) ? Int.random(in: 1...20, using: &random) : nil
    plan.lifetime = now(0.3) ? .milliseconds(10) : nil
    plan.reconnects = now(0.5)
    plan.close = .allCases.randomElement(using: &random) ?? .fin
    plan.split = now(0.5) ? .allCases.randomElement(using: &random) ?? .none : .none
    plan.slowRead = now(0.3) ? LoadPlan.SlowRead(rate: 50_000, share: 0.4) : nil
    plan.size = now(0.5) ? .fixed(64) : .uniform(1...5000)
    plan.verification = now(0.8) ? .full : .off
    return plan
}
