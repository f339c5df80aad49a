import Syscalls
import Testing

@testable import Swiftlet

/// What calls take and give in the form in which a user has it: addresses as text, parts of arrays
/// and texts, several pieces, received bytes as a span, errors by name.
@Suite struct ConnectionTextTests {
    @Test func `an address may be text`() async throws {
        try await onLoop {
            let listener = try await Listener.bind(to: "127.0.0.1:0")
            let text = "\(listener.address)"
            async let accepted = listener.accept()
            let peer = try await Connection.connect(to: text) { $0.remoteAddress }
            #expect(peer == listener.address)
            (try await accepted).close()
            async let next = listener.accept()
            try await Connection.connect(to: text).close()
            (try await next).close()
            await #expect(throws: SocketAddress.ParseError.self) {
                try await Connection.connect(to: "nowhere").close()
            }
        }
    }

    @Test func `parts and pieces are written`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let bytes = Array("0123456789".utf8)
            try await left.write(bytes[2..<4])
            try await left.write("abcdef".dropFirst(4))
            try await left.write(bytes.span.extracting(8..<10))
            try await left.write(pieces: [bytes, [], Array("xyz".utf8)])
            left.close()
            let text = String(decoding: try await readAll(right), as: UTF8.self)
            #expect(text == "23ef890123456789xyz")
        }
    }

    @Test func `several pieces are one call`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let before = loopStatistics().sends
            try await left.write(pieces: [[1], [2, 3], [4]])
            #expect(loopStatistics().sends == before + 1)
            #expect(try await right.read(exactly: 4) == [1, 2, 3, 4])
        }
    }

    @Test(arguments: Ground.all)
    func `pieces that do not fit go on where the kernel stopped`(ground: Ground) async throws {
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 16_384)
            var pieces: [[UInt8]] = [[], pattern(200_000), [1], []]
            for seed in 0..<2_000 { pieces.append(pattern(seed % 7 * 100, seed: seed)) }
            let all = Array(pieces.joined())
            let reader = try spawn { try await readAll(right) }

            try await left.write(pieces: pieces)
            left.close()

            try #require(try await reader.value == all)
        }
    }

    @Test(arguments: Ground.all)
    func `pieces that are cut end in a reset`(ground: Ground) async throws {
        try await ground.run(seeds: 0..<5) {
            let (left, right) = try await makeConnectionPair()
            try await left.setOption(.sendBuffer, to: 16_384)
            let pieces = Array(repeating: pattern(1 << 20), count: 8)

            let error = await ioError {
                try await left.write(pieces: pieces, timeout: .milliseconds(1))
            }
            left.close()

            try #require(error == IOError(.write, .timedOut))
            try #require(
                await ioError { try await readAll(right) }
                    == IOError(.read, .system(.connectionReset)))
        }
    }

    @Test func `received bytes are walked, sliced and passed on`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write("hello")
            if let bytes = try await right.read() {
                #expect(bytes.indices.map { bytes[$0] } == Array("hello".utf8))
                #expect(bytes.span.count == 5 && bytes[1..<3].count == 2)
                try await right.write(bytes[1..<3])
                try await right.write(bytes.span)
            }
            right.close()
            #expect(String(decoding: try await readAll(left), as: UTF8.self) == "elhello")
        }
    }

    @Test func `an error is caught by its reason`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            var caught: [String] = []
            for _ in 0..<2 {
                do {
                    _ = try await left.readLine(timeout: .nanoseconds(1))
                } catch IOError.timedOut {
                    caught.append("timed out")
                } catch {
                    caught.append("\(error)")
                }
            }
            left.close()
            do {
                _ = try await left.read(exactly: 1)
            } catch IOError.closed {
                caught.append("closed")
            }
            do {
                try await Connection.connect(to: unusedAddress()).close()
            } catch IOError.system(.connectionRefused) {
                caught.append("refused")
            }
            #expect(caught == ["timed out", "timed out", "closed", "refused"])
            right.close()
        }
    }
}

/// What matches an error in a `catch`, whatever it is about.
@Suite struct IOErrorPatternTests {
    static let patterns: [(IOError.Reason, IOError.Pattern)] = [
        (.timedOut, IOError.timedOut), (.cancelled, IOError.cancelled), (.closed, IOError.closed),
        (.busy, IOError.busy), (.loopEnded, IOError.loopEnded), (.noLoop, IOError.noLoop),
        (.endOfStream, IOError.endOfStream), (.tooLong, IOError.tooLong),
        (.outOfRange(-1), IOError.outOfRange), (.system(.brokenPipe), IOError.system),
    ]

    @Test func `each reason has a pattern, which matches no other one`() {
        for (index, (reason, _)) in Self.patterns.enumerated() {
            for (place, (_, pattern)) in Self.patterns.enumerated() {
                #expect((pattern ~= IOError(.read, reason)) == (index == place), "\(reason)")
            }
        }
        #expect(!(IOError.outOfRange ~= CancellationError()))
        #expect(IOError.outOfRange ~= IOError(.spawn, .outOfRange(0)))
        #expect(!(IOError.system(.brokenPipe) ~= IOError(.write, .system(.connectionReset))))
    }

    @Test func `what came from outside is caught as out of range`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            var isCaught = false
            do {
                _ = try await left.read(exactly: -4)
            } catch IOError.outOfRange {
                isCaught = true
            }
            #expect(isCaught)
            left.close()
            right.close()
        }
    }
}

/// An address on which nobody listens.
private func unusedAddress() async throws -> SocketAddress {
    let listener = try await Listener.bind(to: anyPort())
    listener.close()
    return listener.address
}
