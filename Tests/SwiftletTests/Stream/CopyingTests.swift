import Syscalls
import Testing

@testable import Swiftlet

/// Bytes that are passed on from one stream to another, one way and both ways.
@Suite struct CopyingTests {
    /// A relay that runs: how many bytes came from each end, or what went wrong.
    private typealias Relaying = Task<Result<[Int], IOError>, any Error>

    /// Two connections, and between their far ends a relay.
    private nonisolated(nonsending) func withRelay(
        _ body: (_ one: Connection, _ other: Connection, Relaying) async throws -> Void
    ) async throws {
        let (one, inner) = try await makeConnectionPair()
        let (outer, other) = try await makeConnectionPair()
        let relaying = try spawn { () -> Result<[Int], IOError> in
            do throws(IOError) {
                let bytes = try await relay(between: inner, and: outer)
                return .success([bytes.fromOne, bytes.fromOther])
            } catch {
                return .failure(error)
            }
        }
        try await body(one, other, relaying)
        for connection in [one, inner, outer, other] { connection.close() }
        _ = await relaying.result
    }

    @Test func `all that comes is copied, and both stay open`() async throws {
        try await onLoop {
            let (source, writer) = try await makeConnectionPair()
            let (sink, reader) = try await makeConnectionPair()
            let bytes = [UInt8](repeating: 7, count: 1_000_000)
            async let received = reader.read(exactly: bytes.count + 1)
            async let copied = copy(from: source, to: sink)
            try await writer.write(bytes)
            try await writer.closeWrite()
            #expect(try await copied == bytes.count)
            try await sink.write("x")
            #expect(try await received == bytes + [120])
            try await source.write("y")
            #expect(try await writer.read(exactly: 1) == [121])
        }
    }

    @Test func `one end of a relay may end its stream, and the other goes on`() async throws {
        try simulated { _ in
            try await withRelay { one, other, relaying in
                try await one.write("question\n")
                try await one.closeWrite()
                try #require(try await other.readLine() == "question")
                try #require(try await other.readLine() == nil)
                for number in 1...3 { try await other.write("answer \(number)\n") }
                try #require(try await one.readLine() == "answer 1")
                try await other.closeWrite()
                try #require(try await one.readLine() == "answer 2")
                try #require(try await one.readLine() == "answer 3")
                try #require(try await one.readLine() == nil)
                try #require(try await relaying.value == .success([9, 27]))
            }
        }
    }

    @Test func `a relay passes both ways at once`() async throws {
        try await onLoop {
            try await withRelay { one, other, relaying in
                let bytes = [UInt8](repeating: 7, count: 3_000_000)
                let total = try await withThrowingTaskGroup(of: Int.self) { group in
                    for end in [one, other] {
                        group.addTask {
                            try await end.write(bytes)
                            try await end.closeWrite()
                            return 0
                        }
                        group.addTask {
                            var count = 0
                            while let bytes = try await end.read() { count += bytes.count }
                            return count
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(total == 6_000_000)
                #expect(try await relaying.value == .success([3_000_000, 3_000_000]))
            }
        }
    }

    @Test func `a reset at one end is a reset at the other`() async throws {
        try simulated { _ in
            try await withRelay { one, other, relaying in
                try await one.write("half a ")
                try #require(try await other.read(exactly: 7) == Array("half a ".utf8))
                try await one.reset()
                let error = await ioError { try await other.read() }
                try #require(error?.reason == .system(.connectionReset))
                let failure = IOError(.read, .system(.connectionReset))
                try #require(try await relaying.value == .failure(failure))
            }
        }
    }

    @Test func `a relay that is cancelled tells both ends by a reset`() async throws {
        try simulated { _ in
            try await withRelay { one, other, relaying in
                try await one.write("x")
                try #require(try await other.read(exactly: 1) == [120])
                relaying.cancel()
                let failure = IOError(.read, .cancelled)
                try #require(try await relaying.value == .failure(failure))
                for end in [one, other] {
                    let error = await ioError { try await end.read() }
                    try #require(error?.reason == .system(.connectionReset))
                }
            }
        }
    }
}
