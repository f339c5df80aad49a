import Syscalls
import Testing

@testable import Swiftlet

/// How connections end, and what their users then see.
@Suite(.serialized) struct TCPClosingTests {
    @Test(arguments: DriverKind.usable)
    func `closing resumes a parked reader and a parked writer`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let reader = try spawn { await ioError { try await left.read() } }
            let writer = try spawn { await ioError { try await left.write(pattern(1 << 22)) } }
            await untilParked(2)
            left.close()
            #expect(try await reader.value == IOError(.read, .closed))
            #expect(try await writer.value == IOError(.write, .closed))
        }
    }

    @Test func `after closing every operation says closed, and closing again does nothing`()
        async throws
    {
        let sockets = FaultySockets()
        try await onLoop(sockets: sockets) {
            let (left, right) = try await makeConnectionPair()
            left.close()
            left.close()
            #expect(sockets.openCount == 1)
            #expect(await ioError { try await left.read() }?.reason == .closed)
            #expect(await ioError { try await left.read(exactly: 1) }?.reason == .closed)
            #expect(await ioError { try await left.readLine() }?.reason == .closed)
            #expect(await ioError { try await left.write("x") } == IOError(.write, .closed))
            #expect(await ioError { try await left.closeWrite() }?.reason == .closed)
            #expect(await ioError { try await left.reset() }?.reason == .closed)
            #expect(await ioError { try await left.option(.noDelay) }?.reason == .closed)
            #expect(await ioError { try await left.localAddress }?.reason == .closed)
            #expect(try await right.readLine() == nil)
        }
        #expect(sockets.openCount == 0)
    }

    @Test(arguments: DriverKind.usable)
    func `a reset is an error for a parked reader and for the next writer`(
        driver: DriverKind
    ) async throws {
        try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            let reader = try spawn { await ioError { try await right.read() } }
            await untilParked(1)
            try await left.reset()
            #expect(try await reader.value == IOError(.read, .system(.connectionReset)))
            let error = await ioError { try await right.write("x") }
            #expect(error == IOError(.write, .system(.brokenPipe)))
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a reset is an error for a parked writer`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let writer = try spawn { await ioError { try await left.write(pattern(1 << 22)) } }
            await untilParked(1)
            try await right.reset()
            #expect(try await writer.value == IOError(.write, .system(.connectionReset)))
        }
    }

    @Test func `a second reader and a second writer are told that the socket is busy`() async throws
    {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let message = pattern(1 << 20)
            let reader = try spawn { try await left.read(exactly: 1) }
            let writer = try spawn { try await left.write(message) }
            await untilParked(2)
            #expect(await ioError { try await left.read() } == IOError(.read, .busy))
            #expect(await ioError { try await left.readLine() } == IOError(.read, .busy))
            #expect(await ioError { try await left.write("x") } == IOError(.write, .busy))
            // The first ones never notice.
            #expect(try await right.read(exactly: message.count) == message)
            try await right.write("y")
            try await writer.value
            #expect(try await reader.value == Array("y".utf8))
        }
    }

    @Test func `a second reader is busy also while the first one only lets others run`()
        async throws
    {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await right.write("ab")
            // Its bytes are there, but it has had so many completions that it yields first.
            let first = try spawn {
                EventLoop.current?.executor.state.budget = 0
                return try await left.read(exactly: 2)
            }
            let second = try spawn { await ioError { try await left.read() } }
            #expect(try await first.value == Array("ab".utf8))
            #expect(try await second.value == IOError(.read, .busy))
            #expect(EventLoop.current?.executor.state.table[left.socket.id].isReading == false)
        }
    }

    @Test func `a handle of a closed connection never touches its successor`() async throws {
        var faults = FaultySockets.Faults()
        faults.reusesNumbers = true
        let sockets = FaultySockets(faults)
        try await onLoop(sockets: sockets) {
            guard let loop = EventLoop.current?.executor else { return }
            let (old, peer) = try await makeConnectionPair()
            let reader = try spawn { await ioError { try await old.read() } }
            await untilParked(1)
            // The number is given to somebody else before the old reader has run.
            old.close()
            let new = try loop.openSocket(for: anyPort(), .open)
            #expect(new.descriptor == old.socket.descriptor)
            #expect(loop.state.lot.isEmpty)

            #expect(try await reader.value == IOError(.read, .closed))
            #expect(await ioError { try await old.write("x") } == IOError(.write, .closed))
            old.close()
            #expect(loop.state.table.isOpen(new.id))
            #expect(try await new.option(.isListening) == 0)
            peer.close()
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `a connection closes with its scope, also when that throws`() async throws {
        let sockets = FaultySockets()
        try await onLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            for fails in [false, true] {
                async let accepted = listener.accept()
                let error = await ioError {
                    try await TCPConnection.connect(to: listener.address) { connection in
                        try await connection.write("hello")
                        if fails { throw IOError(.write, .tooLong) }
                    }
                }
                #expect((error != nil) == fails)
                let peer = try await accepted
                #expect(try await readAll(peer) == Array("hello".utf8))
                peer.close()
                #expect(sockets.openCount == 1)
            }
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `a connection closes when its last copy goes, on the loop or elsewhere`()
        async throws
    {
        let sockets = FaultySockets()
        try await onLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            try await connectAndForget(listener.address)
            let kept = Notes<TCPConnection>()
            kept.add(try await listener.accept())
            for connection in kept.all {
                #expect(try await readAll(connection) == Array("bye".utf8))
            }
            #expect(sockets.openCount == 2)
            await Task.detached { kept.removeAll() }.value
            #expect(sockets.openCount == 1)
        }
        #expect(sockets.openCount == 0)
    }
}

private func connectAndForget(_ address: SocketAddress) async throws {
    let connection = try await TCPConnection.connect(to: address)
    try await connection.write("bye")
}
