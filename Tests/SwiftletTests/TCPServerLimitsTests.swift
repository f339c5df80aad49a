import Testing

@testable import Swiftlet

/// What a server does when descriptors run out and when clients say nothing. Its clock jumps.
@Suite(.serialized) struct TCPServerLimitsTests {
    /// The pauses double from 10 ms up to a second: the sums of the first so many.
    @Test(arguments: [(1, 10), (2, 30), (3, 70), (7, 1270), (8, 2270), (10, 4270)])
    func `accepting that fails is put off, longer each time`(
        failures: Int, milliseconds: Int
    ) async throws {
        let sockets = FaultySockets()
        try await onJumpingLoop(sockets: sockets) {
            try await withServer(handler: echoBack) { server in
                sockets.failAccept(with: Array(repeating: .tooManyOpenFiles, count: failures))
                let started = loopNow()
                try await greet(server.address)
                #expect(started.duration(to: loopNow()) == .milliseconds(milliseconds))
                #expect(server.statistics.acceptErrors == failures)
                #expect(server.statistics.accepted == 1)
            }
        }
    }

    @Test(arguments: [
        Errno.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noBufferSpace, .outOfMemory,
    ])
    func `after a success the pause is short again`(error: Errno) async throws {
        let sockets = FaultySockets()
        try await onJumpingLoop(sockets: sockets) {
            try await withServer(handler: echoBack) { server in
                sockets.failAccept(with: Array(repeating: error, count: 5))
                try await greet(server.address)
                sockets.failAccept(with: [error])
                let started = loopNow()
                try await greet(server.address)
                #expect(started.duration(to: loopNow()) == .milliseconds(10))
                #expect(server.statistics.acceptErrors == 6)
            }
        }
    }

    @Test func `an error that will not go away ends serving`() async throws {
        let sockets = FaultySockets()
        try await onJumpingLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            sockets.failAccept(with: [.invalidArgument])
            let error = await ioError {
                try await TCPServer(listener: listener).serve(handler: echoBack)
            }
            #expect(error == IOError(.accept, .system(.invalidArgument)))
            #expect(sockets.openCount == 0)
        }
    }

    @Test func `stopping does not wait for the pause of a server that cannot accept`() async throws
    {
        let sockets = FaultySockets()
        try await onJumpingLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            sockets.failAccept(with: Array(repeating: .tooManyOpenFiles, count: 100))
            let serving = try spawn { try await server.serve(handler: echoBack) }
            let client = try await TCPConnection.connect(to: listener.address)
            while server.statistics.acceptErrors < 8 { try await sleep(for: .milliseconds(10)) }
            let started = loopNow()
            server.stop()
            try await serving.value
            #expect(started.duration(to: loopNow()) < .milliseconds(10))
            client.close()
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a silent client is closed after the idle timeout`(driver: DriverKind) async throws {
        var options = TCPServer.Options()
        options.idleTimeout = .seconds(60)
        let reasons = Notes<IOError?>()
        try await onJumpingLoop(driver) { [options] in
            let handler: TCPServer.ConnectionHandler = { connection in
                reasons.add(await ioError { try await echoBack(connection) })
            }
            try await withServer(options: options, handler: handler) { server in
                let client = try await TCPConnection.connect(to: server.address)
                let started = loopNow()
                #expect(try await client.readLine() == nil)
                let silence = started.duration(to: loopNow())
                #expect(silence >= .seconds(60))
                #expect(silence < .seconds(61))
            }
        }
        #expect(reasons.all == [IOError(.read, .timedOut)])
    }

    @Test func `a client that never reads is closed after the idle timeout`() async throws {
        var options = TCPServer.Options()
        options.idleTimeout = .seconds(60)
        let reasons = Notes<IOError?>()
        try await onJumpingLoop { [options] in
            let handler: TCPServer.ConnectionHandler = { connection in
                try await connection.setOption(.sendBuffer, to: 65_536)
                reasons.add(await ioError { try await connection.write(pattern(1 << 22)) })
            }
            try await withServer(options: options, handler: handler) { server in
                let client = try await TCPConnection.connect(to: server.address)
                try await client.setOption(.receiveBuffer, to: 65_536)
                while server.statistics.open > 0 || server.statistics.accepted == 0 {
                    try await sleep(for: .seconds(10))
                }
                client.close()
            }
        }
        #expect(reasons.all == [IOError(.write, .timedOut)])
    }

    @Test func `a client that only listens is not idle while it is told something`() async throws {
        var options = TCPServer.Options()
        options.idleTimeout = .seconds(60)
        let silences = Notes<Duration>()
        try await onJumpingLoop { [options] in
            let handler: TCPServer.ConnectionHandler = { connection in
                async let reading = ioError { try await connection.read() }
                for _ in 0..<5 {
                    try await sleep(for: .seconds(50))
                    try await connection.write("news\n")
                }
                let last = loopNow()
                #expect(await reading == IOError(.read, .timedOut))
                silences.add(last.duration(to: loopNow()))
            }
            try await withServer(options: options, handler: handler) { server in
                let client = try await TCPConnection.connect(to: server.address)
                for _ in 0..<5 { #expect(try await client.readLine() == "news") }
                #expect(try await client.readLine() == nil)
            }
        }
        #expect(silences.all.count == 1)
        // A minute after the last byte, and not at some later look.
        #expect(silences.all.allSatisfy { $0 >= .seconds(60) && $0 < .seconds(61) })
    }
}

private func greet(_ address: SocketAddress) async throws {
    try await TCPConnection.connect(to: address) { client in
        try await client.write("hello\n")
        #expect(try await client.readLine() == "hello")
    }
}
