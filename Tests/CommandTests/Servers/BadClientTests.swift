import EchoServers
import Foundation
import Syscalls
import TestServers
import Testing

/// What clients do to a server, by accident or on purpose. Beside each bad one stands a good one,
/// which must not notice.
@Suite(.ownThread) struct `a client that` {
    static let drivers = ["poll", "select", "epoll"]
    /// Every way to serve several clients.
    static let ways =
        drivers.map { "--driver=\($0)" }
        + EchoModel.allCases.filter { $0 != .coroutine && $0.shape != .oneAtATime }
        .map { "--model=\($0.rawValue)" }

    private func expectEcho(_ client: Client, sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        try client.send("are you there?")
        #expect(
            try client.receive(exactly: 14) == Array("are you there?".utf8),
            sourceLocation: sourceLocation)
    }

    @Test(arguments: drivers)
    func `connects and says nothing harms nobody`(driver: String) throws {
        let service = try EchoService("--driver", driver)
        let silent = try Client(service.address)
        let good = try Client(service.address)
        try expectEcho(good)
        silent.close()
        good.close()

        let counters = try service.stop()
        #expect(counters["accepted"] == 2)
        #expect(counters["handler_errors"] == 0)
    }

    @Test func `says nothing is closed after the idle timeout`() throws {
        let service = try EchoService("--idle-timeout", "50ms")
        let silent = try Client(service.address)

        // The server's end of the stream; no timing decides, the receive waits for it.
        #expect(try silent.receive() == [])
        #expect(try service.stop()["handler_errors"] == 1)
    }

    @Test func `sends one byte at a time gets one byte at a time`() throws {
        let service = try EchoService()
        let slow = try Client(service.address)
        for byte in Array("slowly but surely".utf8) {
            try slow.send([byte])
            #expect(try slow.receive(exactly: 1) == [byte])
        }
        slow.close()
        #expect(try service.stop()["bytes_read"] == 17)
    }

    @Test(arguments: drivers)
    func `never reads costs bounded memory`(driver: String) throws {
        let service = try EchoService("--driver", driver)
        let good = try Client(service.address)
        try expectEcho(good)
        let before = try service.residentBytes()
        let greedy = try Client(service.address)
        let block = [UInt8](repeating: 7, count: 65_536)
        let taken = try greedy.sendUntilStuck(block)
        try expectEcho(good)
        let after = try service.residentBytes()

        // What was taken lies in the kernel's buffers; the server holds one buffer's worth.
        #expect(taken > block.count)
        #expect(after - before < 1 << 20, "\(before) bytes before, \(after) after \(taken) sent")
        greedy.close()
        good.close()
        #expect(try service.stop()["accepted"] == 2)
    }

    @Test(arguments: drivers)
    func `half-closes gets the rest of its echo and then the end`(driver: String) throws {
        let service = try EchoService("--driver", driver)
        let client = try Client(service.address)
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let sender = try RunningThread.start {
            // An error shows in the bytes that are missing.
            try? client.send(bytes)
            try? client.closeWrite()
        }
        let echoed = try client.receive(exactly: bytes.count)

        #expect(Data(echoed) == Data(bytes))
        #expect(try client.receive() == [])
        sender.join()
        let counters = try service.stop()
        #expect(counters["bytes_read"] == 1_000_000)
        #expect(counters["bytes_written"] == 1_000_000)
    }

    @Test(arguments: drivers)
    func `resets at any moment harms nobody`(driver: String) throws {
        let service = try EchoService("--driver", driver)
        let good = try Client(service.address)
        for round in 0..<50 {
            let bad = try Client(service.address)
            if round % 3 > 0 { try bad.send([UInt8](repeating: 1, count: round * 1000)) }
            if round % 3 > 1 { _ = try bad.receive(1) }
            try bad.reset()
        }
        try expectEcho(good)
        good.close()
        // Stopping in order is what a server that was harmed would not do.
        let counters = try service.stop()
        #expect(counters["bytes_read"] ?? 0 >= 14)
    }

    @Test(arguments: ways)
    func `sends without a pause does not starve the others`(way: String) throws {
        let service = try EchoService(way)
        let stream = try Client(service.address)
        let good = try Client(service.address)
        let block = (0..<65_536).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        // Compared as data, which takes no time in a debug build.
        let expected = Data(block)
        let blocks = 1024
        let sender = try RunningThread.start {
            // An error shows in the bytes that are missing.
            for _ in 0..<blocks { try? stream.send(block) }
            try? stream.closeWrite()
        }
        for received in 0..<blocks {
            #expect(
                try Data(stream.receive(exactly: block.count)) == expected, "block \(received)")
            if received % 64 == 0 { try expectEcho(good) }
        }
        #expect(try stream.receive() == [])
        sender.join()
        good.close()
        #expect(try service.stop()["bytes_read"] ?? 0 > 64 * 1024 * 1024)
    }

    @Test(arguments: ways)
    func `is one too many is closed at once and counted`(way: String) throws {
        let service = try EchoService(way, "--max-connections", "2")
        let first = try Client(service.address)
        let second = try Client(service.address)
        try expectEcho(first)
        try expectEcho(second)
        let third = try Client(service.address)
        #expect(try third.receive() == [])
        try expectEcho(first)

        // A place that becomes free is given away again.
        try second.closeWrite()
        #expect(try second.receive() == [])
        let fourth = try Client(service.address)
        try expectEcho(fourth)
        [first, second, fourth].forEach { $0.close() }
        let counters = try service.stop()
        #expect(counters["refused"] == 1)
        #expect(counters["open_max"] == 2)
    }

    // A server that forks holds no descriptor for a client.
    @Test(arguments: ways.filter { $0 != "--model=fork" })
    func `comes when the descriptors have run out is served when some are free`(
        way: String
    ) throws {
        let begun = Instant.now
        // 20 descriptors: a few are the server's own, the rest are connections.
        let service = try EchoService(afterShell: "ulimit -n 20", way)
        var clients: [Client] = []
        for _ in 0..<30 { clients.append(try Client(service.address)) }
        try expectEcho(clients[0])
        // Those that hold a descriptor go, and the last one in the queue gets its own.
        let late = clients[29]
        try late.send("at last")
        clients = []
        #expect(try late.receive(exactly: 7) == Array("at last".utf8))
        late.close()
        let counters = try service.stop()
        // After each failure it pauses for 10 ms at least, and never spins.
        let pauses = Double(begun.nanoseconds(to: .now)) / 10_000_000
        #expect((1...max(1, pauses)).contains(counters["accept_errors"] ?? 0))
        #expect(counters["accepted"] == 30)
    }

    @Test(arguments: ways)
    func `is being served when the server is told to stop sees the end and no lost byte`(
        way: String
    ) throws {
        let service = try EchoService(way, "--drain", "10ms")
        let clients = try (0..<20).map { _ in try Client(service.address) }
        for client in clients { try expectEcho(client) }
        for client in clients { try client.send("last words") }
        for client in clients {
            #expect(try client.receive(exactly: 10) == Array("last words".utf8))
        }
        let counters = try service.stop()
        #expect(counters["bytes_read"] == counters["bytes_written"])
        for client in clients { #expect(try client.receive() == []) }
    }
}
