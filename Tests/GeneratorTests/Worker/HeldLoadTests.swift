import Generator
import Syscalls
import TestServers
import Testing

/// Connections that stay open, and what slices on them leave behind: nothing.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct HeldLoadTests {
    private func plan(_ server: TestServer, connections: Int = 4) -> LoadPlan {
        var plan = LoadPlan(target: server.address)
        plan.connections = connections
        plan.timeout = .ample
        plan.connectTimeout = .ample
        return plan
    }

    @Test func `a slice ends when its last answer is in, and the next one has connections`() throws
    {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let load = try HeldLoad(opening: plan(server))
        #expect(server.answered == 1)

        // A connection has its first request if the time was not over before its turn.
        let busy = try withGrowingLimit(from: .milliseconds(5)) { limit in
            let before = server.answered
            let slice = try load.runBusy(for: limit)
            #expect(server.answered == before + slice.answered)
            return slice
        } until: {
            $0.answered >= 4
        }
        #expect(busy.answered >= 4 && busy.rate > 0)

        let planned = try load.runPlanned(
            rate: 10_000, on: 4, for: .milliseconds(5), seed: 1)
        #expect(planned.response.count == planned.answered)

        let once = try load.runOnce()
        #expect(once.answered == 4)
        #expect(once.response.count == 0)
        let again = try withGrowingLimit(from: .milliseconds(5)) { limit in
            try load.runBusy(for: limit)
        } until: {
            $0.answered >= 4
        }
        #expect(again.answered >= 4)
    }

    @Test func `all are open in the beginning, and only the last one has said something`() throws {
        let received = Guarded<[Int: Int]>([:])
        let server = try TestServer { peer in
            peer.answer { bytes, _ in
                received.withLock { $0[peer.number, default: 0] += bytes.count }
                return bytes
            }
        }
        defer { server.stop() }

        let load = try HeldLoad(opening: plan(server, connections: 20))
        #expect(received.withLock { $0 } == [19: 64])
        #expect(try load.runOnce().answered == 20)
    }

    @Test func `a few connections talk where a few are asked for, and later all again`() throws {
        let heard = Guarded<[Int: Int]>([:])
        let server = try TestServer { peer in
            peer.answer { bytes, _ in
                heard.withLock { $0[peer.number, default: 0] += 1 }
                return bytes
            }
        }
        defer { server.stop() }
        let load = try HeldLoad(opening: plan(server, connections: 5))
        heard.withLock { $0 = [:] }

        _ = try load.runPlanned(rate: 50_000, on: 2, for: .milliseconds(20), seed: 7)
        #expect(heard.withLock { $0.count } <= 2)

        _ = try load.runOnce()
        #expect(heard.withLock { $0.count } == 5)
    }

    @Test func `wrong bytes are told from a lost connection`() throws {
        let liar = try TestServer { $0.garble() }
        let quitter = try TestServer { peer in
            peer.send(peer.receive())
            // Until the first request of the slice.
            peer.waitForBytes()
        }
        defer {
            liar.stop()
            quitter.stop()
        }

        #expect {
            _ = try HeldLoad(opening: plan(liar))
        } throws: { error in
            guard case .wrongBytes(let diagnosis) = error as? HeldLoad.Failure else { return false }
            return diagnosis.contains("one bit is flipped")
        }
        let load = try HeldLoad(opening: plan(quitter, connections: 1))
        #expect {
            _ = try load.runOnce()
        } throws: { error in
            guard case .failed(let reason) = error as? HeldLoad.Failure else { return false }
            return reason.hasPrefix("it lost 1 connections: read ")
        }
    }

    @Test func `what is lost while the others come up is missing`() throws {
        let server = try TestServer { peer in
            if peer.number >= 10 { peer.echo() }
        }
        defer { server.stop() }

        #expect {
            // At the first request or at the second one, as the server has closed by then.
            let load = try HeldLoad(opening: plan(server, connections: 40))
            _ = try load.runOnce()
        } throws: { error in
            guard case .failed(let reason) = error as? HeldLoad.Failure else { return false }
            return reason.hasPrefix("it lost ")
        }
    }

    @Test func `it looks around while it waits, and goes on`() throws {
        let gate = try Gate()
        let server = try TestServer { peer in
            peer.send(peer.receive())
            let request = peer.receive()
            gate.wait()
            peer.send(request)
        }
        defer { server.stop() }
        var (isAsked, looks) = (false, 0)
        let load = try HeldLoad(opening: plan(server, connections: 1)) {
            looks += isAsked ? 1 : 0
            if looks == 3 { gate.open() }
            return nil
        }

        isAsked = true
        #expect(try load.runOnce().answered == 1)
        #expect(looks >= 3)
    }

    @Test func `a signal ends the slice of a server that does not answer`() throws {
        let server = try TestServer { peer in
            peer.send(peer.receive())
            while !peer.receive().isEmpty {}
        }
        defer { server.stop() }
        var signal: CInt?
        let load = try HeldLoad(opening: plan(server, connections: 1)) { signal }

        signal = 15
        #expect(throws: HeldLoad.Failure.interrupted(15)) { try load.runOnce() }
    }

    @Test func `a lost connection ends a slice at a rate at once`() throws {
        let server = try TestServer { peer in
            peer.send(peer.receive())
            // Until the first request of the slice.
            peer.waitForBytes()
        }
        defer { server.stop() }
        let load = try HeldLoad(opening: plan(server, connections: 1))

        #expect {
            _ = try load.runPlanned(rate: 10_000, on: 1, for: .seconds(24 * 3600), seed: 1)
        } throws: { error in
            guard case .failed(let reason) = error as? HeldLoad.Failure else { return false }
            return reason.hasPrefix("it lost 1 connections: ")
        }
    }

    @Test func `nothing listens, so there are no connections`() throws {
        let server = try TestServer { $0.echo() }
        let plan = plan(server)
        server.stop()

        #expect {
            _ = try HeldLoad(opening: plan)
        } throws: { error in
            error as? HeldLoad.Failure
                == .failed("not all connections came up: connect ECONNREFUSED")
        }
    }

    @Test func `it closes its connections when nobody holds it`() throws {
        let ended = try Gate()
        let server = try TestServer { peer in
            peer.echo()
            ended.open()
        }
        defer { server.stop() }

        var load: HeldLoad? = try HeldLoad(opening: plan(server, connections: 1))
        #expect(load != nil)
        load = nil

        ended.wait()
    }
}
