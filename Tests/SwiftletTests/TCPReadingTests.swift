import Syscalls
import Testing

@testable import Swiftlet

/// The forms of reading and writing, and what they leave for the next one.
@Suite(.serialized) struct TCPReadingTests {
    @Test func `the caller's memory is filled with what is there and no more`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 1)
            defer { memory.deallocate() }
            try await left.write("abcdef")
            #expect(try await right.read(into: memory) == 4)
            #expect(Array(memory) == Array("abcd".utf8))
            #expect(try await right.read(into: memory) == 2)
            #expect(Array(memory.prefix(2)) == Array("ef".utf8))
            left.close()
            #expect(try await right.read(into: memory) == 0)
            #expect(try await right.read(into: memory) == 0)
        }
    }

    @Test func `an exact read waits for the last byte`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let reader = try spawn { try await right.read(exactly: 6) }
            for letter in ["a", "bc", "def", "g"] {
                try await left.write(letter)
                await Task.yield()
            }
            #expect(try await reader.value == Array("abcdef".utf8))
            #expect(try await right.read(exactly: 1) == Array("g".utf8))
            #expect(try await right.read(exactly: 0) == [])
        }
    }

    @Test func `an exact read that meets the end of the stream gives its bytes back`() async throws
    {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write("abc")
            left.close()
            let error = await ioError { try await right.read(exactly: 4) }
            #expect(error == IOError(.read, .endOfStream))
            #expect(try await right.read(exactly: 3) == Array("abc".utf8))
            #expect(try await right.readLine() == nil)
        }
    }

    @Test func `an exact read of more than a buffer holds is put together`() async throws {
        let message = pattern(300_000)
        let received = try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try spawn { try await left.write(message + [1, 2, 3]) }
            let received = try await right.read(exactly: message.count)
            #expect(try await right.read(exactly: 3) == [1, 2, 3])
            return received
        }
        #expect(received == message)
    }

    @Test(arguments: [1, 2, 3, Int.max])
    func `lines end with LF or CR LF, and the last one need not end`(atMost: Int) async throws {
        var faults = FaultySockets.Faults()
        faults.receiveAtMost = atMost
        let lines = try await onLoop(sockets: FaultySockets(faults)) {
            let (left, right) = try await makeConnectionPair()
            try await left.write("one\ntwo\r\n\n\r\nhalf\rway\nlast")
            left.close()
            var lines: [String] = []
            while let line = try await right.readLine() { lines.append(line) }
            return lines
        }
        #expect(lines == ["one", "two", "", "", "half\rway", "last"])
    }

    @Test func `reading up to a byte gives that byte too, and the rest to the next read`()
        async throws
    {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write("key=value;rest")
            #expect(try await right.read(until: UInt8(ascii: "=")) == Array("key=".utf8))
            #expect(try await right.read(until: UInt8(ascii: ";")) == Array("value;".utf8))
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 3, alignment: 1)
            defer { memory.deallocate() }
            #expect(try await right.read(into: memory) == 3)
            #expect(Array(memory) == Array("res".utf8))
            left.close()
            #expect(try await readAll(right) == Array("t".utf8))
        }
    }

    @Test func `a line at the limit is read, a longer one is an error that loses nothing`()
        async throws
    {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write("1234\n12345\n")
            left.close()
            #expect(try await right.readLine(limit: 5) == "1234")
            for _ in 0..<2 {
                #expect(
                    await ioError { try await right.readLine(limit: 5) }
                        == IOError(.read, .tooLong))
            }
            #expect(try await right.readLine(limit: 6) == "12345")
            #expect(try await right.readLine(limit: 5) == nil)
        }
    }

    @Test func `a peer that never ends its line fills no memory`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await right.setOption(.receiveBuffer, to: 65_536)
            let writer = try spawn { try await left.write([UInt8](repeating: 7, count: 1 << 22)) }
            #expect(
                await ioError { try await right.readLine(limit: 1000) }
                    == IOError(.read, .tooLong))
            let held = EventLoop.current?.executor.state.table[unread: right.socket.id].count
            #expect((held ?? .max) <= 1000 + BufferPool.bufferSize)
            writer.cancel()
        }
    }

    @Test func `many lines in one packet are each read once`() async throws {
        let count = 2_000
        let sum = try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try spawn {
                try await left.write((0..<count).map { "\($0)\n" }.joined())
                left.close()
            }
            var sum = 0
            while let line = try await right.readLine() { sum += Int(line) ?? 0 }
            return sum
        }
        #expect(sum == count * (count - 1) / 2)
    }

    @Test func `a read that times out half-way gives its bytes to the next one`() async throws {
        try await onJumpingLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write("half a li")
            let error = await ioError { try await right.readLine(timeout: .seconds(60)) }
            #expect(error == IOError(.read, .timedOut))
            try await left.write("ne\n")
            #expect(try await right.readLine() == "half a line")
        }
    }

    @Test func `every form of writing sends the same bytes`() async throws {
        let received = try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let bytes = Array("grüße".utf8)
            try await left.write("grüße")
            try await left.write(bytes)
            try await left.write([])
            try await left.write("")
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 7, alignment: 1)
            defer { memory.deallocate() }
            memory.copyBytes(from: bytes)
            try await left.write(UnsafeRawBufferPointer(memory))
            try await left.write(UnsafeRawBufferPointer(start: nil, count: 0))
            // What was received can be sent on as it is.
            try await right.write("grüße")
            if let bytes = try await left.read() { try await left.write(bytes) }
            left.close()
            return try await readAll(right)
        }
        #expect(String(decoding: received, as: UTF8.self) == "grüßegrüßegrüßegrüße")
    }
}
