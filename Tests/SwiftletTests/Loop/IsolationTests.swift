import Syscalls
import Testing

@testable import Swiftlet

/// Every call works where Swift code is: on an actor, on the main actor, and in a function that
/// leaves its caller's actor. What a scope lends to its body stays the caller's own.
@Suite struct IsolationTests {
    @Test func `an actor uses every call`() async throws {
        try await onLoop {
            let server = try await startEcho()
            let client = Client()
            #expect(try await client.talk(to: server.address) == 5)
            server.stop()
        }
    }

    @Test func `the main actor uses every call`() async throws {
        try await onLoop {
            let server = try await startEcho()
            let client = await MainClient()
            #expect(try await client.talk(to: server.address) == 5)
            server.stop()
        }
    }

    @Test func `a concurrent function uses every call`() async throws {
        try await onLoop {
            let server = try await startEcho()
            #expect(try await talkConcurrently(to: server.address) == 5)
            server.stop()
        }
    }

    @Test func `a task of the pool uses every call`() async throws {
        try await onLoop {
            let server = try await startEcho()
            let talking = Task { try await talkConcurrently(to: server.address) }
            #expect(try await talking.value == 5)
            server.stop()
        }
    }

    @Test func `a scope with a time returns bytes that cannot be copied`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write("hello")
            guard let bytes = try await withTimeout(.seconds(60), { try await right.read() })
            else {
                Issue.record("the stream has ended")
                return
            }
            #expect(String(decoding: bytes) == "hello")
        }
    }

    @Test func `a scope whose time is over returns nothing`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            do {
                let bytes = try await withTimeout(.milliseconds(1)) { try await right.read() }
                Issue.record("\(bytes == nil ? "the end" : "bytes") came in time")
            } catch {
                #expect(error as? TimeoutError == TimeoutError(timeout: .milliseconds(1)))
            }
            try await left.write("hello")
            #expect(try await right.readPiece(ofAtMost: 10) == Array("hello".utf8))
        }
    }
}

/// What its owner alone may touch: no other task, no other actor.
private final class Ledger {
    var entries = 0
}

private actor Client {
    private let ledger = Ledger()

    func talk(to address: SocketAddress) async throws -> Int {
        let line = try await Connection.connect(to: address) { connection in
            preconditionIsolated()
            ledger.entries += 1
            return try await exchange("hello\n", over: connection)
        }
        let connection = try await Connection.connect(to: address)
        let count = try await withTimeout(.seconds(60)) {
            self.preconditionIsolated()
            self.ledger.entries += 1
            try await connection.write(line + "\n")
            return try await connection.read()?.count ?? 0
        }
        let same = try await withTimeout(.seconds(60)) { self.ledger }
        same.entries += count == 6 ? 1 : 0
        try await useTheRest(of: connection)
        return same.entries + 2
    }
}

@MainActor private final class MainClient {
    private let ledger = Ledger()

    func talk(to address: SocketAddress) async throws -> Int {
        let line = try await Connection.connect(to: address) { connection in
            MainActor.preconditionIsolated()
            ledger.entries += 1
            return try await exchange("hello\n", over: connection)
        }
        let connection = try await Connection.connect(to: address)
        let count = try await withTimeout(.seconds(60)) {
            MainActor.preconditionIsolated()
            self.ledger.entries += 1
            try await connection.write(line + "\n")
            return try await connection.read()?.count ?? 0
        }
        let same = try await withTimeout(.seconds(60)) { self.ledger }
        same.entries += count == 6 ? 1 : 0
        try await useTheRest(of: connection)
        return same.entries + 2
    }
}

@concurrent private func talkConcurrently(to address: SocketAddress) async throws -> Int {
    let ledger = Ledger()
    let line = try await Connection.connect(to: address) { connection in
        ledger.entries += 1
        return try await exchange("hello\n", over: connection)
    }
    let connection = try await Connection.connect(to: address)
    let count = try await withTimeout(.seconds(60)) {
        ledger.entries += 1
        try await connection.write(line + "\n")
        return try await connection.read()?.count ?? 0
    }
    let same = try await withTimeout(.seconds(60)) { ledger }
    same.entries += count == 6 ? 1 : 0
    try await useTheRest(of: connection)
    return same.entries + 2
}

private nonisolated(nonsending) func exchange(
    _ text: String, over connection: Connection
) async throws -> String {
    try await connection.write(text)
    return try await connection.readLine() ?? ""
}

/// The calls that take no body, from where the caller is.
private nonisolated(nonsending) func useTheRest(of connection: Connection) async throws {
    try await connection.write(Array("abcdefg\n".utf8))
    #expect(try await connection.read(exactly: 2)?.count == 2)
    #expect(try await connection.read(until: UInt8(ascii: "f"))?.count == 4)
    #expect(try await connection.readPiece(ofAtMost: 10)?.count == 2)
    try await connection.setOption(.keepAlive, to: 1)
    #expect(try await connection.option(.keepAlive) == 1)
    #expect(try await connection.localAddress != connection.remoteAddress)
    try await connection.closeWrite()
    #expect(try await connection.readLine() == nil)
    try await sleep(for: .nanoseconds(1))
    let loop = try #require(EventLoop.current)
    #expect(await loop.statistics.turns > 0)
    _ = await loop.parkReports
    let listener = try await Listener.bind(to: anyPort())
    let accepting = try spawn { try await listener.accept() }
    let caller = try await Connection.connect(to: listener.address)
    let accepted = try await accepting.value
    try await accepted.reset()
    caller.close()
    await loop.forget(RawDescriptor(4000))
}

/// Starts an echo service on the calling loop.
private func startEcho() async throws -> StreamServer {
    let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
    try spawn { try await server.serve(handler: echoBack) }
    return server
}
