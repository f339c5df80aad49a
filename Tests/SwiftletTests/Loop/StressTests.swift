import Synchronization
import Syscalls
import Testing

@testable import Swiftlet

/// Many tasks of Swift's own pool use the connections of one loop or of three, and are cancelled,
/// closed, reset and timed out at random moments. The seed, which every failure names, says what
/// each of them does; how they meet is up to the machine.
@Suite(.serialized) struct StressTests {
    @Test(arguments: DriverKind.usable, [1, 3])
    func `tasks from everywhere get every byte echoed, or an error`(
        driver: DriverKind, loops: Int
    ) async throws {
        let seed = UInt64(loops)
        let sockets = FaultySockets()
        let tally = try await onLoops(loops, driver, sockets: sockets) {
            let tally = Tally()
            let server = try await withServer(handler: echoBack) { server in
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<24 {
                        let client = Client(
                            seed: seed &* 1000 &+ UInt64(number), address: server.address,
                            tally: tally)
                        if number % 4 == 0 {
                            group.addTask { await client.live() }
                        } else {
                            group.addTask(executorPreference: globalConcurrentExecutor) {
                                await client.live()
                            }
                        }
                    }
                }
                while server.statistics.open > 0 { await Task.yield() }
            }
            #expect(server.statistics.open == 0, "seed \(seed)")
            guard let loop = EventLoop.current?.executor else { return tally }
            #expect(loop.state.lot.count == 0, "seed \(seed)")
            #expect(loop.state.deadlines.count == 0, "seed \(seed)")
            return tally
        }
        #expect(tally.wrong.load(ordering: .acquiring) == 0, "seed \(seed)")
        #expect(tally.echoed.load(ordering: .acquiring) > 0, "seed \(seed)")
        #expect(tally.ended.load(ordering: .acquiring) == 24 * Client.lives, "seed \(seed)")
        #expect(sockets.openCount == 0, "seed \(seed)")
    }

    @Test(arguments: [1, 3], [3, 4, 5] as [UInt64])
    func `loops may end while tasks from everywhere are at work`(
        loops: Int, seed: UInt64
    ) async throws {
        let sockets = FaultySockets()
        let tally = Tally()
        let workers = try await onLoops(loops, sockets: sockets) {
            let listener = try await Listener.bind(to: anyPort())
            try spawn { try await StreamServer(listener: listener).serve(handler: echoBack) }
            let workers = (0..<20).map { number in
                Task(executorPreference: globalConcurrentExecutor) {
                    let seed = seed &* 1000 &+ UInt64(number)
                    await Client(seed: seed, address: listener.address, tally: tally).live()
                }
            }
            while tally.echoed.load(ordering: .acquiring) < 50 { await Task.yield() }
            return workers
        }
        // Whatever they were doing, each of them comes to its end.
        for worker in workers { await worker.value }
        #expect(tally.wrong.load(ordering: .acquiring) == 0, "seed \(seed)")
        #expect(tally.ended.load(ordering: .acquiring) == 20 * Client.lives, "seed \(seed)")
        #expect(sockets.openCount == 0, "seed \(seed)")
    }
}

/// What all clients together have seen.
private final class Tally: Sendable {
    let echoed = Atomic(0)
    /// Replies that were not what was sent.
    let wrong = Atomic(0)
    /// Conversations that came to an end, good or bad.
    let ended = Atomic(0)

    func count(_ isRight: Bool) {
        if isRight {
            echoed.add(1, ordering: .acquiringAndReleasing)
        } else {
            wrong.add(1, ordering: .acquiringAndReleasing)
        }
    }
}

/// One task that holds a few conversations with an echo server, each with some mischief.
private struct Client: Sendable {
    static let lives = 10
    let seed: UInt64
    let address: SocketAddress
    let tally: Tally

    func live() async {
        var random = SplitMix(seed: seed)
        for _ in 0..<Client.lives {
            let mischief = Mischief.allCases.randomElement(using: &random) ?? .none
            let rounds = Int.random(in: 1...8, using: &random)
            let size = Int.random(in: 1...20_000, using: &random)
            // Every error that mischief may cause is one of the library's own.
            _ = await ioError { try await converse(mischief, rounds: rounds, size: size) }
            tally.ended.add(1, ordering: .acquiringAndReleasing)
        }
    }

    private func converse(_ mischief: Mischief, rounds: Int, size: Int) async throws {
        let connection = try await Connection.connect(to: address)
        for round in 0..<rounds {
            let message = pattern(size, seed: round)
            if round == rounds - 1 { try await mischief.play(on: connection) }
            async let reply = connection.read(exactly: size)
            try await connection.write(message)
            // A connection that the mischief has ended gives no bytes, and no wrong ones.
            guard let reply = try await reply else { return }
            tally.count(reply == message)
        }
    }
}

private enum Mischief: CaseIterable {
    case none, close, closeFromElsewhere, reset, halfClose, cancelReader, timeOut, forget

    func play(on connection: Connection) async throws {
        switch self {
        case .none: break
        case .close: connection.close()
        case .closeFromElsewhere: Task.detached { connection.close() }
        case .reset: try await connection.reset()
        case .halfClose: try await connection.closeWrite()
        case .cancelReader:
            let reader = Task.detached { await ioError { try await connection.readLine() } }
            reader.cancel()
            // It is cancelled, or finds that the server or the loop has ended before it.
            _ = await reader.value
        case .timeOut:
            // It times out, or finds that the server or the loop has ended before it.
            _ = await ioError { try await connection.read(timeout: .nanoseconds(1)) }
        case .forget:
            // Somebody is still reading when everybody else has let go.
            Task.detached {
                await ioError { try await connection.readLine(timeout: .milliseconds(1)) }
            }
            throw IOError(.read, .closed)
        }
    }
}
