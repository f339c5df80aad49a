import Syscalls
import Testing

@testable import Swiftlet

/// What a connection does when all goes well.
@Suite(.serialized) struct TCPConnectionTests {
    @Test(arguments: DriverKind.usable)
    func `what is written to an echo comes back`(driver: DriverKind) async throws {
        let reply = try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            try spawn { try await echoBack(right) }
            try await left.write("ping")
            return try await left.read(exactly: 4)
        }
        #expect(reply == Array("ping".utf8))
    }

    @Test(arguments: ["127.0.0.1", "[::1]"])
    func `both families of addresses work, and each end knows the other`(host: String) async throws
    {
        let address = try SocketAddress("\(host):0")
        try await onLoop {
            let listener = try await TCPListener.bind(to: address)
            #expect(listener.address.port != 0)
            #expect(listener.address.with(port: 0) == address)
            async let accepted = listener.accept()
            let left = try await TCPConnection.connect(to: listener.address)
            let right = try await accepted
            #expect(try await left.localAddress == right.remoteAddress)
            #expect(try await right.localAddress == left.remoteAddress)
            #expect(left.remoteAddress == listener.address)
            try await left.write("6")
            #expect(try await right.read(exactly: 1) == Array("6".utf8))
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a megabyte goes each way at once`(driver: DriverKind) async throws {
        let there = pattern(1 << 20, seed: 1)
        let back = pattern(1_234_567, seed: 2)
        let (received, returned) = try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            @Sendable func send(_ bytes: [UInt8], on connection: TCPConnection) async throws {
                try await connection.write(bytes)
                try await connection.closeWrite()
            }
            async let sentThere: Void = send(there, on: left)
            async let sentBack: Void = send(back, on: right)
            async let received = readAll(right)
            async let returned = readAll(left)
            _ = try await (sentThere, sentBack)
            return try await (received, returned)
        }
        #expect(received == there)
        #expect(returned == back)
    }

    @Test(arguments: DriverKind.usable)
    func `no byte is lost when every call moves a single one`(driver: DriverKind) async throws {
        var faults = FaultySockets.Faults()
        faults.sendAtMost = 1
        faults.receiveAtMost = 1
        let message = pattern(500)
        let echoed = try await onWaryLoop(driver, sockets: FaultySockets(faults)) {
            let (left, right) = try await makeConnectionPair()
            try spawn {
                try await echoBack(right)
                right.close()
            }
            async let echoed = readAll(left)
            try await left.write(message)
            try await left.closeWrite()
            return try await echoed
        }
        #expect(echoed == message)
    }

    @Test(arguments: DriverKind.usable)
    func `each half of a connection ends by itself`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            try await left.write("last")
            try await left.closeWrite()
            #expect(try await readAll(right) == Array("last".utf8))
            try await right.write("still open")
            try await right.closeWrite()
            #expect(try await readAll(left) == Array("still open".utf8))
            // The end of the stream stays where it is.
            #expect(try await readAll(left) == [])
            #expect(try await right.readLine() == nil)
            #expect(
                await ioError { try await left.write("x") }
                    == IOError(.write, .system(.brokenPipe)))
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a writer whose peer does not read parks, and goes on when it does`(
        driver: DriverKind
    ) async throws {
        let message = pattern(1 << 20)
        let received = try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 65_536)
            try await right.setOption(.receiveBuffer, to: 65_536)
            let writer = try spawn {
                try await left.write(message)
                left.close()
            }
            await untilParked(1)
            #expect(loopStatistics().bytesWritten < message.count)
            let received = try await readAll(right)
            try await writer.value
            return received
        }
        #expect(received == message)
    }

    @Test func `small messages leave at once, and options can be read back`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            #expect(try await left.option(.noDelay) == 1)
            #expect(try await right.option(.noDelay) == 1)
            #expect(try await left.option(.keepAlive) == 0)
            try await left.setOption(.keepAlive, to: 1)
            #expect(try await left.option(.keepAlive) == 1)
            try await left.setOption(.receiveBuffer, to: 20_000)
            #expect(try await left.option(.receiveBuffer) == 40_000)
            #expect(
                await ioError { try await left.setOption(.isListening, to: 1) }?.operation
                    == .option)
        }
    }

    @Test func `a steady echo costs a receive and a send, and no change of interest`() async throws
    {
        let rounds = 100
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try spawn { try await echoBack(right) }
            for _ in 0..<3 {
                try await left.write("warm")
                _ = try await left.read(exactly: 4)
            }
            let before = loopStatistics()
            for _ in 0..<rounds {
                try await left.write("ping")
                _ = try await left.read(exactly: 4)
            }
            let after = loopStatistics()
            // Both ends are of this loop.
            #expect(after.sends - before.sends == 2 * rounds)
            #expect(after.receives - before.receives == 2 * rounds)
            #expect(after.interestChanges == before.interestChanges)
            #expect(after.wouldBlocks == before.wouldBlocks)
        }
    }
}
