import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// How long anything takes between two hosts here, so that a test can hit the instant at which it
/// arrives.
private let latency = Duration.milliseconds(20)

/// What ended a park.
private enum First: Hashable { case readiness, cancellation, deadline }

/// Two things that end a park come at the very same instant. Mostly it is up to the schedule which
/// comes first; then each order is seen, and nothing is lost in either.
@Suite struct SameInstantTests {
    /// What comes to a reader from the other end.
    enum News: CaseIterable {
        case bytes, end, reset

        func send(on connection: Connection) async throws {
            switch self {
            case .bytes: try await connection.write("ab")
            case .end: connection.close()
            case .reset: try await connection.reset()
            }
        }

        /// Whether a read had this to tell.
        func isToldBy(_ result: Result<[UInt8]?, any Error>) -> Bool {
            switch (self, result) {
            case (.bytes, .success(let bytes)): bytes == Array("ab".utf8)
            case (.end, .success(let bytes)): bytes == nil
            case (.reset, .failure(let error)):
                error as? IOError == IOError(.read, .system(.connectionReset))
            default: false
            }
        }
    }

    /// A connection, and its other end, which is on another host and sends its news now.
    private static func makePair(
        sending news: News, in world: World
    ) async throws -> (Connection, Connection) {
        world.network.inject(.latency(.constant(latency)))
        let peer = world.host("peer")
        let (left, right) = try await world.makeConnectionPair(with: peer)
        try peer.spawn { try await news.send(on: right) }
        return (left, right)
    }

    /// What a read comes back with, in memory of its own.
    private static func read(
        _ connection: Connection, timeout: Duration? = nil
    ) async -> Result<[UInt8]?, any Error> {
        do {
            guard let bytes = try await connection.read(timeout: timeout) else {
                return .success(nil)
            }
            return .success(Array(bytes))
        } catch {
            return .failure(error)
        }
    }

    @Test(arguments: News.allCases)
    func `news and a cancellation`(news: News) throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            let (left, _) = try await Self.makePair(sending: news, in: world)
            let reader = try spawn { await Self.read(left) }
            try await sleep(for: latency)
            reader.cancel()
            let result = try await reader.value
            if news.isToldBy(result) { return .readiness }
            try #require(throws: IOError(.read, .cancelled)) { try result.get() }
            try #require(news.isToldBy(await Self.read(left)))
            return .cancellation
        }
    }

    @Test(arguments: News.allCases)
    func `news and a deadline`(news: News) throws {
        try simulated(yielding: [.readiness, .deadline]) { world -> First in
            let (left, _) = try await Self.makePair(sending: news, in: world)
            let start = loopNow()
            let result = await Self.read(left, timeout: latency)
            try #require(start.duration(to: loopNow()) == latency)
            if news.isToldBy(result) { return .readiness }
            try #require(throws: IOError(.read, .timedOut)) { try result.get() }
            try #require(news.isToldBy(await Self.read(left)))
            return .deadline
        }
    }

    /// The first reader has its bytes and another one is parked in its place when the cancellation
    /// comes for the first.
    @Test func `a cancellation that comes too late does not meet who reads next`() throws {
        try simulated(seeds: 0..<100) { world in
            let (left, right) = try await Self.makePair(sending: .bytes, in: world)
            let first = try spawn { await Self.read(left) }
            let second = try spawn {
                try await sleep(for: latency)
                while true {
                    let result = await Self.read(left, timeout: .seconds(1))
                    guard case .failure(let error as IOError) = result, error.reason == .busy else {
                        return result
                    }
                    await Task.yield()
                }
            }
            try await sleep(for: latency)
            first.cancel()
            let results = [try await first.value, try await second.value]
            try #require(results.count { News.bytes.isToldBy($0) } == 1)
            if News.bytes.isToldBy(results[0]) {
                try #require(throws: IOError(.read, .timedOut)) { try results[1].get() }
            } else {
                try #require(throws: IOError(.read, .cancelled)) { try results[0].get() }
            }
            right.close()
        }
    }

    @Test func `room for a write and a cancellation`() throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            world.network.inject(.latency(.constant(latency)))
            let peer = world.host("peer")
            let (left, right) = try await world.makeConnectionPair(with: peer)
            // Fills the buffers of both ends.
            let block = [UInt8](repeating: 0, count: 1 << 16)
            while await ioError({ try await left.write(block, timeout: .seconds(1)) }) == nil {}
            let writer = try spawn { await ioError { try await left.write("z") } }
            try await settle()
            let last = Notes<UInt8>()
            let reader = try peer.spawn {
                await ioError { () async throws -> Void in
                    while let bytes = try await right.read() { last.add(bytes[bytes.count - 1]) }
                }
            }
            try await sleep(for: latency)
            writer.cancel()
            let error = try await writer.value
            left.close()
            // A write that broke off makes the end a reset.
            let end = error.map { _ in IOError(.read, .system(.connectionReset)) }
            try #require(try await reader.value == end)
            // The byte has gone if the write says so, and not if it does not.
            let isThere = last.all.last == UInt8(ascii: "z")
            try #require(isThere == (error == nil))
            if isThere { return .readiness }
            try #require(error == IOError(.write, .cancelled))
            return .cancellation
        }
    }

    @Test func `bytes and the end of a scope's time`() throws {
        try simulated(yielding: [.readiness, .deadline]) { world -> First in
            let (left, _) = try await Self.makePair(sending: .bytes, in: world)
            do {
                let bytes = try await withTimeout(latency) { try await left.read(exactly: 2) }
                try #require(bytes == Array("ab".utf8))
                return .readiness
            } catch is TimeoutError {
                try #require(try await left.read(exactly: 2) == Array("ab".utf8))
                return .deadline
            }
        }
    }

    @Test func `work that is done when its time is over has been done`() throws {
        try simulated { world in
            let value = try await withTimeout(latency) {
                try await sleep(for: latency)
                return 42
            }
            try #require(value == 42)
            try #require(world.elapsed == latency)
        }
    }

    @Test func `a deadline comes before a cancellation`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            let reader = try spawn {
                await ioError { try await left.read(timeout: latency) }
            }
            try await sleep(for: latency)
            reader.cancel()
            try #require(try await reader.value == IOError(.read, .timedOut))
            try await right.write("c")
            try #require(try await left.read(exactly: 1) == [UInt8(ascii: "c")])
        }
    }

    /// The owner's parks watch for no cancellation: the server passes it on.
    @Test func `bytes for a handler and the cancellation of its server`() throws {
        try simulated(yielding: [.readiness, .cancellation]) { world -> First in
            world.network.inject(.latency(.constant(latency)))
            let peer = world.host("peer")
            let outcomes = Notes<IOError?>()
            let listener = try await Listener.bind(to: world.home.address(port: 7788))
            let serving = try spawn {
                try await StreamServer(listener: listener).serve { connection in
                    outcomes.add(await ioError { try await connection.read() })
                }
            }
            let client = try await peer.run {
                try await Connection.connect(to: listener.address)
            }
            try await sleep(for: .seconds(1))
            try peer.spawn { try await client.write("x") }
            try await sleep(for: latency)
            serving.cancel()
            _ = await serving.result
            if outcomes.all == [nil] { return .readiness }
            try #require(outcomes.all == [IOError(.read, .cancelled)])
            return .cancellation
        }
    }

    @Test func `readiness, cancellation, closing and a reset end a read once, in every order`()
        throws
    {
        try simulated(seeds: 0..<200) { world in
            world.network.inject(.latency(.constant(latency)))
            let peer = world.host("peer")
            for _ in 0..<5 {
                let (left, right) = try await world.makeConnectionPair(with: peer)
                let reader = try spawn { await ioError { try await left.read() } }
                let steps: [@Sendable () async throws -> Void] = [
                    { _ = try peer.spawn { try? await right.write("x") } },
                    { _ = try peer.spawn { right.close() } },
                    { _ = try peer.spawn { try? await right.reset() } },
                    {
                        _ = try spawn {
                            try await sleep(for: latency); reader.cancel()
                        }
                    },
                    {
                        _ = try spawn {
                            try await sleep(for: latency); left.close()
                        }
                    },
                ]
                for step in steps.shuffled(using: &world.random).prefix(3) { try await step() }
                // A read that nobody ends is a deadlock, one that ends twice stops the program.
                let error = try await reader.value
                let reasons: [IOError.Reason?] = [
                    nil, .cancelled, .closed, .system(.connectionReset),
                ]
                try #require(reasons.contains(error?.reason))
                left.close()
            }
        }
    }
}
