import Glibc
import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Looking ahead, urgent bytes, and what is set before a connection is up.
@Suite(.serialized) struct ConnectionPeekingTests {
    @Test(arguments: Ground.all)
    func `what is peeked at is read again`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try await left.write("GET / HTTP/1.1\r\n")
            try #require(try await right.peek(3) == Array("GET".utf8))
            try #require(try await right.peek(5) == Array("GET /".utf8))
            try #require(try await right.readLine() == "GET / HTTP/1.1")
            try await left.write("ab")
            try await left.closeWrite()
            try #require(try await right.peek(10) == Array("ab".utf8))
            try #require(try await right.read(exactly: 2) == Array("ab".utf8))
            try #require(try await right.peek() == nil)
            try #require(try await right.read() == nil)
        }
    }

    @Test(arguments: Ground.all)
    func `peeking waits, for its time`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try await left.write("a")
            let error = await ioError { try await right.peek(2, timeout: .milliseconds(5)) }
            try #require(error == IOError(.read, .timedOut))
            let peeker = try spawn { try await right.peek(2) }
            try await settle()
            try await left.write("b")
            try #require(try await peeker.value == Array("ab".utf8))
            try #require(
                await ioError { try await right.peek(0) } == IOError(.read, .outOfRange(0)))
        }
    }

    /// A read ends at an urgent byte although more has come behind it: that must not be taken for
    /// an empty socket.
    @Test(arguments: DriverKind.usable)
    func `an urgent byte does not stall the stream`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            for round in 0..<20 {
                async let received = right.read(exactly: 4)
                if round.isMultiple(of: 2) { await untilParked(1) }
                try await left.write("ab")
                var urgent: UInt8 = 33
                let sent = send(
                    left.socket.descriptor.number, &urgent, 1, CInt(MSG_OOB))
                try #require(sent == 1)
                try await left.write("cd")
                try #require(try await received == Array("abcd".utf8))
            }
        }
    }

    @Test(arguments: Ground.all)
    func `options are set before a socket is bound or connected`(ground: Ground) async throws {
        try await ground.run {
            let listener = try await Listener.bind(
                to: anyPort(), options: [.keepAlive: 1, .keepAliveInterval: 11])
            async let accepted = listener.accept()
            let local = try SocketAddress("127.0.0.3:0")
            let left = try await Connection.connect(
                to: listener.address, from: local, options: [.userTimeout: 5_000])
            let right = try await accepted
            try #require(try await left.option(.userTimeout) == 5_000)
            try #require(try await right.option(.keepAlive) == 1)
            try #require(try await right.option(.keepAliveInterval) == 11)
            try #require(right.remoteAddress.with(port: 0) == local)
            let error = await ioError {
                try await Connection.connect(to: listener.address, options: [.keepAliveCount: 0])
            }
            try #require(error == IOError(.option, .system(.invalidArgument)))
            try #require(error?.address == listener.address)
        }
    }

    @Test(arguments: Ground.all)
    func `an IPv6 listener takes IPv4 clients unless it is told not to`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let both = try await Listener.bind(to: "[::]:0")
            let four = try SocketAddress("127.0.0.1:0")
            let connection = try await Connection.connect(to: four.with(port: both.address.port))
            connection.close()
            let one = try await Listener.bind(to: "[::]:0", options: [.ipv6Only: 1])
            let error = await ioError {
                try await Connection.connect(to: four.with(port: one.address.port))
            }
            try #require(error == IOError(.connect, .system(.connectionRefused)))
        }
    }
}
