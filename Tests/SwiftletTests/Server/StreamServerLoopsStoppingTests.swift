import Syscalls
import Testing

@testable import Swiftlet

/// The ways in which a server on several loops ends.
@Suite(.serialized) struct StreamServerLoopsStoppingTests {
    @Test func `stopping with a grace lets the handlers of all loops finish`() async throws {
        let sockets = FaultySockets()
        try await onLoops(3, sockets: sockets) {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = try spawn { try await server.serve(handler: tellPlace) }
            let clients = try await connectSix(to: server)
            server.stop(grace: .seconds(1_000_000), endingIdle: false)
            while await isListening(server) { await Task.yield() }

            for client in clients {
                try await client.write("still here\n")
                #expect(try await client.readLine() == "still here")
            }
            for client in clients { client.close() }

            try await serving.value
            #expect(server.statistics.open == 0)
            #expect(server.statistics.handlerErrors == 0)
        }
        #expect(sockets.openCount == 0)
    }

    /// The clock of the first loop, whose the grace is, jumps.
    @Test func `when the grace is over the handlers of all loops are cancelled`() async throws {
        let sockets = FaultySockets()
        let reasons = Notes<IOError?>()
        try await onLoops(sockets: sockets) {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = try spawn { try await server.serve(handler: noting(reasons)) }
            let clients = try await connectSix(to: server)
            let started = loopNow()
            server.stop(grace: .seconds(30), endingIdle: false)
            try await serving.value
            #expect(started.duration(to: loopNow()) == .seconds(30))
            for client in clients { #expect(try await client.readLine() == nil) }
        } over: {
            [
                try JumpingDriver(), try DriverKind.poll.makeDriver(),
                try DriverKind.epoll.makeDriver(),
            ]
        }
        #expect(reasons.all == Array(repeating: IOError(.read, .cancelled), count: 6))
        #expect(sockets.openCount == 0)
    }

    @Test func `cancelling the serving task cancels the handlers of all loops`() async throws {
        let sockets = FaultySockets()
        let reasons = Notes<IOError?>()
        try await onLoops(3, sockets: sockets) {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = try spawn { try await server.serve(handler: noting(reasons)) }
            let clients = try await connectSix(to: server)
            serving.cancel()
            #expect(await ioError { try await serving.value } == IOError(.accept, .cancelled))
            #expect(sockets.openCount == clients.count)
        }
        #expect(reasons.all == Array(repeating: IOError(.read, .cancelled), count: 6))
        #expect(sockets.openCount == 0)
    }

    @Test(arguments: DriverKind.usable)
    func `a body that throws ends the handlers of all loops`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        let ended = Notes<IOError?>()
        await #expect(throws: IOError(.wait, .tooLong)) {
            try await onLoops(3, driver, sockets: sockets) {
                let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
                try spawn { try await server.serve(handler: noting(ended)) }
                let clients = try await connectSix(to: server)
                defer { for client in clients { client.close() } }
                throw IOError(.wait, .tooLong)
            }
        }
        #expect(ended.all.count == 6)
        #expect(sockets.openCount == 0)
    }

    @Test(arguments: 0..<3)
    func `a loop that fails ends the server with its error`(place: Int) async throws {
        let sockets = FaultySockets()
        let ended = Notes<IOError?>()
        let isBroken = Latch()
        await #expect(throws: IOError(.wait, .system(.outOfMemory))) {
            try await onLoops(sockets: sockets) {
                let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
                try spawn {
                    let clients = try await connectSix(to: server)
                    isBroken.set()
                    EventLoop.all[place].executor.wake()
                    try await sleep(for: .seconds(1_000_000))
                    for client in clients { client.close() }
                }
                try await server.serve(handler: noting(ended))
            } over: {
                try threeDrivers(place, breaksWith: isBroken)
            }
        }
        #expect(ended.all.count == 6)
        #expect(sockets.openCount == 0)
    }

    /// A detached server is nobody's child: the run ends without it, and it must not go on.
    @Test func `the end of the loops ends a server that is none of their tasks`() async throws {
        let sockets = FaultySockets()
        let serving = try await onLoops(3, sockets: sockets) {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = Task.detached {
                await ioError { try await server.serve(handler: tellPlace) }
            }
            let clients = try await connectSix(to: server)
            defer { for client in clients { client.close() } }
            return serving
        }
        #expect(await serving.value == IOError(.accept, .loopEnded))
        #expect(sockets.openCount == 0)
    }
}

/// Six clients that have been told on which loop they are: two for each of three.
private func connectSix(to server: StreamServer) async throws -> [Connection] {
    var clients: [Connection] = []
    for number in 0..<6 {
        let (client, place) = try await connectAndAsk(server.address)
        #expect(place == number % 3)
        clients.append(client)
    }
    return clients
}

/// As `tellPlace`; notes the error with which it ends.
private func noting(_ reasons: Notes<IOError?>) -> StreamServer.ConnectionHandler {
    { connection in
        try await connection.write("\(loopPlace() ?? -1)\n")
        reasons.add(await ioError { try await echoBack(connection) })
    }
}

private func isListening(_ server: StreamServer) async -> Bool {
    await ioError { try await Connection.connect(to: server.address).close() } == nil
}
