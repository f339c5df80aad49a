import Drivers
import Foundation
import Syscalls
import Testing

/// The contract that is written above `Sockets`, held against the kernel's and the simulated ones.
///
/// Each test is one story for both. Waits that could hang are bounded; nothing depends on how long
/// something takes. This file is about the stream; the others are about addresses, connecting and
/// options.
@Suite(.timeLimit(.minutes(10))) struct SocketContractTests {
    // MARK: In order

    @Test(arguments: SocketsUnderTest.all, loopbacks)
    func `each end reads what the other sent and then the end of the stream`(
        kind: SocketsUnderTest, host: String
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair(over: host)

        try setting.send("ping", from: client)
        #expect(try setting.await(from: server) == "ping")
        try setting.send("pong", from: server)
        #expect(try setting.await(from: client) == "pong")
        try setting.send("bye", from: client)
        setting.close(client)

        #expect(try setting.await(from: server) == "bye")
        for _ in 0..<3 { #expect(try setting.await(from: server) == "") }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a call with nothing to do would block`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.listener()
        let (client, server) = try setting.pair()

        #expect(throws: Errno.wouldBlock) { try setting.sockets.accept(listener) }
        #expect(throws: Errno.wouldBlock) { try setting.take(from: client) }
        try setting.send("a", from: server)
        #expect(try setting.await(from: client) == "a")
        #expect(throws: Errno.wouldBlock) { try setting.take(from: client) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a reader with a small buffer gets the rest with the next call`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        try setting.send("abcdefg", from: client)
        setting.close(client)
        try setting.wait(for: .readable, of: server)

        let taken = try (0..<4).map { _ in try setting.take(from: server, atMost: 3) }

        #expect(taken == ["abc", "def", "g", ""])
    }

    @Test(arguments: SocketsUnderTest.all)
    func `empty buffers move nothing and end nothing`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()

        try setting.send("", from: client)
        #expect(throws: Errno.wouldBlock) { try setting.take(from: server, atMost: 0) }

        try setting.send("a", from: client)
        try setting.wait(for: .readable, of: server)
        #expect(try setting.take(from: server, atMost: 0) == "")
        #expect(try setting.await(from: server) == "a")
    }

    // MARK: Bounds

    @Test(arguments: SocketsUnderTest.all)
    func `a sender whom nobody reads is stopped and goes on when somebody does`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        var flow = Flow()

        for _ in 0..<3 {
            try flow.fill(client, of: setting.sockets)
            #expect(try !setting.isReady(client, for: .writable))
            #expect(throws: Errno.wouldBlock) { try setting.send("x", from: client) }
            try flow.drain(server, of: setting.sockets)
            try setting.wait(for: .writable, of: client)
        }
        setting.close(client)
        while try flow.receive(server, of: setting.sockets, with: setting) {}

        #expect(flow.received == flow.sent)
        #expect(flow.sent > 0)
        #expect(flow.isInOrder)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `small buffers hold what was asked for and not much more`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.bound()
        try setting.sockets.setOption(.receiveBuffer, of: listener, to: 8_192)
        try setting.sockets.listen(listener, backlog: 1)
        let client = try setting.open()
        try setting.sockets.setOption(.sendBuffer, of: client, to: 8_192)
        _ = try setting.sockets.connect(client, to: setting.sockets.localAddress(listener))
        try setting.wait(for: .writable, of: client)
        _ = try setting.accept(from: listener)
        var flow = Flow()

        try flow.fill(client, of: setting.sockets)

        #expect((8_192...131_072).contains(flow.sent), "\(flow.sent) bytes")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `what the peer has not acknowledged becomes less as it reads`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        #expect(try setting.sockets.unacknowledged(client) == 0)
        var flow = Flow()

        try flow.fill(client, of: setting.sockets)
        let waiting = try setting.sockets.unacknowledged(client)
        #expect(waiting > 0)
        #expect(try setting.sockets.unacknowledged(client) == waiting)
        while flow.received < flow.sent {
            _ = try flow.receive(server, of: setting.sockets, with: setting)
        }

        try setting.wait { try setting.sockets.unacknowledged(client) == 0 }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `what the peer's kernel has is acknowledged, also when nobody reads it`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()

        try setting.send("a few words", from: client)

        try setting.wait { try setting.sockets.unacknowledged(client) == 0 }
        #expect(try setting.await(from: server) == "a few words")
    }

    // MARK: Pieces

    @Test(arguments: SocketsUnderTest.all)
    func `pieces arrive as one, empty ones among them`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        let words = [[], Array("head, ".utf8), [], Array("body".utf8)]
        let pieces = words.map { $0.span.bytes.withUnsafeBytes { $0 } }

        #expect(try setting.sockets.send(client, pieces: pieces[...]) == 10)
        #expect(try setting.sockets.send(client, pieces: pieces[2...2]) == 0)

        #expect(try setting.await(from: server) == "head, body")
        extendLifetime(words)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `more pieces than a call takes are sent in part`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        let word = Array("abc".utf8)
        let piece = word.span.bytes.withUnsafeBytes { $0 }
        let pieces = Array(repeating: piece, count: 3_000)[...]

        let sent = try setting.sockets.send(client, pieces: pieces)
        extendLifetime(word)

        #expect((3...9_000).contains(sent))
        #expect(sent % 3 == 0)
        setting.close(client)
        var received = ""
        while received.utf8.count < sent { received += try setting.await(from: server) }
        #expect(received == String(repeating: "abc", count: sent / 3))
    }

    // MARK: Half-close

    @Test(arguments: SocketsUnderTest.all)
    func `who has ended its writing half reads on`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        try setting.send("question", from: client)

        try setting.sockets.closeWrite(client)
        try setting.sockets.closeWrite(client)

        #expect(try setting.await(from: server) == "question")
        #expect(try setting.await(from: server) == "")
        #expect(throws: Errno.brokenPipe) { try setting.send("more", from: client) }
        #expect(throws: Errno.wouldBlock) { try setting.take(from: client) }
        try setting.send("answer", from: server)
        #expect(try setting.await(from: client) == "answer")
        try setting.sockets.closeWrite(server)
        #expect(try setting.await(from: client) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `bytes behind a full buffer come before the end that was asked for after them`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        var flow = Flow()
        try flow.fill(client, of: setting.sockets)

        setting.close(client)
        while try flow.receive(server, of: setting.sockets, with: setting) {}

        #expect(flow.received == flow.sent)
        #expect(flow.isInOrder)
    }
}

/// Bytes that count up, so that a lost, doubled or moved one shows.
struct Flow {
    private(set) var sent = 0
    private(set) var received = 0
    private(set) var isInOrder = true

    /// What is sent, over and over, as long as what is sent or taken at a time.
    private static let values = (0..<65_536 + 251).map { UInt8($0 % 251) }

    /// Sends until there is no more room.
    mutating func fill(_ socket: RawDescriptor, of sockets: any Sockets) throws {
        do {
            while true {
                // A prime number of values, so that no size of a buffer hides a gap.
                let bytes = Flow.values[(sent % 251)...].prefix(50_000)
                sent += try bytes.withUnsafeBytes { try sockets.send(socket, $0) }
            }
        } catch let error as Errno where error == .wouldBlock {
            // That is the aim.
        }
    }

    /// Receives until nothing is there.
    mutating func drain(_ socket: RawDescriptor, of sockets: any Sockets) throws {
        do {
            while try take(socket, of: sockets) > 0 {}
        } catch let error as Errno where error == .wouldBlock {
            // That is the aim.
        }
    }

    /// Waits and receives; false at the end of the stream.
    mutating func receive(
        _ socket: RawDescriptor, of sockets: any Sockets, with setting: SocketSetting
    ) throws -> Bool {
        try setting.wait(for: .readable, of: socket)
        return try take(socket, of: sockets) > 0
    }

    private mutating func take(_ socket: RawDescriptor, of sockets: any Sockets) throws -> Int {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = try bytes.withUnsafeMutableBytes { try sockets.receive(socket, into: $0) }
        let expected = Flow.values[(received % 251)...].prefix(count)
        if Data(bytes[..<count]) != Data(expected) { isInOrder = false }
        received += count
        return count
    }
}
