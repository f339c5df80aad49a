import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// How connections end, and what their users then see.
@Suite(.serialized) struct ConnectionClosingTests {
    @Test(arguments: Ground.all)
    func `closing resumes a parked reader and a parked writer`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let reader = try spawn { await ioError { try await left.read() } }
            let writer = try spawn { await ioError { try await left.write(pattern(1 << 22)) } }
            await untilParked(2)
            left.close()
            try #require(try await reader.value == IOError(.read, .closed))
            try #require(try await writer.value == IOError(.write, .closed))
        }
    }

    @Test(arguments: Ground.all)
    func `after closing every operation says closed, and closing again does nothing`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let (left, right) = try await makeConnectionPair()
            left.close()
            left.close()
            try #require(openSockets() == 1)
            try #require(await ioError { try await left.read() }?.reason == .closed)
            try #require(await ioError { try await left.read(exactly: 1) }?.reason == .closed)
            try #require(await ioError { try await left.readLine() }?.reason == .closed)
            try #require(await ioError { try await left.write("x") } == IOError(.write, .closed))
            try #require(await ioError { try await left.closeWrite() }?.reason == .closed)
            try #require(await ioError { try await left.reset() }?.reason == .closed)
            try #require(await ioError { try await left.option(.noDelay) }?.reason == .closed)
            try #require(await ioError { try await left.localAddress }?.reason == .closed)
            try #require(try await right.readLine() == nil)
        }
    }

    @Test(arguments: Ground.all)
    func `a reset is an error for a parked reader and for the next writer`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            let reader = try spawn { await ioError { try await right.read() } }
            await untilParked(1)
            try await left.reset()
            try #require(try await reader.value == IOError(.read, .system(.connectionReset)))
            let error = await ioError { try await right.write("x") }
            try #require(error == IOError(.write, .system(.brokenPipe)))
        }
    }

    @Test(arguments: Ground.all)
    func `a reset is an error for a parked writer`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let writer = try spawn { await ioError { try await left.write(pattern(1 << 22)) } }
            await untilParked(1)
            try await right.reset()
            try #require(try await writer.value == IOError(.write, .system(.connectionReset)))
        }
    }

    @Test(arguments: Ground.all)
    func `a second reader and a second writer are told that the socket is busy`(
        ground: Ground
    ) async throws {
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let message = pattern(1 << 20)
            let reader = try spawn { try await left.read(exactly: 1) }
            let writer = try spawn { try await left.write(message) }
            await untilParked(2)
            try #require(await ioError { try await left.read() } == IOError(.read, .busy))
            try #require(await ioError { try await left.readLine() } == IOError(.read, .busy))
            try #require(await ioError { try await left.write("x") } == IOError(.write, .busy))
            // The first ones never notice.
            try #require(try await right.read(exactly: message.count) == message)
            try await right.write("y")
            try await writer.value
            try #require(try await reader.value == Array("y".utf8))
        }
    }

    @Test func `a second reader is busy also while the first one only lets others run`() throws {
        try simulated(yielding: [.busy, .timedOut]) { _ -> IOError.Reason? in
            let (left, right) = try await makeConnectionPair()
            try await right.write("ab")
            // Its bytes are there, but it has had so many completions that it yields first: the
            // second reader comes in between, or finds nobody and nothing to read.
            let (first, second) = try await spawn {
                let second = try spawn {
                    await ioError { try await left.read(timeout: .seconds(1)) }
                }
                EventLoop.current?.executor.state.budget = 0
                return (try await left.read(exactly: 2), second)
            }.value
            try #require(first == Array("ab".utf8))
            let reason = try await second.value?.reason
            try #require(
                EventLoop.current?.executor.state.table[left.socket.id].isReading == false)
            return reason
        }
    }

    @Test func `a handle of a closed connection never touches its successor`() throws {
        try simulated { _ in
            let loop = try #require(EventLoop.current?.executor)
            let (old, peer) = try await makeConnectionPair()
            // The lowest number that is free is the next one: the listener's was.
            let other = try loop.openSocket(for: anyPort(), as: .stream, .open)
            let reader = try spawn { await ioError { try await old.read() } }
            await untilParked(1)
            // The number is given to somebody else before the old reader has run.
            old.close()
            let new = try loop.openSocket(for: anyPort(), as: .stream, .open)
            try #require(new.descriptor == old.socket.descriptor)
            try #require(loop.state.lot.count == 0)

            try #require(try await reader.value == IOError(.read, .closed))
            try #require(await ioError { try await old.write("x") } == IOError(.write, .closed))
            old.close()
            try #require(loop.state.table.isOpen(new.id) == true)
            try #require(try await Connection(socket: new).option(.isListening) == 0)
            other.close()
            peer.close()
        }
    }

    @Test(arguments: Ground.all)
    func `a connection closes with its scope, also when that throws`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let listener = try await Listener.bind(to: anyPort())
            for fails in [false, true] {
                async let accepted = listener.accept()
                let error = await ioError {
                    try await Connection.connect(to: listener.address) { connection in
                        try await connection.write("hello")
                        if fails { throw IOError(.write, .tooLong) }
                    }
                }
                try #require((error != nil) == fails)
                let peer = try await accepted
                try #require(try await readAll(peer) == Array("hello".utf8))
                peer.close()
                try #require(openSockets() == 1)
            }
        }
    }

    @Test(arguments: Ground.all)
    func `a connection closes when its last copy goes`(ground: Ground) async throws {
        try await ground.run { openSockets in
            let listener = try await Listener.bind(to: anyPort())
            try await connectAndForget(listener.address)
            try #require(openSockets() == 1)
            let accepted = try await listener.accept()
            try #require(try await readAll(accepted) == Array("bye".utf8))
            try #require(openSockets() == 2)
            accepted.close()
        }
    }

    @Test func `a connection closes when its last copy goes on another thread`() async throws {
        let sockets = FaultySockets()
        try await onLoop(sockets: sockets) {
            let listener = try await Listener.bind(to: anyPort())
            try await connectAndForget(listener.address)
            let kept = Notes<Connection>()
            kept.add(try await listener.accept())
            for connection in kept.all {
                #expect(try await readAll(connection) == Array("bye".utf8))
            }
            #expect(sockets.openCount == 2)
            await Task.detached { kept.removeAll() }.value
            // The loop has been asked to close it, and does so when it looks.
            while sockets.openCount == 2 { await Task.yield() }
            #expect(sockets.openCount == 1)
        }
        #expect(sockets.openCount == 0)
    }
}

private func connectAndForget(_ address: SocketAddress) async throws {
    let connection = try await Connection.connect(to: address)
    try await connection.write("bye")
}
