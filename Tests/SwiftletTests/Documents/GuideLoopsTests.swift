import Swiftlet
import Testing

// The samples of docs/guide.md that are about several loops and about who waits, word for word.

@Suite struct GuideLoopsTests {
    @Test func `a server serves on several loops`() async throws {
        let counts = try await onThread {
            let counts = try EventLoop.run(driver: .epoll, loops: 4) {
                let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:0"))
                let server = StreamServer(listener: listener)
                try spawn { try await welcomeEightClients(of: server) }
                try await server.serve(handler: shout)
                var counts: [Int] = []
                for loop in EventLoop.all { counts.append(await loop.statistics.connections) }
                return counts
            }
            return counts
        }
        #expect(counts == [2, 2, 2, 2])
    }

    @Test func `a task is started on each loop`() async throws {
        let sums = try await onThread {
            try EventLoop.run(loops: 3) {
                let sums = try await withThrowingTaskGroup(of: Int.self) { group in
                    for (place, loop) in EventLoop.all.enumerated() {
                        let part = try loop.spawn { (1...1_000).reduce(0) { $0 + $1 * place } }
                        group.addTask { try await part.value }
                    }
                    return try await group.reduce(0, +)
                }
                return sums
            }
        }
        #expect(sums == 500_500 * 3)
    }

    @Test func `each loop has a listener`() async throws {
        let accepted = try await onThread {
            try EventLoop.run(loops: 3) {
                let address = try SocketAddress("127.0.0.1:0")
                let listeners = try await Listener.bindOnEachLoop(to: address)
                let server = try StreamServer(listeners: listeners)
                try spawn { try await welcomeEightClients(of: server) }
                try await server.serve(handler: shout)
                return server.statistics.accepted
            }
        }
        #expect(accepted == 8)
    }

    @Test func `everybody who waits is printed, in the caller's place`() async throws {
        @Sendable func printWhoWaits() async {
            for loop in EventLoop.all {
                for report in await loop.parkReports { print(report) }
            }
        }
        @Sendable func ask(
            _ question: String, _ connection: Connection,
            file: SourceFile = #fileID, line: UInt32 = #line
        ) async throws -> String? {
            try await connection.write(question + "\n")
            return try await connection.readLine(file: file, line: line)
        }
        let line: UInt32 = #line + 4
        let places = try await onOwnLoop {
            let (left, right) = try await makeConnectionPair()
            try spawn {
                _ = try await ask("who waits?", left)
            }
            _ = try await right.readLine()
            await printWhoWaits()
            return await EventLoop.current?.parkReports.map(\.place)
        }
        #expect(places == ["SwiftletTests/GuideLoopsTests.swift:\(line)"])
    }
}

/// Has eight clients served, one after the other, and stops the server.
private func welcomeEightClients(of server: StreamServer) async throws {
    for _ in 0..<8 {
        let reply = try await Connection.connect(to: server.address) { connection in
            try await connection.write("hello\n")
            return try await connection.readLine()
        }
        #expect(reply == "HELLO")
        while server.statistics.open > 0 { await Task.yield() }
    }
    server.stop()
}
