import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Connecting in steps, with the kernel's error as a value.
@Suite struct ConnectorTests {
    @Test(arguments: Ground.all)
    func `an attempt that is refused is a value, and the next one is from the same address`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let deaf = try await Listener.bind(to: anyPort())
            deaf.close()
            let listener = try await Listener.bind(to: anyPort())
            let connector = try await Connector.open(for: listener.address)
            try await connector.set([.keepAlive: 1])
            try await connector.bind(to: SocketAddress("127.0.0.4:0"))
            try #require(try await connector.localAddress.port != 0)

            for _ in 0..<2 {
                let refused = try await connector.connect(to: deaf.address)
                try #require(refused.errno == .connectionRefused)
            }
            let connection = try await connector.connect(to: listener.address).get()
            try #require(connection.remoteAddress == listener.address)
            // A port that the kernel chose is another one for each attempt.
            let local = try await connection.localAddress
            try #require(try local.with(port: 0) == SocketAddress("127.0.0.4:0"))
            try #require(try await connection.option(.keepAlive) == 1)
            let accepted = try await listener.accept()
            try #require(accepted.remoteAddress == local)
            try await accepted.write("x")
            try #require(try await connection.read(exactly: 1) == [120])

            // The socket is the connection's now.
            connector.close()
            try await connection.write("y")
            try #require(try await accepted.read(exactly: 1) == [121])
            let error = await ioError { try await connector.connect(to: listener.address) }
            try #require(error == IOError(.connect, .closed))
            for one in [connection, accepted] { one.close() }
            listener.close()
        }
    }

    @Test(arguments: Ground.all)
    func `an address that is taken or not ours says so, and the next one may be tried`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let listener = try await Listener.bind(to: anyPort())
            let connector = try await Connector.open(for: listener.address)
            for text in ["\(listener.address)", "192.0.2.1:0"] {
                let address = try SocketAddress(text)
                let error = await ioError { try await connector.bind(to: address) }
                let reason = address == listener.address ? Errno.addressInUse : .addressNotAvailable
                try #require(error == IOError(.bind, .system(reason)))
                try #require(error?.address == address)
            }
            try await connector.bind(to: SocketAddress("127.0.0.5:0"))
            let connection = try await connector.connect(to: listener.address).get()
            connection.close()
            listener.close()
        }
    }

    @Test(arguments: Ground.all)
    func `an attempt that timed out is over, and the next one may be made`(
        ground: Ground
    ) async throws {
        try await ground.run(seeds: 0..<5) {
            let full = try await FullListener()
            let slow = try await Connector.open(for: full.address)
            let error = await ioError {
                try await slow.connect(to: full.address, timeout: .milliseconds(1))
            }
            try #require(error == IOError(.connect, .timedOut))
            try #require(error?.address == full.address)
            let again = await ioError {
                try await slow.connect(to: full.address, timeout: .milliseconds(1))
            }
            try #require(again == IOError(.connect, .timedOut))
            let listener = try await Listener.bind(to: anyPort())
            let connection = try await slow.connect(to: listener.address).get()
            try #require(
                try await listener.accept().remoteAddress == connection.localAddress)
            connection.close()
            listener.close()
        }
    }

    @Test(arguments: Ground.all)
    func `what a given up attempt has come to is not taken for the next one`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (one, other) = (
                try await Listener.bind(to: anyPort()), try await Listener.bind(to: anyPort())
            )
            let connector = try await Connector.open(for: one.address)
            let first = try spawn {
                await ioError { try await connector.connect(to: one.address) }
            }
            // Over loopback the kernel connects at once, and the task does not wait for it.
            first.cancel()
            try #require(try await first.value == IOError(.connect, .cancelled))
            let connection = try await connector.connect(to: other.address).get()
            let peer = try await connection.socket.perform(.address) {
                sockets, descriptor throws(Errno) in
                try sockets.remoteAddress(descriptor)
            }
            try #require(peer == other.address)
            try #require(try await other.accept().remoteAddress == connection.localAddress)
            connection.close()
            for listener in [one, other] { listener.close() }
        }
    }

    @Test(arguments: Ground.all)
    func `a name of a Unix socket is connected to in steps, too`(ground: Ground) async throws {
        let address = try SocketAddress.unix(abstractName: "swiftlet-connector-\(ground)")
        try await ground.run(seeds: 0..<5) {
            let connector = try await Connector.open(for: address)
            let refused = try await connector.connect(to: address)
            try #require(refused.errno == .connectionRefused)
            let listener = try await Listener.bind(to: address)
            let connection = try await connector.connect(to: address).get()
            try #require(try await listener.accept().remoteAddress.isUnix)
            connection.close()
            listener.close()
        }
    }

    @Test(arguments: Ground.all)
    func `a second attempt at the same time is told so`(ground: Ground) async throws {
        try await ground.run(seeds: 0..<5) {
            let full = try await FullListener()
            let connector = try await Connector.open(for: full.address)
            let first = try spawn {
                await ioError { try await connector.connect(to: full.address) }
            }
            try await settle()
            let second = await ioError { try await connector.connect(to: full.address) }
            try #require(second == IOError(.connect, .busy))
            first.cancel()
            try #require(try await first.value == IOError(.connect, .cancelled))
            connector.close()
            let error = await ioError { try await connector.connect(to: full.address) }
            try #require(error == IOError(.connect, .closed))
        }
    }
}

extension Result where Failure == Errno {
    fileprivate var errno: Errno? { if case .failure(let errno) = self { errno } else { nil } }
}
