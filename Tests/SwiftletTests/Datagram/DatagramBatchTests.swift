import Syscalls
import Testing

@testable import Swiftlet

/// Several datagrams in one call, and raw packets.
@Suite(.timeLimit(.minutes(30))) struct DatagramBatchTests {
    @Test(arguments: Ground.all)
    func `a batch takes what is there, and goes back to its senders`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let server = try await DatagramSocket.bind(
                to: SocketAddress("0.0.0.0:0"), tellsLocalAddress: true)
            let target = try SocketAddress("127.0.0.7:\(server.localAddress.port)")
            let client = try await DatagramSocket.connect(to: target)
            for number in 0..<5 { try await client.send("\(number)") }
            var batch = DatagramBatch(capacity: 4, bytesEach: 16)
            try #require(batch.count == 0)
            for expected in [0..<4, 4..<5] {
                try await server.receive(into: &batch)
                try #require(batch.count == expected.count)
                for (index, number) in expected.enumerated() {
                    try #require(batch.bytes(at: index) == Array("\(number)".utf8))
                    try #require(batch[index].sender == client.localAddress)
                    try #require(batch[index].localAddress == target.with(port: 0))
                }
                try await server.send(batch)
                for number in expected {
                    try #require(try await client.receive().text == "\(number)")
                }
            }
        }
    }

    @Test(arguments: Ground.all)
    func `a batch is filled by hand, with a receiver for each`(ground: Ground) async throws {
        try await ground.run {
            let sender = try await DatagramSocket.bind(to: anyPort())
            let receivers = [
                try await DatagramSocket.bind(to: anyPort()),
                try await DatagramSocket.bind(to: anyPort()),
            ]
            var batch = DatagramBatch(capacity: 2, bytesEach: 4)
            try batch.append([1], to: receivers[0].localAddress)
            let long = ioErrorOf { try batch.append([1, 2, 3, 4, 5], to: sender.localAddress) }
            try #require(long == IOError(.send, .datagramTooLong(5)))
            try batch.append([], to: receivers[1].localAddress)
            let full = ioErrorOf { try batch.append([1], to: sender.localAddress) }
            try #require(full == IOError(.send, .outOfRange(3)))
            try await sender.send(batch)
            try #require(try await receivers[0].receive().bytes == [1])
            try #require(try await receivers[1].receive().bytes == [])
            batch.removeAll()
            try await sender.send(batch)
            let late = await ioError {
                try await receivers[0].receive(into: &batch, timeout: .milliseconds(1))
            }
            try #require(late == IOError(.receive, .timedOut))
        }
    }

    @Test(arguments: Ground.all)
    func `one that cannot be sent does not keep the others of its batch`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let sender = try await DatagramSocket.bind(to: anyPort())
            let receivers = [
                try await DatagramSocket.bind(to: anyPort()),
                try await DatagramSocket.bind(to: anyPort()),
            ]
            var batch = DatagramBatch(capacity: 4, bytesEach: 65_536)
            try batch.append([1], to: receivers[0].localAddress)
            let long = [UInt8](repeating: 0, count: 65_510)
            try batch.append(long, to: receivers[1].localAddress)
            try batch.append(long, to: receivers[0].localAddress)
            try batch.append([2], to: receivers[0].localAddress)
            let error = await ioError { try await sender.send(batch) }
            try #require(error == IOError(.send, .datagramTooLong(65_510)))
            try #require(error?.address == receivers[1].localAddress)
            for byte: UInt8 in [1, 2] {
                try #require(try await receivers[0].receive().bytes == [byte])
            }
        }
    }

    @Test(arguments: Ground.all)
    func `what is longer than its place is truncated`(ground: Ground) async throws {
        try await ground.run {
            let socket = try await DatagramSocket.bind(to: anyPort())
            try await socket.send("abcdef", to: socket.localAddress)
            var batch = DatagramBatch(capacity: 2, bytesEach: 4)
            try await socket.receive(into: &batch)
            try #require(batch.bytes(at: 0) == Array("abcd".utf8))
            try #require(batch[0].isTruncated)
        }
    }

    @Test(arguments: Ground.all)
    func `segments arrive as datagrams of one size`(ground: Ground) async throws {
        try await ground.run {
            let server = try await DatagramSocket.bind(to: anyPort())
            let client = try await DatagramSocket.connect(to: server.localAddress)
            let bytes = pattern(1_000 * 9 + 17)
            try await client.sendSegments(bytes, of: 1_000)
            var received: [UInt8] = []
            for _ in 0..<10 {
                let datagram = try await server.receive()
                try #require(datagram.bytes.count <= 1_000)
                received += datagram.bytes
            }
            try #require(received == bytes)
            let error = await ioError { try await client.sendSegments(bytes, of: 0) }
            try #require(error == IOError(.send, .outOfRange(0)))
        }
    }

    @Test func `segments that no packet can hold are sent one by one`() async throws {
        try await onLoop {
            let here = try SocketAddress("[::1]:0")
            // Not every machine has IPv6.
            guard let server = try? await DatagramSocket.bind(to: here) else { return }
            // `IPV6_MTU`: packets are not longer.
            let packets = SocketOption(level: 41, number: 24)
            let client = try await DatagramSocket.connect(
                to: server.localAddress, options: [packets: 1_280])
            let bytes = pattern(5_000)
            try await client.sendSegments(bytes, of: 2_000)
            var received: [UInt8] = []
            for count in [2_000, 2_000, 1_000] {
                let datagram = try await server.receive()
                #expect(datagram.bytes.count == count)
                received += datagram.bytes
            }
            #expect(received == bytes)
        }
    }

    @Test(arguments: [1, 2])
    func `the kernel puts segments together for a socket that asks for it`(
        value: Int
    ) async throws {
        try await onLoop {
            let server = try await DatagramSocket.bind(
                to: anyPort(), options: [.receiveSegments: value])
            let client = try await DatagramSocket.connect(to: server.localAddress)
            let bytes = pattern(5_000)
            try await client.sendSegments(bytes, of: 1_000)
            var received: [UInt8] = []
            while received.count < bytes.count {
                let datagram = try await server.receive()
                if datagram.bytes.count > 1_000 { #expect(datagram.received.segmentSize == 1_000) }
                received += datagram.bytes
            }
            #expect(received == bytes)
        }
    }

    @Test func `what is told of segments has room beside a time stamp`() async throws {
        try await onLoop {
            // `SO_TIMESTAMP`, which comes first.
            let stamps = SocketOption(level: 1, number: 29)
            let server = try await DatagramSocket.bind(
                to: anyPort(), options: [.receiveSegments: 1, stamps: 1], tellsLocalAddress: true)
            let client = try await DatagramSocket.connect(to: server.localAddress)
            try await client.sendSegments(pattern(3_000), of: 1_000)
            var count = 0
            while count < 3_000 {
                let received = try await server.receive().received
                if received.count > 1_000 { #expect(received.segmentSize == 1_000) }
                #expect(received.localAddress == server.localAddress)
                count += received.count
            }
        }
    }

    @Test(arguments: Ground.all)
    func `what decides how a socket receives is set when it opens`(ground: Ground) async throws {
        try await ground.run {
            let socket = try await DatagramSocket.bind(to: anyPort())
            for option: SocketOption in [.receiveSegments, .localAddresses, .localAddressesIPv6] {
                let error = await ioError { try await socket.setOption(option, to: 1) }
                try #require(error == IOError(.option, .system(.invalidArgument)))
            }
            let other = try await DatagramSocket.bind(to: anyPort(), options: [.localAddresses: 1])
            try await socket.send("x", to: other.localAddress)
            try #require(try await other.receive().received.localAddress == other.localAddress)
        }
    }

    @Test func `a raw socket sees the packets of its protocol`() async throws {
        try await onLoop {
            let here = try SocketAddress("127.0.0.1:0")
            let raw: DatagramSocket
            do {
                raw = try await DatagramSocket.connect(to: here, kind: .raw(1))
            } catch IOError.notAllowed {
                return
            }
            // An echo request with its checksum: type 8, identifier 0x1234, number 1.
            let request: [UInt8] = [8, 0, 0xE5, 0xCA, 0x12, 0x34, 0, 1]
            try await raw.send(request)
            while true {
                let packet = try await raw.receive()
                // The IP header comes first; an answer has type 0.
                let header = Int(packet.bytes[0] & 0xF) * 4
                let message = packet.bytes[header...]
                if message.first == 0, message.dropFirst(4).prefix(2) == [0x12, 0x34] { break }
            }
        }
    }
}

/// The error that `body` throws; nil when it throws none or another one.
private func ioErrorOf(_ body: () throws -> Void) -> IOError? {
    do {
        try body()
        return nil
    } catch {
        return error as? IOError
    }
}
