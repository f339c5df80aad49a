import Drivers
import Generator
import Glibc
import Syscalls
import TestServers
import Testing

struct ConnectTests {
    @Test func `a target where nobody listens is refused and nothing is measured`() throws {
        let server = try TestServer { $0.echo() }
        server.stop()
        let seen = try LoadRun.start(quickPlan(server.address, connections: 3)).finish()

        #expect(seen.ending == .connectFailed)
        #expect(seen.ledger == Ledger())
        #expect(seen.connects.ok == 0)
        #expect(seen.connects.failed >= 1)
        #expect(seen.connects.isBalanced)
        #expect(seen.errors.map(\.errno) == ["ECONNREFUSED"])
        #expect(seen.errors.map(\.phase) == [.connect])
    }

    @Test func `an attempt that hangs times out`() throws {
        // A queue of one that nobody empties: the kernel drops what does not fit, and connect
        // waits.
        let listener = try RawDescriptor.streamSocket(family: AF_INET)
        defer { listener.close() }
        try listener.bind(to: SocketAddress("127.0.0.1:0"))
        try listener.listen(backlog: 0)
        var plan = quickPlan(try listener.localAddress(), connections: 8)
        plan.connectTimeout = .milliseconds(20)
        let seen = try LoadRun.start(plan).finish()

        #expect(seen.ending == .connectFailed)
        #expect(seen.connects.tried == 8)
        #expect(seen.connects.ok < 8)
        #expect(seen.connects.isBalanced)
        #expect(seen.errors.map(\.errno) == ["timeout"])
        #expect(seen.ledger.scheduled == 0)
    }

    @Test func `a server that hangs up before the start leaves too few connections`() throws {
        let server = try TestServer { peer in if peer.number > 0 { peer.echo() } }
        defer { server.stop() }
        var plan = quickPlan(server.address, connections: 3)
        plan.connectRate = 0.01
        let seen = try LoadRun.start(plan).finish()

        #expect(seen.ending == .connectFailed)
        #expect(seen.errors.map(\.errno) == ["eof"])
        #expect(seen.connects.failed == 0)
        #expect(seen.connects.isBalanced)
        #expect(seen.ledger.scheduled == 0)
    }

    @Test func `more connections than attempts at once come up all the same`() throws {
        let listener = try RawDescriptor.streamSocket(family: AF_INET)
        defer { listener.close() }
        try listener.bind(to: SocketAddress("127.0.0.1:0"))
        try listener.listen(backlog: 4_096)
        _ = try DescriptorLimit.raise()
        var plan = quickPlan(try listener.localAddress(), requests: 1, connections: 700)
        plan.threads = 2
        plan.timeout = .milliseconds(50)
        let seen = try LoadRun.start(plan).finish()

        #expect(seen.connects.ok == 700)
        #expect(seen.connectTimes.count == 700)
        #expect(seen.ledger.timedOut == 1)
    }
}
