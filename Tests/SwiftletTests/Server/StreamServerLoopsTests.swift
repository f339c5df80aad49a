import Syscalls
import Testing

@testable import Swiftlet

/// A server on several loops, on ordinary days.
@Suite(.serialized) struct StreamServerLoopsTests {
    @Test(arguments: DriverKind.usable)
    func `many clients are served on all loops, as many on each`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        try await onLoops(4, driver, sockets: sockets) {
            let server = try await withServer(handler: tellPlace) { server in
                let places = try await withThrowingTaskGroup(of: Int?.self) { group in
                    let everybody = Meeting(of: 200)
                    for number in 0..<200 {
                        group.addTask { try await converse(server.address, number, everybody) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect((0..<4).map { place in places.count { $0 == place } } == [50, 50, 50, 50])
                while server.statistics.open > 0 { await Task.yield() }
            }
            #expect(server.statistics.accepted == 200)
            #expect(server.statistics.openMax == 200)
            #expect(server.statistics.handlerErrors == 0)
            var connections: [Int] = []
            for loop in EventLoop.all { connections.append(await loop.statistics.connections) }
            #expect(connections == [50, 50, 50, 50])
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `the loop that serves the fewest gets the next connection`() async throws {
        try await onLoops(3) {
            try await withServer(handler: tellPlace) { server in
                var clients: [(Connection, Int?)] = []
                for _ in 0..<6 { clients.append(try await connectAndAsk(server.address)) }
                #expect(clients.map(\.1) == [0, 1, 2, 0, 1, 2])

                for (client, _) in clients.filter({ $0.1 == 1 }) { client.close() }
                while server.statistics.open > 4 { await Task.yield() }
                for _ in 0..<2 { clients.append(try await connectAndAsk(server.address)) }

                #expect(clients.suffix(2).map(\.1) == [1, 1])
            }
        }
    }

    @Test func `clients that come one after the other do not all meet the same loop`() async throws
    {
        try await onLoops(3) {
            try await withServer(handler: tellPlace) { server in
                var places: [Int?] = []
                for _ in 0..<6 {
                    let (client, place) = try await connectAndAsk(server.address)
                    places.append(place)
                    client.close()
                    while server.statistics.open > 0 { await Task.yield() }
                }
                #expect(places == [0, 1, 2, 0, 1, 2])
            }
        }
    }

    @Test func `the limit of connections is that of all loops together`() async throws {
        var options = StreamServer.Options()
        options.maxConnections = 4
        let sockets = FaultySockets()
        try await onLoops(3, sockets: sockets) { [options] in
            let server = try await withServer(options: options, handler: tellPlace) { server in
                var clients: [Connection] = []
                for _ in 0..<4 { clients.append(try await connectAndAsk(server.address).0) }
                let fifth = try await Connection.connect(to: server.address)
                #expect(try await fifth.readLine() == nil)

                clients.removeFirst().close()
                while server.statistics.open == 4 { await Task.yield() }
                #expect(try await connectAndAsk(server.address).1 == 1)
            }
            #expect(server.statistics.accepted == 5)
            #expect(server.statistics.refused == 1)
            #expect(server.statistics.openMax == 4)
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `handlers that throw on any loop are counted and reported there`() async throws {
        let reports = Notes<Int?>()
        var options = StreamServer.Options()
        options.onError = { _, _ in reports.add(loopPlace()) }
        try await onLoops(3) { [options] in
            let refuse: StreamServer.ConnectionHandler = { _ in throw IOError(.read, .tooLong) }
            let server = try await withServer(options: options, handler: refuse) { server in
                for _ in 0..<3 {
                    let client = try await Connection.connect(to: server.address)
                    #expect(try await client.readLine() == nil)
                }
            }
            #expect(server.statistics.handlerErrors == 3)
        }
        #expect(reports.all.compactMap { $0 }.sorted() == [0, 1, 2])
    }

    @Test func `a silent client is closed after the idle timeout, on whichever loop`() async throws
    {
        var options = StreamServer.Options()
        options.idleTimeout = .milliseconds(1)
        try await onLoops(3) { [options] in
            let server = try await withServer(options: options, handler: echoBack) { server in
                for _ in 0..<3 {
                    let client = try await Connection.connect(to: server.address)
                    #expect(try await client.readLine() == nil)
                }
            }
            #expect(server.statistics.handlerErrors == 3)
        }
    }

    @Test func `what a handler starts is on its own loop`() async throws {
        try await onLoops(2) {
            let handler: StreamServer.ConnectionHandler = { connection in
                async let child = loopPlace()
                let spawned = try await spawn { loopPlace() }.value
                let timed = try await withTimeout(.seconds(60)) { loopPlace() }
                let places = [loopPlace(), await child, spawned, timed].map { $0 ?? -1 }
                try await connection.write("\(places)\n")
            }
            try await withServer(handler: handler) { server in
                for place in 0..<2 {
                    let client = try await Connection.connect(to: server.address)
                    let line = try await client.readLine()
                    #expect(line == "\([Int](repeating: place, count: 4))")
                }
            }
        }
    }

    @Test func `a server that a task of the second loop starts serves on both, too`() async throws {
        try await onLoops(2) {
            let places = try await EventLoop.all[1].spawn {
                let places = Notes<Int?>()
                try await withServer(handler: tellPlace) { server in
                    for _ in 0..<2 { places.add(try await connectAndAsk(server.address).1) }
                }
                return places.all
            }.value
            #expect(places == [0, 1])
        }
    }
}

/// Connects, and says on which loop it is served.
func connectAndAsk(_ address: SocketAddress) async throws -> (Connection, Int?) {
    let client = try await Connection.connect(to: address)
    return (client, try await place(of: client))
}

/// Three questions and answers, when everybody is there; on which loop they were answered.
private func converse(
    _ address: SocketAddress, _ number: Int, _ everybody: Meeting
) async throws -> Int? {
    try await Connection.connect(to: address) { client in
        let place = try await place(of: client)
        await everybody.arrive()
        for round in 0..<3 {
            try await client.write("\(number) \(round)\n")
            #expect(try await client.readLine() == "\(number) \(round)")
        }
        return place
    }
}

/// Lets nobody go on until all have come.
private actor Meeting {
    private var missing: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(of count: Int) { missing = count }

    func arrive() async {
        missing -= 1
        if missing > 0 { return await withCheckedContinuation { waiting.append($0) } }
        for continuation in waiting { continuation.resume() }
    }
}
