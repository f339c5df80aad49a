import Syscalls
import Testing

@testable import Swiftlet

/// Connections in the hands of tasks that do not belong to their loop.
@Suite(.serialized) struct ConnectionForeignTests {
    @Test(arguments: DriverKind.usable)
    func `a detached task uses a connection and stays where it is`(driver: DriverKind) async throws
    {
        try await onLoop(driver) {
            let loopThread = thisThread()
            let (left, right) = try await makeConnectionPair()
            try spawn { try await echoBack(right) }
            let lines = Task.detached {
                var lines: [String] = []
                for number in 0..<50 {
                    try await left.write("line \(number)\n")
                    lines.append(try await left.readLine() ?? "")
                    #expect(thisThread() != loopThread)
                }
                if let bytes = try await left.read(after: "raw") {
                    // These bytes end their life far from the loop that lent them.
                    lines.append(String(decoding: bytes))
                }
                #expect(thisThread() != loopThread)
                return lines
            }
            let expected = (0..<50).map { "line \($0)" } + ["raw"]
            #expect(try await lines.value == expected)
        }
    }

    @Test func `an actor of Swift's own pool is itself again after each call`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try spawn { try await echoBack(right) }
            let client = Client(connection: left)
            let asking = Task.detached {
                for number in 0..<50 {
                    let answer = try await client.ask("\(number)\n")
                    #expect(answer == "\(number)")
                }
            }
            try await asking.value
        }
    }

    @Test func `main-actor code is on the main actor again after each call`() async throws {
        try await onLoop {
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let serving = try spawn {
                try await server.serve { connection in try await serveOnMain(connection) }
            }
            let client = try await Connection.connect(to: listener.address)
            for number in 0..<10 {
                try await client.write("\(number)\n")
                #expect(try await client.readLine() == "\(number)")
            }
            client.close()
            while server.statistics.open > 0 { await Task.yield() }
            server.stop()
            try await serving.value
            #expect(server.statistics.handlerErrors == 0)
        }
    }

    @Test func `a handler on the main actor is cancelled in its read`() async throws {
        try await onLoop {
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            let reasons = Notes<IOError?>()
            let serving = try spawn {
                try await server.serve { connection in
                    reasons.add(await ioError { try await serveOnMain(connection) })
                }
            }
            let client = try await Connection.connect(to: listener.address)
            try await client.write("x\n")
            _ = try await client.readLine()
            await untilParked(2)
            server.stop()
            try await serving.value
            #expect(reasons.all == [IOError(.read, .cancelled)])
        }
    }

    @Test func `two loops in two threads talk, each through the other's connection too`()
        async throws
    {
        let shared = Guarded<Connection?>(nil)
        let echoed = Task {
            try await onLoop(.epoll) {
                while true {
                    guard let connection = shared.withLock({ $0 }) else {
                        await Task.yield()
                        continue
                    }
                    // The connection belongs to the other loop.
                    let thread = thisThread()
                    try await connection.write("from afar\n")
                    let line = try await connection.readLine()
                    #expect(thisThread() == thread)
                    return line
                }
            }
        }
        try await onLoop(.poll) {
            let (left, right) = try await makeConnectionPair()
            shared.withLock { $0 = left }
            try await echoBack(right, lines: 1)
            #expect(try await echoed.value == "from afar")
        }
    }

    @Test func `a connection of a loop that has ended says so, to any number of threads`()
        async throws
    {
        let (loop, left) = try await onLoop {
            let (left, _) = try await makeConnectionPair()
            return (EventLoop.current, left)
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    #expect(await ioError { try await left.read() }?.reason == .loopEnded)
                    #expect(await ioError { try await left.write("x") }?.reason == .loopEnded)
                    #expect(await ioError { try await left.closeWrite() }?.reason == .loopEnded)
                    let parked = await ioError {
                        try await loop?.park(on: left.socket.descriptor, for: .read)
                    }
                    #expect(parked?.reason == .loopEnded)
                    await loop?.forget(left.socket.descriptor)
                    left.close()
                }
            }
        }
    }
}

/// An actor without an executor of its own.
private actor Client {
    private let connection: Connection
    private var asked = 0
    init(connection: Connection) { self.connection = connection }

    func ask(_ question: String) async throws -> String? {
        try await connection.write(question)
        assertIsolated()
        asked += 1
        let answer = try await connection.readLine()
        assertIsolated()
        return answer
    }
}

@MainActor private func serveOnMain(_ connection: Connection) async throws {
    while let bytes = try await connection.read() {
        MainActor.assertIsolated()
        try await connection.write(bytes)
        MainActor.assertIsolated()
    }
}

private func echoBack(_ connection: Connection, lines: Int) async throws {
    for _ in 0..<lines {
        guard let line = try await connection.readLine() else { return }
        try await connection.write(line + "\n")
    }
}

extension Connection {
    fileprivate func read(after question: String) async throws -> Bytes? {
        try await write(question)
        return try await read()
    }
}
