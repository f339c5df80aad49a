import Glibc
import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// The forms of reading and writing, and what they leave for the next one.
///
/// Each is held under many schedules, and some under many ways of cutting what is sent as well.
@Suite(.serialized) struct ConnectionReadingTests {
    @Test(arguments: Ground.all)
    func `the caller's memory is filled with what is there and no more`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try await left.write("abcdef")
            try #require(try await right.readPiece(ofAtMost: 4) == Array("abcd".utf8))
            try #require(try await right.readPiece(ofAtMost: 0) == [])
            try #require(try await right.readPiece(ofAtMost: 4) == Array("ef".utf8))
            left.close()
            try #require(try await right.readPiece(ofAtMost: 4) == nil)
            try #require(try await right.readPiece(ofAtMost: 4) == nil)
        }
    }

    @Test func `an exact read waits for the last byte`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            let reader = try spawn { try await right.read(exactly: 6) }
            for letter in ["a", "bc", "def", "g"] {
                try await left.write(letter)
                await Task.yield()
            }
            try #require(try await reader.value == Array("abcdef".utf8))
            try #require(try await right.read(exactly: 1) == Array("g".utf8))
            try #require(try await right.read(exactly: 0) == [])
        }
    }

    @Test(arguments: [1, 3, 1000])
    func `an exact read that meets the end of the stream gives its bytes back`(
        atMost: Int
    ) throws {
        try simulated(cutting: atMost) { left, right in
            try await left.write("abc")
            left.close()
            let error = await ioError { try await right.read(exactly: 4) }
            try #require(error == IOError(.read, .endOfStream))
            try #require(try await right.read(exactly: 3) == Array("abc".utf8))
            try #require(try await right.readLine() == nil)
        }
    }

    @Test func `a count that is negative is an error, and takes nothing`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            try await left.write("abc")
            let error = await ioError { try await right.read(exactly: -1) }
            try #require(error == IOError(.read, .outOfRange(-1)))
            let limit = await ioError { try await right.read(until: 0, limit: -1) }
            try #require(limit == IOError(.read, .tooLong))
            try #require(try await right.read(exactly: 3) == Array("abc".utf8))
        }
    }

    @Test(arguments: DriverKind.usable)
    func `what is behind an urgent mark is read as it comes`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            let number = left.socket.descriptor.number
            for round in 0..<5 {
                // All of it at once, between two looks of the loop.
                for (text, flags) in [("abc", 0), ("!", Int32(MSG_OOB)), ("def", 0)] {
                    #expect(Glibc.send(number, text, text.utf8.count, flags) > 0)
                }
                let bytes = try await right.read(exactly: 6, timeout: .seconds(60))
                #expect(bytes == Array("abcdef".utf8), "round \(round)")
            }
        }
    }

    @Test func `between two frames the end of the stream is no error`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            try await left.write("abcd")
            left.close()
            try #require(try await right.read(exactly: 4) == Array("abcd".utf8))
            try #require(try await right.read(exactly: 4) == nil)
            try #require(try await right.read(exactly: 0) == [])
        }
    }

    @Test(arguments: Ground.all)
    func `an exact read of more than a buffer holds is put together`(
        ground: Ground
    ) async throws {
        let message = pattern(300_000)
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            try spawn { try await left.write(message + [1, 2, 3]) }
            try #require(try await right.read(exactly: message.count) == message)
            try #require(try await right.read(exactly: 3) == [1, 2, 3])
        }
    }

    @Test(arguments: [1, 2, 3, 1000])
    func `lines end with LF or CR LF, and the last one need not end`(atMost: Int) throws {
        try simulated(cutting: atMost) { left, right in
            try await left.write("one\ntwo\r\n\n\r\nhalf\rway\nlast")
            left.close()
            var lines: [String] = []
            while let line = try await right.readLine() { lines.append(line) }
            try #require(lines == ["one", "two", "", "", "half\rway", "last"])
        }
    }

    @Test(arguments: Ground.all)
    func `reading up to a byte gives that byte too, and the rest to the next read`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try await left.write("key=value;rest")
            try #require(try await right.read(until: UInt8(ascii: "=")) == Array("key=".utf8))
            try #require(try await right.read(until: UInt8(ascii: ";")) == Array("value;".utf8))
            try #require(try await right.readPiece(ofAtMost: 3) == Array("res".utf8))
            left.close()
            try #require(try await readAll(right) == Array("t".utf8))
        }
    }

    @Test(arguments: [1, 3, 1000])
    func `a line at the limit is read, a longer one is an error that loses nothing`(
        atMost: Int
    ) throws {
        try simulated(cutting: atMost) { left, right in
            try await left.write("1234\n12345\n")
            left.close()
            try #require(try await right.readLine(limit: 5) == "1234")
            for _ in 0..<2 {
                try #require(
                    await ioError { try await right.readLine(limit: 5) }
                        == IOError(.read, .tooLong))
            }
            try #require(try await right.readLine(limit: 6) == "12345")
            try #require(try await right.readLine(limit: 5) == nil)
        }
    }

    @Test(arguments: Ground.all)
    func `a peer that never ends its line fills no memory`(
        ground: Ground
    ) async throws {
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            try await right.setOption(.receiveBuffer, to: 65_536)
            let writer = try spawn { try await left.write([UInt8](repeating: 7, count: 1 << 22)) }
            try #require(
                await ioError { try await right.readLine(limit: 1000) }
                    == IOError(.read, .tooLong))
            let held = EventLoop.current?.executor.state.table[unread: right.socket.id].count
            try #require((held ?? .max) <= 1000 + BufferPool.bufferSize)
            writer.cancel()
        }
    }

    @Test(arguments: Ground.all)
    func `many lines in one packet are each read once`(
        ground: Ground
    ) async throws {
        let count = 2_000
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            try spawn {
                try await left.write((0..<count).map { "\($0)\n" }.joined())
                left.close()
            }
            var sum = 0
            while let line = try await right.readLine() { sum += Int(line) ?? 0 }
            try #require(sum == count * (count - 1) / 2)
        }
    }

    @Test func `a read that times out half-way gives its bytes to the next one`() throws {
        try simulated { world in
            let (left, right) = try await makeConnectionPair()
            try await left.write("half a li")
            let error = await ioError { try await right.readLine(timeout: .seconds(60)) }
            try #require(error == IOError(.read, .timedOut))
            try #require(world.elapsed == .seconds(60))
            try await left.write("ne\n")
            try #require(try await right.readLine() == "half a line")
        }
    }

    @Test func `received bytes lend themselves as a span`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            try await left.write("abc")
            guard let bytes = try await right.read() else { return #expect(Bool(false)) }
            let span = bytes.span
            #expect(span.count == 3)
            #expect(span[1] == UInt8(ascii: "b"))
            try await right.write(span.bytes)
            try #require(try await left.read(exactly: 3) == Array("abc".utf8))
        }
    }

    @Test(arguments: Ground.all)
    func `every form of writing sends the same bytes`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            let bytes = Array("grüße".utf8)
            try await left.write("grüße")
            try await left.write(bytes)
            try await left.write([])
            try await left.write("")
            try await left.write(bytes.span.bytes)
            try await left.write(UnsafeRawBufferPointer(start: nil, count: 0).bytes)
            // What was received can be sent on as it is.
            try await right.write("grüße")
            if let bytes = try await left.read() { try await left.write(bytes) }
            left.close()
            try #require(try await readAll(right) == bytes + bytes + bytes + bytes)
        }
    }
}

/// Runs `body` under many schedules with a connection between two hosts, on which everything
/// travels and is read in parts of at most so many bytes.
private func simulated(
    cutting most: Int, test: StaticString = #function,
    _ body: @escaping @Sendable (_ left: Connection, _ right: Connection) async throws -> Void
) throws {
    try simulated(test: test) { world in
        world.network.inject(.splitSegments(ofAtMost: most))
        let peer = world.host("peer")
        let (right, left) = try await world.makeConnectionPair(with: peer)
        try await body(left, right)
    }
}
