import Glibc
import Synchronization
import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Messages over Unix connections, and the descriptors that come along.
@Suite(.serialized) struct ConnectionMessagesTests {
    @Test(arguments: Ground.all)
    func `a connection is handed on over another one`(ground: Ground) async throws {
        try await ground.run { openSockets in
            let open = openSockets()
            let (one, other) = try await Connection.pair()
            let client: Connection
            do {
                let server: Connection
                (client, server) = try await makeConnectionPair()
                try await one.write([1], passing: [server])
                server.close()
            }
            let message = try #require(try await other.readMessage())
            try #require(message.bytes == [1])
            let passed = try #require(message.descriptors.first)
            let received = try await Connection.adopt(passed)
            try #require(try await received.remoteAddress == client.localAddress)
            try spawn {
                try await echoBack(received)
                received.close()
            }
            try await client.write("over to you\n")
            try #require(try await client.readLine() == "over to you")
            // What was adopted belongs to the connection.
            try #require(passed.take() == nil)
            try #require(
                await ioError { try await Connection.adopt(passed) }
                    == IOError(.open, .closed))
            try await client.closeWrite()
            try #require(try await client.read() == nil)
            for connection in [one, other, client] { connection.close() }
            try await settle()
            try #require(openSockets() == open)
        }
    }

    @Test(arguments: Ground.all)
    func `a reader that waits gets what comes along`(ground: Ground) async throws {
        try await ground.run { openSockets in
            let (one, other) = try await Connection.pair()
            for round in 0..<3 {
                let reading = try spawn { try await other.readMessage() }
                try await settle()
                try await one.write(
                    [UInt8(round)], passing: Array(repeating: one, count: round))
                let message = try #require(try await reading.value)
                try #require(message.bytes == [UInt8(round)])
                try #require(message.descriptors.count == round)
                try #require(openSockets() == 2 + round)
            }
            one.close()
            other.close()
        }
    }

    @Test(arguments: Ground.all)
    func `bytes that come with descriptors do not hide those behind them`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let (one, other) = try await Connection.pair()
            let reading = try spawn { () async throws -> [UInt8] in
                var bytes: [UInt8] = []
                while bytes.count < 4, let message = try await other.readMessage() {
                    bytes += message.bytes
                }
                return bytes
            }
            try await settle()
            try await one.write([1], passing: [one])
            try await one.write([2])
            try await one.write([3], passing: [one])
            try await one.write([4])
            try #require(try await reading.value == [1, 2, 3, 4])
            // Those that nobody kept are closed.
            try #require(openSockets() == 2)
            one.close()
            other.close()
        }
    }

    @Test(arguments: Ground.all)
    func `what is written in pieces sends its descriptors once`(ground: Ground) async throws {
        let bytes = pattern(500_000)
        try await ground.run(seeds: 0..<5) {
            let (one, other) = try await Connection.pair()
            let writing = try spawn { try await one.write(bytes, passing: [one, one]) }
            var (received, count) = ([UInt8](), 0)
            while received.count < bytes.count {
                let message = try #require(try await other.readMessage())
                received += message.bytes
                count += message.descriptors.count
            }
            try await writing.value
            try #require(received == bytes)
            try #require(count == 2)
            one.close()
            other.close()
        }
    }

    @Test(arguments: Ground.all)
    func `other reads close what comes along, and lines before it are kept`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let (one, other) = try await Connection.pair()
            try await one.write("line\nrest")
            try await one.write([33], passing: [one, other])
            try #require(try await other.readLine() == "line")
            let message = try #require(try await other.readMessage(atMost: 3))
            try #require(message.bytes == Array("res".utf8))
            try #require(try await other.read(exactly: 2) == Array("t!".utf8))
            try #require(openSockets() == 2)
            one.close()
            try #require(try await other.readMessage() == nil)
            other.close()
        }
    }

    @Test(arguments: Ground.all)
    func `a wait that ends takes nothing, and the next read has it`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let (one, other) = try await Connection.pair()
            let error = await ioError { try await other.readMessage(timeout: .milliseconds(1)) }
            try #require(error == IOError(.read, .timedOut))
            let reading = try spawn { try await other.readMessage() }
            try await settle()
            try #require(
                await ioError { try await other.readMessage() } == IOError(.read, .busy))
            // At the same moment: one of them takes it.
            reading.cancel()
            try await one.write([1], passing: [one])
            let first = try? await reading.value
            if first == nil {
                try #require(try await other.readMessage()?.descriptors.count == 1)
            } else {
                try #require(first?.descriptors.count == 1)
            }
            // A handler that is cancelled as it has it drops it.
            try await one.write([2], passing: [one])
            _ = try? await withTimeout(.zero) { try await other.readMessage() }
            other.close()
            one.close()
            try await settle()
            try #require(openSockets() == (first == nil ? 0 : 1))
        }
    }

    @Test(arguments: Ground.all)
    func `what cannot be asked for says so`(ground: Ground) async throws {
        try await ground.run {
            let (one, other) = try await Connection.pair()
            let (client, server) = try await makeConnectionPair()
            let errors = [
                await ioError { try await one.write([], passing: [one]) },
                await ioError {
                    try await one.write([1], passing: Array(repeating: one, count: 254))
                },
                await ioError { try await other.readMessage(atMost: 0) },
                await ioError { try await other.readMessage(atMost: .max) },
                await ioError { try await other.readMessage(descriptors: 254) },
                await ioError { try await client.write([1], passing: [one]) },
                await ioError { try await one.write([1], passing: [RawDescriptor(-1)]) },
            ]
            try #require(
                errors == [
                    IOError(.write, .outOfRange(0)), IOError(.write, .outOfRange(254)),
                    IOError(.read, .outOfRange(0)), IOError(.read, .outOfRange(.max)),
                    IOError(.read, .outOfRange(254)),
                    IOError(.write, .system(.invalidArgument)),
                    IOError(.write, .system(.badDescriptor)),
                ])
            server.close()
            let error = await ioError { try await one.write([1], passing: [server]) }
            try #require(error == IOError(.write, .closed))
            try await one.write([2])
            try #require(try await other.readMessage()?.bytes == [2])
            for connection in [one, other, client] { connection.close() }
        }
    }

    @Test(arguments: Ground.all)
    func `what is closed while a write waits is not sent, nor what has its number next`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let (one, other) = try await Connection.pair()
            let listener = try await Listener.bind(to: anyPort())
            let full = await ioError {
                try await one.write(pattern(10_000_000), timeout: .milliseconds(1))
            }
            try #require(full == IOError(.write, .timedOut))
            let writing = try spawn {
                await ioError { try await one.write([1], passing: [listener]) }
            }
            try await settle()
            listener.close()
            // It has the number now, unless another test was faster.
            let next = try await Listener.bind(to: anyPort())
            let reading = try spawn { () async throws -> Int in
                var count = 0
                while let message = try await other.readMessage() {
                    count += message.descriptors.count
                }
                return count
            }
            try #require(try await writing.value == IOError(.write, .closed))
            try await one.write([2])
            one.close()
            try #require(try await reading.value == 0)
            next.close()
            other.close()
        }
    }

    @Test(arguments: Ground.all)
    func `a descriptor that was taken is not sent`(ground: Ground) async throws {
        try await ground.run {
            let (one, other) = try await Connection.pair()
            let (near, far) = try await Connection.pair()
            try await one.write([1], passing: [far])
            let passed = try #require(try await other.readMessage()?.descriptors.first)
            try await one.write([2], passing: [passed])
            try #require(try await other.readMessage()?.descriptors.count == 1)
            let adopted = try await Connection.adopt(passed)
            let error = await ioError { try await one.write([3], passing: [passed]) }
            try #require(error == IOError(.write, .closed))
            for connection in [one, other, near, far, adopted] { connection.close() }
        }
    }

    @Test func `a connection of another loop is passed by its number alone`() async throws {
        try await onLoops(2) {
            let (one, other) = try await Connection.pair()
            let (near, far) = try await EventLoop.all[1].spawn {
                try await Connection.pair()
            }.value
            let error = await ioError { try await one.write([1], passing: [near]) }
            #expect(error == IOError(.write, .otherLoop))
            try await one.write([2], passing: [near.descriptor])
            let message = try #require(try await other.readMessage())
            #expect(message.bytes == [2])
            #expect(message.descriptors.count == 1)
            for connection in [one, other, near, far] { connection.close() }
        }
    }

    @Test(arguments: Ground.all)
    func `a message says what it has lost, also when none was asked for`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let (one, other) = try await Connection.pair()
            for limit in 0...2 {
                try await one.write([1], passing: [one, other])
                let message = try #require(try await other.readMessage(descriptors: limit))
                try #require(message.descriptors.count == limit)
                try #require(message.hasLostDescriptors == (limit < 2))
            }
            try await one.write([1])
            let message = try #require(try await other.readMessage(descriptors: 0))
            try #require(!message.hasLostDescriptors)
            try #require(openSockets() == 2)
            one.close()
            other.close()
        }
    }

    @Test(arguments: Ground.all)
    func `a foreign task sends and receives descriptors`(ground: Ground) async throws {
        guard case .kernel = ground else { return }
        try await ground.run { openSockets in
            let (one, other) = try await Connection.pair()
            let count = try await Task.detached {
                try await one.write([1], passing: [one])
                return try await other.readMessage()?.descriptors.count
            }.value
            try #require(count == 1)
            one.close()
            other.close()
            try #require(openSockets() == 0)
        }
    }

    // MARK: Messages

    @Test(arguments: Ground.all, [true, false])
    func `a server of messages keeps them apart`(ground: Ground, isPath: Bool) async throws {
        let name = "swiftlet-messages-\(getpid())-\(count.add(1, ordering: .relaxed).newValue)"
        let address =
            isPath
            ? try SocketAddress.unix(path: "/tmp/\(name).sock")
            : try SocketAddress.unix(abstractName: name)
        try await ground.run(seeds: 0..<10) {
            let listener = try await Listener.bind(to: "\(address)", as: .sequencedPackets)
            let server = StreamServer(listener: listener)
            let serving = try spawn { try await server.serve(handler: echoBack) }
            try await Connection.connect(to: address, as: .sequencedPackets) { connection in
                for text in ["one", "two", "three"] { try await connection.write(text) }
                for text in ["one", "two", "three"] {
                    try #require(
                        try await connection.readMessage()?.bytes == Array(text.utf8))
                }
                try await connection.write("four")
                try await connection.write("five")
                let message = try #require(try await connection.readMessage(atMost: 3))
                try #require(message.isCut && message.bytes == Array("fou".utf8))
                var bytes: [UInt8] = []
                if let rest = try await connection.read() { bytes = Array(rest) }
                try #require(bytes == Array("five".utf8))
                try await connection.closeWrite()
                try #require(try await connection.readMessage() == nil)
            }
            let error = await ioError { try await Connection.connect(to: address) }
            // The type is a part of an abstract name.
            let reason = isPath ? Errno(rawValue: EPROTOTYPE) : .connectionRefused
            try #require(error == IOError(.connect, .system(reason)))
            server.stop()
            try await serving.value
        }
    }

    @Test(arguments: Ground.all, [2, 1_025])
    func `a message of several pieces is one, also when it waits for room`(
        ground: Ground, count: Int
    ) async throws {
        try await ground.run(seeds: 0..<5) {
            let (one, other) = try await Connection.pair(as: .sequencedPackets)
            let pieces = (0..<count).map { pattern(1 + 4_000 / count, seed: $0) }
            let message = Array(pieces.joined())
            let writing = try spawn {
                for _ in 0..<200 { try await one.write(pieces: pieces) }
            }
            try await settle()
            for _ in 0..<200 {
                try #require(try await other.readMessage()?.bytes == message)
            }
            try await writing.value
            one.close()
            other.close()
        }
    }

    @Test(arguments: Ground.all)
    func `a message waits for room as a whole`(ground: Ground) async throws {
        let sizes = (0..<40).map { 1 + $0 * 997 % 30_000 }
        try await ground.run(seeds: 0..<5) {
            let (one, other) = try await Connection.pair(as: .sequencedPackets)
            let writing = try spawn {
                for size in sizes { try await one.write(pattern(size, seed: size)) }
                try await one.closeWrite()
            }
            for size in sizes {
                let message = try #require(try await other.readMessage())
                try #require(message.bytes == pattern(size, seed: size))
            }
            try #require(try await other.readMessage() == nil)
            try await writing.value
            one.close()
            other.close()
        }
    }
}

private let count = Atomic(0)
