import Syscalls
import Testing

@testable import Swiftlet

/// Names that are looked up on threads, while the loop goes on.
@Suite(.serialized) struct SystemResolverTests {
    /// A resolver whose lookups wait until they are let through.
    private func resolver(_ gate: ThreadGate, threads: Int = 4) -> SystemResolver {
        var limits = SystemResolver.Limits()
        limits.threads = threads
        return SystemResolver(limits: limits) { host throws(NameFailure) in
            guard gate.pass(host) else { throw .exhausted }
            return [SocketAddress(loopbackPort: 0)]
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a slow name server keeps no socket waiting`(driver: DriverKind) async throws {
        let gate = try ThreadGate()
        let resolver = resolver(gate)
        try await onLoop(driver) {
            try await withServer(handler: echoBack) { server in
                let port = server.address.port
                let byName = try spawn {
                    try await withResolver(resolver) {
                        try await Connection.connect(to: "server.test:\(port)")
                    }
                }
                // The name is being looked up, and meanwhile others talk.
                while gate.arrived.all.isEmpty { await Task.yield() }
                try await Connection.connect(to: server.address) { connection in
                    try await connection.write("x")
                    #expect(try await connection.read(exactly: 1) == [120])
                }
                try gate.open()
                #expect(try await byName.value.remoteAddress == server.address)
            }
        }
    }

    @Test func `who is cancelled leaves at once, and the thread goes on`() async throws {
        let gate = try ThreadGate()
        let resolver = resolver(gate)
        try await onLoop {
            let one = try spawn { try await resolver.addresses(of: "a.test") }
            let other = try spawn { try await resolver.addresses(of: "a.test") }
            while gate.arrived.all.isEmpty { await Task.yield() }
            one.cancel()
            #expect(await ioError { try await one.value } == IOError(.resolve, .cancelled))
            try gate.open()
            #expect(try await other.value.count == 1)
            // Known by now.
            #expect(try await resolver.addresses(of: "a.test").count == 1)
            #expect(gate.arrived.all == ["a.test"])
            let late = try spawn { try await resolver.addresses(of: "b.test") }
            late.cancel()
            #expect(await ioError { try await late.value }?.reason == .cancelled)
            try gate.open()
        }
    }

    @Test func `a name that takes too long is given up at the deadline`() async throws {
        let gate = try ThreadGate()
        let resolver = resolver(gate)
        try await onLoop {
            let error = await ioError {
                try await withResolver(resolver) {
                    try await Connection.connect(to: "a.test:1", timeout: .milliseconds(10))
                }
            }
            #expect(error == IOError(.resolve, .timedOut))
            #expect(error.map { "\($0)" } == "resolve a.test:1: the deadline passed")
            try gate.open()
        }
    }

    @Test func `a name that nobody wants any more is not looked up`() async throws {
        let gate = try ThreadGate()
        let resolver = resolver(gate, threads: 1)
        try await onLoop {
            let first = try spawn { try await resolver.addresses(of: "a.test") }
            await gate.until(1)
            let second = try spawn { try await resolver.addresses(of: "b.test") }
            let third = try spawn { try await resolver.addresses(of: "c.test") }
            await Task.yield()
            second.cancel()
            #expect(await ioError { try await second.value }?.reason == .cancelled)
            try gate.open(for: 2)
            #expect(try await first.value.count == 1)
            #expect(try await third.value.count == 1)
            #expect(gate.arrived.all == ["a.test", "c.test"])
        }
    }

    @Test func `names in a loop that ends are left`() async throws {
        let gate = try ThreadGate()
        let resolver = resolver(gate)
        let waiting = try await onLoop {
            let waiting = try spawn { try await resolver.addresses(of: "a.test") }
            while gate.arrived.all.isEmpty { await Task.yield() }
            return waiting
        }
        #expect(await ioError { try await waiting.value }?.reason == .cancelled)
        try gate.open()
    }

    @Test func `the machine's own resolver finds this machine`() async throws {
        try await onLoop {
            let addresses = try await SystemResolver().addresses(of: "localhost")
            #expect(addresses.allSatisfy { $0.isLoopback })
            #expect(
                await ioError { try await SystemResolver().addresses(of: "a\0b") }?.reason
                    == .name(.unknown))
        }
    }

    @Test func `a server listens on a name, on the first address that is ours`() async throws {
        struct Answer: Resolver {
            let addresses: [SocketAddress]
            func addresses(of host: String) async throws(IOError) -> [SocketAddress] { addresses }
        }
        let foreign = try SocketAddress("192.0.2.1:0"), own = try anyPort()
        try await onLoop {
            let listener = try await withResolver(Answer(addresses: [foreign, own])) {
                try await Listener.bind(to: "server.test:0")
            }
            #expect(listener.address.with(port: 0) == own)
            let error = await ioError {
                try await withResolver(Answer(addresses: [foreign])) {
                    try await Listener.bind(to: "server.test:7")
                }
            }
            #expect(error == IOError(.bind, .system(.addressNotAvailable)))
            #expect(error?.attempts.map(\.address) == [foreign.with(port: 7)])
            #expect(error?.name == "server.test:7")
            let nobody = await ioError {
                try await withResolver(Answer(addresses: [])) {
                    try await Connection.connect(to: "server.test:7")
                }
            }
            #expect(nobody == IOError(.resolve, .name(.unknown)))
            #expect(
                nobody.map { "\($0)" }
                    == "resolve server.test:7: there is no host of this name")
        }
    }
}
