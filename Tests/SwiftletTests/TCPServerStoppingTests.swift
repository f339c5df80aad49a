import Syscalls
import Testing

@testable import Swiftlet

/// The ways in which a server ends. Its clock jumps.
@Suite(.serialized) struct TCPServerStoppingTests {
    @Test func `a handler may stop the server that it serves, and finish`() async throws {
        let sockets = FaultySockets()
        let (server, line) = try await onJumpingLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn {
                try await server.serve { connection in
                    server.stop(grace: .seconds(5))
                    try await sleep(for: .seconds(1))
                    try await connection.write("finished\n")
                }
            }
            let client = try await TCPConnection.connect(to: listener.address)
            let line = try await client.readLine()
            try await serving.value
            return (server, line)
        }
        #expect(line == "finished")
        #expect(server.statistics.open == 0)
        #expect(server.statistics.handlerErrors == 0)
        #expect(sockets.openCount == 0)
    }

    @Test func `who comes after the stop is not served`() async throws {
        try await onJumpingLoop {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            let client = try await TCPConnection.connect(to: listener.address)
            while server.statistics.open == 0 { await Task.yield() }
            server.stop(grace: .seconds(100))
            for _ in 0..<5 { await Task.yield() }
            #expect(
                await ioError { try await TCPConnection.connect(to: listener.address) }?.reason
                    == .system(.connectionRefused))
            // The one who was there before can still speak.
            try await client.write("still here\n")
            #expect(try await client.readLine() == "still here")
            client.close()
            try await serving.value
        }
    }

    @Test func `when the grace is over the handlers are cancelled`() async throws {
        let reasons = Notes<IOError?>()
        try await onJumpingLoop {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn {
                try await server.serve { connection in
                    reasons.add(await ioError { try await echoBack(connection) })
                }
            }
            let client = try await TCPConnection.connect(to: listener.address)
            while server.statistics.open == 0 { await Task.yield() }
            let started = loopNow()
            server.stop(grace: .seconds(30))
            try await serving.value
            #expect(started.duration(to: loopNow()) == .seconds(30))
            #expect(try await client.readLine() == nil)
        }
        #expect(reasons.all == [IOError(.read, .cancelled)])
    }

    @Test func `a second stop with a shorter grace shortens the wait, a longer one does not`()
        async throws
    {
        try await onJumpingLoop {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            let client = try await TCPConnection.connect(to: listener.address)
            while server.statistics.open == 0 { await Task.yield() }
            let started = loopNow()
            server.stop(grace: .seconds(1000))
            try await sleep(for: .seconds(1))
            server.stop(grace: .seconds(2000))
            try await sleep(for: .seconds(1))
            server.stop(grace: .seconds(3))
            try await sleep(for: .seconds(1))
            server.stop(grace: .zero)
            try await serving.value
            #expect(started.duration(to: loopNow()) == .seconds(3))
            client.close()
        }
    }

    @Test func `a stop that comes before serving is remembered`() async throws {
        let sockets = FaultySockets()
        try await onJumpingLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            let client = try await TCPConnection.connect(to: listener.address)
            let server = TCPServer(listener: listener)
            server.stop(grace: .seconds(10))
            try await server.serve(handler: echoBack)
            #expect(server.statistics.accepted == 0)
            client.close()
            #expect(sockets.openCount == 0)
        }
    }

    @Test(arguments: DriverKind.usable)
    func `another thread may stop a server`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        try await onLoop(driver, sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            let client = try await TCPConnection.connect(to: listener.address)
            try await client.write("hello\n")
            _ = try await client.readLine()
            Task.detached { server.stop() }
            try await serving.value
            #expect(try await client.readLine() == nil)
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `cancelling the serving task cancels its handlers`() async throws {
        let sockets = FaultySockets()
        let reasons = Notes<IOError?>()
        try await onLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn {
                try await server.serve { connection in
                    reasons.add(await ioError { try await echoBack(connection) })
                }
            }
            var clients: [TCPConnection] = []
            for _ in 0..<3 {
                clients.append(try await TCPConnection.connect(to: listener.address))
            }
            await untilParked(4)
            serving.cancel()
            #expect(await ioError { try await serving.value } == IOError(.accept, .cancelled))
            #expect(sockets.openCount == clients.count)
        }
        #expect(reasons.all == Array(repeating: IOError(.read, .cancelled), count: 3))
        #expect(sockets.openCount == 0)
    }

    @Test func `a server that is cancelled while it drains waits no longer`() async throws {
        try await onJumpingLoop {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            let client = try await TCPConnection.connect(to: listener.address)
            await untilParked(2)
            let started = loopNow()
            server.stop(grace: .seconds(1000))
            try await sleep(for: .seconds(1))
            serving.cancel()
            _ = await serving.result
            #expect(started.duration(to: loopNow()) == .seconds(1))
            client.close()
        }
    }

    @Test func `a listener that somebody else closes ends serving with an error`() async throws {
        try await onLoop {
            let listener = try await TCPListener.bind(to: anyPort())
            let server = TCPServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            await untilParked(1)
            listener.close()
            #expect(await ioError { try await serving.value } == IOError(.accept, .closed))
        }
    }

    @Test(arguments: DriverKind.usable)
    func `the end of the loop ends a server that nobody awaits`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        try await onLoop(driver, sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            try spawn { try await TCPServer(listener: listener).serve(handler: echoBack) }
            let client = try await TCPConnection.connect(to: listener.address)
            try await client.write("hello\n")
            _ = try await client.readLine()
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `a server that is served from outside the loop has its grace, too`() async throws {
        let words = try await onLoop {
            let server = TCPServer(listener: try await TCPListener.bind(to: anyPort()))
            // A detached task knows of no loop but the one of the listener.
            let serving = Task.detached {
                try await server.serve { connection in
                    try await connection.write(try await connection.read(exactly: 5))
                }
            }
            let client = try await TCPConnection.connect(to: server.address)
            while server.statistics.open == 0 { await Task.yield() }
            server.stop(grace: .seconds(1_000_000))
            try await client.write("words")
            let words = try await client.read(exactly: 5)
            try await serving.value
            return words
        }
        #expect(words == Array("words".utf8))
    }
}
