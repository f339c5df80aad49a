import Foundation
import Swiftlet
import SwiftletSimulation
import Testing

// The samples of docs/guide.md, word for word: `TidyTests` finds each of them here, or in the file
// about several loops. They use nothing but what a user of the library has, so there is no
// `@testable` above.

@Suite struct GuideTests {
    @Test func `a loop runs until its body returns`() async throws {
        let greeting = try await onOwnLoop {
            let address = try await startGreeter().address
            return try await onThread {
                let greeting = try EventLoop.run(driver: .epoll) {
                    try await Connection.connect(to: address, timeout: .seconds(5)) {
                        try await $0.readLine()
                    }
                }
                return greeting
            }
        }
        #expect(greeting == "welcome")
    }

    @Test func `a server serves until its task is cancelled`() async throws {
        let failure = try await onOwnLoop {
            let serving = try spawn {
                try await StreamServer.serve(on: "127.0.0.1:0") { connection in
                    while let bytes = try await connection.read() {
                        try await connection.write(bytes)
                    }
                }
            }
            await Task.yield()
            serving.cancel()
            return await ioError { try await serving.value }
        }
        #expect(failure?.reason == .cancelled)
    }

    @Test func `lines and messages are taken out of the stream`() async throws {
        @Sendable func readMessage(from connection: Connection) async throws -> [UInt8]? {
            guard let head = try await connection.read(exactly: 4) else { return nil }
            let length = head.reduce(0) { $0 << 8 | Int($1) }
            guard length <= 1 << 20 else { throw IOError(.read, .tooLong) }
            guard let message = try await connection.read(exactly: length) else {
                throw IOError(.read, .endOfStream)
            }
            return message
        }
        try await onOwnLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write([0, 0, 0, 2, 7, 8, 0, 255, 0, 0])
            #expect(try await readMessage(from: right) == [7, 8])
            #expect(await ioError { try await readMessage(from: right) }?.reason == .tooLong)
        }
    }

    @Test func `bytes are read into the caller's memory`() async throws {
        @Sendable func countBytes(of connection: Connection) async throws -> Int {
            var bytes = [UInt8](repeating: 0, count: 4096)
            var span = bytes.mutableSpan
            var memory = span.mutableBytes
            var total = 0
            while let count = try await connection.read(into: &memory) { total += count }
            return total
        }
        let count = try await onOwnLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write([UInt8](repeating: 1, count: 10_000))
            left.close()
            return try await countBytes(of: right)
        }
        #expect(count == 10_000)
    }

    @Test func `after a half-close the answer still comes`() async throws {
        let answer = try await onOwnLoop {
            let address = try await startGreeter().address
            let answer = try await Connection.connect(to: address) { connection in
                try await connection.write("one\ntwo\n")
                try await connection.closeWrite()
                var answer: [UInt8] = []
                while let bytes = try await connection.read() { answer += Array(bytes) }
                return answer
            }
            return String(decoding: answer, as: UTF8.self)
        }
        #expect(answer == "welcome\nONE\nTWO\n")
    }

    @Test func `an operation and a scope have timeouts`() async throws {
        try await onOwnLoop {
            let server = try await startGreeter()
            let connection = try await Connection.connect(to: server.address)
            let line = try await connection.readLine(timeout: .seconds(5))
            #expect(line == "welcome")
            let reply = try await withTimeout(.seconds(5)) {
                try await connection.write("HELLO\r\n")
                return try await connection.readLine()
            }
            #expect(reply == "HELLO")
            try await connection.write("again\n")
            let bytes = try await withTimeout(.seconds(5)) { try await connection.read() }
            if let bytes { #expect(String(decoding: bytes) == "AGAIN\n") }
        }
    }

    @Test func `a spawned task is cancelled and the connection is still good`() async throws {
        try await onOwnLoop {
            let (connection, peer) = try await makeConnectionPair()
            let waiting = try spawn { try await connection.readLine() }
            try await sleep(for: .milliseconds(1))
            waiting.cancel()
            #expect(await ioError { try await waiting.value }?.reason == .cancelled)
            try await peer.write("later\n")
            #expect(try await connection.readLine() == "later")
        }
    }

    @Test func `child tasks run on the loop`() async throws {
        let lines = try await onOwnLoop {
            let addresses = [
                try await startGreeter().address, try await startGreeter().address,
            ]
            let lines = try await withThrowingTaskGroup(of: String?.self) { group in
                for address in addresses {
                    group.addTask {
                        try await Connection.connect(to: address) { try await $0.readLine() }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            return lines
        }
        #expect(lines == ["welcome", "welcome"])
    }

    @Test func `a server has limits and stops`() async throws {
        try Simulation(seed: 1).run { _ in
            var options = StreamServer.Options()
            options.maxConnections = 10_000
            options.idleTimeout = .seconds(60)
            options.onError = { error, connection in
                print("\(connection.remoteAddress): \(error)")
            }
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:0"))
            let server = StreamServer(listener: listener, options: options)
            try spawn {
                try await sleep(for: .seconds(3600))
                server.stop(grace: .seconds(5))
            }
            try await server.serve(handler: shout)
            print("served \(server.statistics.accepted) connections on \(server.address)")
        }
    }

    @Test func `errors say what went wrong`() async throws {
        try await onOwnLoop {
            let (connection, peer) = try await makeConnectionPair()
            peer.close()
            do throws(IOError) {
                _ = try await connection.read(exactly: 100, timeout: .seconds(5))
            } catch {
                switch error.reason {
                case .timedOut: print("too slow")
                case .endOfStream: print("the peer has left early")
                case .cancelled: print("nobody wants the answer any more")
                case .system(let errno): print("the kernel says: \(errno), \(errno.name)")
                default: print("something else: \(error)")
                }
            }
            do {
                _ = try await peer.readLine()
            } catch IOError.closed {
                print("this end is closed")
            }
            #expect(try await connection.read(exactly: 0) == [])
        }
    }

    @Test func `a read that has timed out is tried again`() throws {
        @Sendable func readPatiently(from connection: Connection) async throws -> String? {
            for attempt in 1...3 {
                do {
                    return try await connection.readLine(timeout: .seconds(5))
                } catch {
                    guard error.reason == .timedOut else { throw error }
                    print("nothing yet after attempt \(attempt)")
                }
            }
            return nil
        }

        try Simulation(seed: 1).run { world in
            let (connection, peer) = try await makeConnectionPair()
            try spawn {
                try await sleep(for: .seconds(12))
                try await peer.write("hello\n")
            }

            let line = try await readPatiently(from: connection)
            try #require(line == "hello")
            try #require(world.elapsed == .seconds(12))
        }
    }
}

@Suite struct GuideThreadTests {
    @Test func `a long computation leaves the loop and comes back`() async throws {
        try await onOwnLoop {
            let numbers = Array(1...1_000)
            let here = thisThread()
            let sum = await withTaskExecutorPreference(globalConcurrentExecutor) {
                numbers.reduce(0, &+)
            }
            #expect(sum == 500_500)
            #expect(thisThread() == here)
        }
    }

    @Test func `a task of the pool uses a connection of the loop`() async throws {
        try await onOwnLoop {
            let (connection, peer) = try await makeConnectionPair()
            try await peer.write("hello\n")
            let line = try await Task.detached { try await connection.readLine() }.value
            #expect(line == "hello")
        }
    }

    @Test func `Task runs elsewhere and a detached one knows no loop`() async throws {
        try await onOwnLoop {
            let here = thisThread()
            #expect(await Task { thisThread() }.value != here)
            #expect(await Task { EventLoop.current != nil }.value)
            let failure = await Task.detached { await ioError { try spawn {} } }.value
            #expect(failure?.reason == .noLoop)
        }
    }

    @Test func `an actor is bound to the loop`() async throws {
        actor Counter {
            private let loop: EventLoop
            private(set) var value = 0
            nonisolated var unownedExecutor: UnownedSerialExecutor {
                loop.taskExecutor.asUnownedSerialExecutor()
            }
            init(on loop: EventLoop) { self.loop = loop }
            func increment() { value += 1 }
        }
        let value = try await onOwnLoop {
            guard let loop = EventLoop.current else { throw IOError(.park, .noLoop) }
            let counter = Counter(on: loop)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { await counter.increment() } }
            }
            return await counter.value
        }
        #expect(value == 10)
    }

    @Test func `a task parks on a pipe`() async throws {
        let received = try await onOwnLoop {
            var ends: [CInt] = [0, 0]
            guard pipe(&ends) == 0, fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 else { return 0 }
            let writer = ends[1]
            try spawn { _ = write(writer, "x", 1) }
            var byte: UInt8 = 0
            guard let loop = EventLoop.current else { throw IOError(.park, .noLoop) }
            try await loop.park(on: RawDescriptor(ends[0]), for: .read)
            let count = read(ends[0], &byte, 1)
            await loop.forget(RawDescriptor(ends[0]))
            close(ends[0])
            close(ends[1])
            return count
        }
        #expect(received == 1)
    }

    @Test func `a test of a handler`() async throws {
        let reply = try await onOwnLoop {
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:0"))
            let server = StreamServer(listener: listener)
            async let serving: Void = server.serve(handler: shout)
            let reply = try await Connection.connect(to: server.address) { connection in
                try await connection.write("hello\n")
                return try await connection.readLine()
            }
            server.stop()
            try await serving
            return reply
        }
        #expect(reply == "HELLO")
    }
}

/// Runs `body` on an event loop of its own, in a thread of its own.
func onOwnLoop<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(with: Result { try EventLoop.run(body) })
        }
    }
}

@Sendable func shout(_ connection: Connection) async throws {
    while let line = try await connection.readLine(limit: 1_000, timeout: .seconds(30)) {
        try await connection.write(line.uppercased() + "\n")
    }
}

/// Starts a server on the calling loop that says welcome, and then shouts.
private func startGreeter() async throws -> StreamServer {
    let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
    try spawn {
        try await server.serve { connection in
            try await connection.write("welcome\n")
            try await shout(connection)
        }
    }
    return server
}
