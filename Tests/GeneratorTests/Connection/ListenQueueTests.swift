import Glibc
import Syscalls
import Testing

@testable import Generator

/// What the kernel tells of connections that wait to be accepted.
@Suite struct ListenQueueTests {
    private let table = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
           0: 0100007F:1E6C 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0
           1: 00000000:0050 00000000:0000 0A 00000000:00000400 00:00000000 00000000     0
           2: 0100007F:1E6C 00000000:0000 0A 00000000:0000000B 00:00000000 00000000     0

        """
    private let connection = """
           3: 0100007F:1E6C 0100007F:9C43 01 00000000:00000040 00:00000000 00000000     0

        """

    @Test func `the queues of all listeners on the port count, and no connection's`() {
        let (queue, goesOn) = ListenQueue.read(table + connection, 7788)

        #expect(queue == ListenQueue(listeners: 2, waiting: 14))
        #expect(!goesOn)
    }

    @Test func `a piece that ends among the listeners is not the whole`() {
        #expect(ListenQueue.read(table, 80).goesOn)
        #expect(ListenQueue.read(String(table.dropLast(60)), 80).queue.listeners == 1)
        #expect(ListenQueue.read("", 80).queue.listeners == 0)
    }

    @Test func `a connection waits from when it is up until it is accepted`() throws {
        let listener = try RawDescriptor.streamSocket(family: AF_INET)
        defer { listener.close() }
        try listener.bind(to: SocketAddress("127.0.0.1:0"))
        let address = try listener.localAddress()
        #expect(ListenQueue.look(at: address) == nil)
        try listener.listen(backlog: 8)
        #expect(ListenQueue.look(at: address) == ListenQueue(listeners: 1, waiting: 0))

        let client = try EchoProbe.connect(to: address, until: .never)
        defer { client.close() }
        #expect(ListenQueue.look(at: address) == ListenQueue(listeners: 1, waiting: 1))

        let accepted = try listener.accept()
        accepted.0.close()
        #expect(ListenQueue.look(at: address) == ListenQueue(listeners: 1, waiting: 0))
    }

    @Test func `a listener of IPv4 is none for IPv6`() throws {
        let listener = try RawDescriptor.streamSocket(family: AF_INET)
        defer { listener.close() }
        try listener.bind(to: SocketAddress("127.0.0.1:0"))
        try listener.listen(backlog: 8)
        let port = try listener.localAddress().port

        // Another program may have the port there, and then it is its queue that is seen.
        let other = try ListenQueue.look(at: SocketAddress("[::1]:\(port)"))
        let both = try ListenQueue.look(at: SocketAddress("127.0.0.1:\(port)"))
        #expect(both?.listeners == 1 + (other?.listeners ?? 0))
    }

    // How fast connections are opened.

    private func attempts(_ pace: inout QueuePace) -> Int {
        var count = 0
        while !pace.isSpent {
            pace.spend()
            count += 1
        }
        return count
    }

    @Test func `a worker opens its part of the room that the listeners have`() {
        let now = Instant(nanoseconds: 1_000_000_000)
        var pace = QueuePace(among: 2, from: now)
        #expect(attempts(&pace) == 32)

        pace.take(ListenQueue(listeners: 1, waiting: 14), at: now)
        #expect(attempts(&pace) == 25)
        pace.take(ListenQueue(listeners: 5, waiting: 120), at: now)
        #expect(attempts(&pace) == 100)
    }

    @Test func `of many workers each may open one where there is room`() {
        var pace = QueuePace(among: 100, from: .now)
        pace.take(ListenQueue(listeners: 1, waiting: 63), at: .now)
        #expect(attempts(&pace) == 1)
        pace.take(ListenQueue(listeners: 1, waiting: 64), at: .now)
        #expect(attempts(&pace) == 0)
    }

    @Test func `a full queue is looked at again, and a server that does not accept gets a few`() {
        let start = Instant(nanoseconds: 1_000_000_000)
        let full = ListenQueue(listeners: 1, waiting: 64)
        var pace = QueuePace(among: 1, from: start)
        #expect(attempts(&pace) == 64)

        var now = start
        while now < start.advanced(by: QueuePace.patience) {
            pace.take(full, at: now)
            #expect(pace.isSpent)
            #expect(pace.nextLook == now.advanced(by: QueuePace.pause))
            now = pace.nextLook
        }
        pace.take(full, at: now)
        #expect(attempts(&pace) == 64)
        // And not again at once.
        pace.take(full, at: now)
        #expect(pace.isSpent)
    }

    @Test func `a queue that cannot be seen is no limit`() {
        var pace = QueuePace(among: 1, from: .now)
        pace.take(nil, at: .now)
        for _ in 0..<100_000 { pace.spend() }
        #expect(!pace.isSpent)
    }
}
