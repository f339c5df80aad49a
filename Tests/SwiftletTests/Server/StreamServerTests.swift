import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// A server and its clients, on ordinary days.
@Suite(.serialized) struct StreamServerTests {
    @Test func `an error that no code handles is said with task and line, once a second`()
        async throws
    {
        let lines = Notes<String>()
        let line = Notes<Int>()
        try await onLoop(over: { try JumpingDriver() }, saying: { lines.add($0) }) {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            let serving = try spawn {
                line.add(#line + 1)
                try await server.serve { _ in throw IOError(.read, .tooLong) }
            }
            func visit(_ times: Int) async throws {
                for _ in 0..<times {
                    let client = try await Connection.connect(to: server.address)
                    _ = await ioError { try await client.read() }
                }
            }
            try await visit(3)
            try await sleep(for: .seconds(2))
            try await visit(1)
            server.stop()
            try await serving.value
            #expect(server.statistics.handlerErrors == 4)
            #expect(loopStatistics().unhandledErrors == 4)
        }
        #expect(lines.all.count == 2)
        let place = "SwiftletTests/StreamServerTests.swift:\(line.all[0])"
        #expect(lines.all[0].contains("'handler of 127.0.0.1:"))
        #expect(lines.all[0].contains("\(place) failed: read: more bytes than the limit"))
        #expect(lines.all[1].hasSuffix("(and 2 more before)"))
    }

    @Test func `a second serve is turned away, and the first one goes on`() throws {
        try simulated { _ in
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            try await settle()
            let rival = StreamServer(listener: listener)
            for server in [server, rival] {
                let error = await ioError { try await server.serve(handler: echoBack) }
                try #require(error == IOError(.accept, .busy))
            }
            let client = try await Connection.connect(to: server.address)
            try await client.write("still")
            try #require(try await client.read(exactly: 5) == Array("still".utf8))
            server.stop()
            try await serving.value
        }
    }

    @Test(arguments: Ground.all)
    func `many clients are served at the same time`(ground: Ground) async throws {
        try await ground.run(seeds: 0..<3) { openSockets in
            let clients = 200
            let server = try await withServer(handler: echoBack) { server in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<clients {
                        group.addTask { try await converse(with: server.address, number) }
                    }
                    try await group.waitForAll()
                }
                while server.statistics.open > 0 { await Task.yield() }
            }
            try #require(server.statistics.accepted == clients)
            try #require(server.statistics.openMax <= clients)
            try #require(server.statistics.handlerErrors == 0)
            try #require(openSockets() == 0)
        }
    }

    @Test(arguments: Ground.all)
    func `a handler that throws harms nobody, and is reported`(ground: Ground) async throws {
        try await ground.run {
            let reports = Notes<any Error>()
            var options = StreamServer.Options()
            options.onError = { error, _ in reports.add(error) }
            let server = try await withServer(options: options, handler: echoUnlessBad) { server in
                let good = try await Connection.connect(to: server.address)
                let bad = try await Connection.connect(to: server.address)
                try await bad.write("bad\n")
                try #require(try await bad.readLine() == nil)
                try await good.write("good\n")
                try #require(try await good.readLine() == "good")
                good.close()
                bad.close()
            }
            try #require(server.statistics.handlerErrors == 1)
            try #require(reports.all.count == 1)
            try #require(reports.all.first is Refusal)
        }
    }

    @Test(arguments: Ground.all)
    func `a handler's connection closes when it returns, whoever keeps a copy`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let kept = Notes<Connection>()
            try await withServer(handler: { kept.add($0) }) { server in
                let client = try await Connection.connect(to: server.address)
                try #require(try await client.readLine() == nil)
                try #require(
                    await ioError { try await kept.all.first?.write("x") }
                        == IOError(.write, .closed))
            }
        }
    }

    @Test(arguments: Ground.all)
    func `a client above the limit is refused, and its place can be taken later`(
        ground: Ground
    ) async throws {
        var options = StreamServer.Options()
        options.maxConnections = 2
        try await ground.run { [options] in
            let server = try await withServer(options: options, handler: echoBack) { server in
                let first = try await Connection.connect(to: server.address)
                let second = try await Connection.connect(to: server.address)
                for client in [first, second] {
                    try await client.write("in\n")
                    try #require(try await client.readLine() == "in")
                }
                let third = try await Connection.connect(to: server.address)
                try #require(try await third.readLine() == nil)
                try #require(server.statistics.refused == 1)

                first.close()
                while server.statistics.open == 2 { await Task.yield() }
                let fourth = try await Connection.connect(to: server.address)
                try await fourth.write("in\n")
                try #require(try await fourth.readLine() == "in")
            }
            try #require(server.statistics.accepted == 3)
            try #require(server.statistics.refused == 1)
            try #require(server.statistics.openMax == 2)
        }
    }

    @Test func `a timeout inside a handler ends what it spans and nothing else`() throws {
        try simulated { world in
            let errors = Notes<TimeoutError>()
            let handler: StreamServer.ConnectionHandler = { connection in
                do {
                    _ = try await withTimeout(.seconds(60)) { try await connection.readLine() }
                } catch let error as TimeoutError {
                    errors.add(error)
                }
                try await connection.write("still here\n")
                try await echoBack(connection)
            }
            let server = try await withServer(handler: handler) { server in
                let client = try await Connection.connect(to: server.address)
                try #require(try await client.readLine() == "still here")
                try #require(world.elapsed == .seconds(60))
                try await client.write("so am I\n")
                try #require(try await client.readLine() == "so am I")
            }
            try #require(server.statistics.handlerErrors == 0)
            try #require(errors.all == [TimeoutError(timeout: .seconds(60))])
        }
    }

    @Test func `what a spawned task throws is said with its place, and the end of one is not`()
        async throws
    {
        let lines = Notes<String>()
        let line = Notes<UInt32>()
        try await onLoop(over: { try DriverKind.poll.makeDriver() }, saying: { lines.add($0) }) {
            line.add(#line + 1)
            let failing = try spawn(name: "clock") { throw IOError(.read, .tooLong) }
            _ = await failing.result
            let ending = try spawn { try await sleep(for: .seconds(1_000)) }
            ending.cancel()
            _ = await ending.result
            try spawn { try await sleep(for: .seconds(1_000)) }
            #expect(loopStatistics().unhandledErrors == 1)
        }
        #expect(
            lines.all == [
                "swiftlet: 'clock' at SwiftletTests/StreamServerTests.swift:\(line.all[0]) failed: "
                    + "read: more bytes than the limit came without an end"
            ])
    }

    @Test(arguments: Ground.all)
    func `a port that is in use is an error of serving`(ground: Ground) async throws {
        try await ground.run {
            let listener = try await Listener.bind(to: anyPort())
            let error = await ioError {
                try await StreamServer.serve(on: listener.address.description, handler: echoBack)
            }
            try #require(error?.reason == .system(.addressInUse))
        }
    }

    @Test func `a text that is no address is an error of serving`() throws {
        try simulated { _ in
            try await #require(throws: SocketAddress.ParseError.self) {
                try await StreamServer.serve(on: "here", handler: echoBack)
            }
        }
    }

    /// The window of each connection is bounded by the kernel; what the server itself holds is one
    /// buffer.
    @Test(arguments: Ground.all)
    func `a client that sends and never reads is brought to a stop`(
        ground: Ground
    ) async throws {
        try await ground.run(seeds: 0..<5) {
            let held = Notes<Int>()
            let handler: StreamServer.ConnectionHandler = { connection in
                try await connection.setOption(.sendBuffer, to: 65_536)
                while let bytes = try await connection.read() {
                    held.add(bytes.count)
                    try await connection.write(bytes)
                    held.add(-bytes.count)
                }
            }
            let server = try await withServer(handler: handler) { server in
                let client = try await Connection.connect(to: server.address)
                try await client.setOption(.receiveBuffer, to: 65_536)
                let sender = try spawn {
                    while true { try await client.write([UInt8](repeating: 7, count: 1 << 20)) }
                }
                // The acceptor, the handler's write and the client's write: nobody can go on.
                await untilParked(3)
                try #require(held.all.reduce(0, +) <= BufferPool.bufferSize)
                sender.cancel()
                _ = await sender.result
                client.close()
            }
            try #require(server.statistics.open == 0)
        }
    }
}

private struct Refusal: Error {}

private func echoUnlessBad(_ connection: Connection) async throws {
    while let line = try await connection.readLine() {
        if line == "bad" { throw Refusal() }
        try await connection.write(line + "\n")
    }
}

/// Three questions and answers.
private func converse(with address: SocketAddress, _ number: Int) async throws {
    try await Connection.connect(to: address) { client in
        for round in 0..<3 {
            try await client.write("\(number) \(round)\n")
            try #require(try await client.readLine() == "\(number) \(round)")
        }
    }
}
