import Conformance
import Syscalls
import TestServers
import Testing

/// The checks themselves: a true echo passes them all, and each falsehood is found by the check
/// that is made for it.
@Suite(.ownThread) struct ConformanceTests {
    @Test func `a service that echoes passes every check`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }

        #expect(Conformance.check(at: server.address, timeout: .ample) == [])
    }

    @Test func `a byte that is wrong is found, and where`() throws {
        let server = try TestServer { peer in
            var offset = 0
            while case var bytes = peer.receive(), !bytes.isEmpty {
                let place = 70_000 - offset
                if bytes.indices.contains(place) { bytes[place] ^= 1 }
                offset += bytes.count
                peer.send(bytes)
            }
        }
        defer { server.stop() }

        let findings = Conformance.check(
            [.stream, .trickle], at: server.address, timeout: .ample)

        #expect(findings == [.init(.stream, "byte 70000 of 1048576 came back wrong")])
    }

    @Test func `an echo that is cut off by a half-close is found`() throws {
        let server = try TestServer { peer in
            peer.send(peer.receive().prefix(10) + [])
            peer.swallow()
        }
        defer { server.stop() }

        let findings = Conformance.check([.halfClose], at: server.address, timeout: .ample)

        #expect(findings == [.init(.halfClose, "10 of 262144 bytes came back before the end")])
    }

    @Test func `a service that never closes after a half-close is found`() throws {
        let server = try TestServer { peer in
            peer.echo()
            peer.waitForEnd()
        }
        defer { server.stop() }

        // All of the echo has to come before the limit runs out.
        let expected = "waiting for the echo took too long, after 262144 of 262145 bytes"
        let reasons = withGrowingLimit(from: .milliseconds(500)) { limit in
            Conformance.check([.halfClose], at: server.address, timeout: limit).map(\.reason)
        } until: {
            $0 == [expected]
        }

        #expect(reasons == [expected])
    }

    @Test func `bytes that nobody sent are found`() throws {
        let server = try TestServer { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty { peer.send(bytes) }
            peer.send([1, 2, 3])
        }
        defer { server.stop() }

        let findings = Conformance.check([.halfClose], at: server.address, timeout: .ample)

        #expect(findings.map(\.reason) == ["more bytes came back than were sent"])
    }

    @Test func `a service for one client at a time fails the crowd alone`() throws {
        let turn = Guarded(())
        let server = try TestServer { peer in turn.withLock { _ in peer.echo() } }
        defer { server.stop() }

        let others = Conformance.check(
            [.stream, .trickle, .halfClose, .reset], at: server.address, timeout: .ample)
        // Nobody but the first client is ever answered, whatever the limit is.
        let crowd = Conformance.check([.crowd], at: server.address, timeout: .seconds(1))

        #expect(others == [])
        #expect(crowd.map(\.check) == [.crowd])
    }

    @Test func `a service that mixes up its clients is found by the crowd`() throws {
        let last = Guarded<[UInt8]>([])
        let server = try TestServer { peer in
            while case let bytes = peer.receive(), !bytes.isEmpty {
                let answer = last.withLock { last in
                    defer { last = bytes }
                    return last.count == bytes.count ? last : bytes
                }
                peer.send(answer)
            }
        }
        defer { server.stop() }

        let findings = Conformance.check([.crowd], at: server.address, timeout: .ample)

        #expect(findings.count == 1)
        #expect(findings.first?.reason.contains("came back wrong") == true)
    }

    @Test func `a reset that takes the other clients along is found`() throws {
        let isReset = try Gate()
        let server = try TestServer { peer in
            if peer.number == 0 {
                peer.echo()
                isReset.open()
            } else {
                isReset.wait()
                peer.hangUp()
            }
        }
        defer { server.stop() }

        let findings = Conformance.check([.reset], at: server.address, timeout: .ample)

        #expect(findings.count == 1)
        #expect(findings.first?.reason.hasPrefix("another client is not served any more") == true)
    }

    @Test func `a service that reads without end from a client that never does is found`() throws {
        let server = try TestServer { $0.swallow() }
        defer { server.stop() }

        let findings = Conformance.check(
            [.silentReader], at: server.address, timeout: .ample, patience: .ample)

        #expect(findings.map(\.reason) == ["64 MiB were taken from a client that reads nothing"])
    }

    @Test func `an address where nobody listens fails every check at once`() throws {
        let closed = try RawDescriptor.streamSocket(family: 2)
        defer { closed.close() }
        try closed.bind(to: SocketAddress("127.0.0.1:0"))

        let findings = Conformance.check(at: try closed.localAddress(), timeout: .ample)

        #expect(findings.map(\.check) == Conformance.checks(of: .stream))
        #expect(findings.allSatisfy { $0.reason.hasPrefix("connecting failed: ") })
    }

    @Test func `a finding names its check and says what was wrong`() {
        let finding = Conformance.Finding(.halfClose, "nothing came back")

        #expect(finding.description == "half-close: nothing came back")
    }
}
