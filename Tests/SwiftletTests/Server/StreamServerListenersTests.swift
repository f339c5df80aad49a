import Syscalls
import Testing

@testable import Swiftlet

/// A server with a listener for each loop. The kernel chooses among them, so tests ask only for
/// sums.
@Suite(.serialized) struct StreamServerListenersTests {
    @Test(arguments: DriverKind.usable)
    func `listeners share a port, and each serves on its own loop`(driver: DriverKind) async throws
    {
        let sockets = FaultySockets()
        try await onLoops(3, driver, sockets: sockets) {
            let listeners = try await Listener.bindOnEachLoop(to: anyPort())
            #expect(Set(listeners.map(\.address.port)).count == 1)
            let server = try StreamServer(listeners: listeners)
            let serving = try spawn { try await server.serve(handler: tellPlace) }
            var places: [Int?] = []
            for number in 0..<60 {
                let (client, place) = try await connectAndAsk(server.address)
                places.append(place)
                try await client.write("\(number)\n")
                #expect(try await client.readLine() == "\(number)")
                client.close()
            }
            server.stop(grace: .seconds(1_000_000))
            try await serving.value

            #expect(server.statistics.accepted == 60)
            for (place, loop) in EventLoop.all.enumerated() {
                #expect(await loop.statistics.connections == places.count { $0 == place })
            }
            #expect(places.allSatisfy { $0 != nil })
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `the limit of connections is that of all listeners together`() async throws {
        var options = StreamServer.Options()
        options.maxConnections = 5
        try await onLoops(3) { [options] in
            let server = try StreamServer(
                listeners: await Listener.bindOnEachLoop(to: anyPort()), options: options)
            let serving = try spawn { try await server.serve(handler: tellPlace) }
            var clients: [Connection] = []
            for _ in 0..<5 { clients.append(try await connectAndAsk(server.address).0) }
            for _ in 0..<10 {
                let client = try await Connection.connect(to: server.address)
                #expect(try await client.readLine() == nil)
            }
            server.stop()
            try await serving.value
            #expect(server.statistics.openMax == 5)
            #expect(server.statistics.refused == 10)
            for client in clients { #expect(try await client.readLine() == nil) }
        }
    }

    @Test func `no listeners are an error in words`() {
        let error = #expect(throws: IOError.self) { try StreamServer(listeners: []) }
        #expect(error?.description == "listen: 0 is out of range")
    }

    @Test func `an address for all loops may be text`() async throws {
        try await onLoops(2) {
            let listeners = try await Listener.bindOnEachLoop(to: "127.0.0.1:0")
            #expect(listeners.count == 2)
            for listener in listeners { listener.close() }
            await #expect(throws: SocketAddress.ParseError.self) {
                _ = try await Listener.bindOnEachLoop(to: "nowhere")
            }
        }
    }

    @Test func `a listener that cannot accept ends the others, and serving with its error`()
        async throws
    {
        let sockets = FaultySockets()
        try await onLoops(3, sockets: sockets) {
            let server = try StreamServer(listeners: await Listener.bindOnEachLoop(to: anyPort()))
            let serving = try spawn { try await server.serve(handler: tellPlace) }
            let client = try await connectAndAsk(server.address).0
            sockets.failAccept(with: [.invalidArgument])
            // Whichever listener it is that the kernel chooses now.
            let last = try await Connection.connect(to: server.address)

            let error = await ioError { try await serving.value }

            #expect(error == IOError(.accept, .system(.invalidArgument)))
            #expect(try await client.readLine() == nil)
            last.close()
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `cancelling the serving task ends all listeners and handlers`() async throws {
        let sockets = FaultySockets()
        try await onLoops(3, sockets: sockets) {
            let server = try StreamServer(listeners: await Listener.bindOnEachLoop(to: anyPort()))
            let serving = try spawn { try await server.serve(handler: tellPlace) }
            var clients: [Connection] = []
            for _ in 0..<9 { clients.append(try await connectAndAsk(server.address).0) }
            serving.cancel()
            #expect(await ioError { try await serving.value } == IOError(.accept, .cancelled))
            for client in clients { #expect(try await client.readLine() == nil) }
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `a port that somebody has to himself is refused, and nothing is left`() async throws
    {
        let sockets = FaultySockets()
        try await onLoops(3, sockets: sockets) {
            let first = try await Listener.bind(to: anyPort())
            let error = await ioError { try await Listener.bindOnEachLoop(to: first.address) }
            #expect(error == IOError(.bind, .system(.addressInUse)))
            first.close()
        }
        #expect(sockets.openCount == 0)
    }
}
