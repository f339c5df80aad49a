import Generator
import Glibc
import Syscalls

/// A server for one test: it accepts, and does with each connection what the test says.
///
/// It stands on blocking calls and on nothing that is tested here. `stop` ends every thread.
final class TestServer: Sendable {
    let address: SocketAddress
    private let listener: RawDescriptor
    private let threads = Guarded<[RunningThread]>([])
    private let peers = Guarded<[Peer]>([])

    init(_ behaviour: @escaping @Sendable (Peer) -> Void) throws {
        let listener = try RawDescriptor.streamSocket(family: AF_INET)
        try listener.bind(to: SocketAddress("127.0.0.1:0"))
        try listener.listen(backlog: 1024)
        try listener.setBlocking()
        self.listener = listener
        address = try listener.localAddress()
        let accepting = try RunningThread.start { [self] in
            var number = 0
            while let (socket, _) = try? listener.accept() {
                serve(Peer(socket: socket, number: number), behaviour)
                number += 1
            }
        }
        threads.withLock { $0.insert(accepting, at: 0) }
    }

    private func serve(_ peer: Peer, _ behaviour: @escaping @Sendable (Peer) -> Void) {
        try? peer.socket.setBlocking()
        try? peer.socket.setOption(.noDelay, to: 1)
        peers.withLock { $0.append(peer) }
        let thread = try? RunningThread.start {
            behaviour(peer)
            peer.close()
        }
        if let thread { threads.withLock { $0.append(thread) } }
    }

    /// Ends everything; call it at the end of the test.
    func stop() {
        shutdown(listener.number, CInt(SHUT_RDWR))
        threads.withLock { $0.removeFirst() }.join()
        for peer in peers.withLock({ $0 }) { peer.hangUp() }
        for thread in threads.withLock({ $0 }) { thread.join() }
        listener.close()
    }
}

/// The server's end of a connection.
final class Peer: Sendable {
    let socket: RawDescriptor
    let number: Int
    private let isOpen = Guarded(true)
    private let turns = Guarded(0)

    init(socket: RawDescriptor, number: Int) {
        self.socket = socket
        self.number = number
    }

    /// What has arrived; empty at the end of the stream and when the connection broke.
    func receive() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = bytes.withUnsafeMutableBytes {
            recv(socket.number, $0.baseAddress, $0.count, 0)
        }
        return Array(bytes.prefix(max(0, count)))
    }

    /// Counts from 1 on how often it was asked.
    func turn() -> Int {
        turns.withLock {
            $0 += 1
            return $0
        }
    }

    func send(_ bytes: [UInt8]) {
        var left = bytes[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes {
                Glibc.send(socket.number, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            left = left.dropFirst(count)
        }
    }

    /// Sends back whatever comes, until the end.
    func echo() {
        while true {
            let bytes = receive()
            if bytes.isEmpty { return }
            send(bytes)
        }
    }

    /// Reads until the end without a word.
    func swallow() { while !receive().isEmpty {} }

    func reset() { try? socket.resetOnClose() }

    func close() {
        isOpen.withLock { isOpen in
            if isOpen { socket.close() }
            isOpen = false
        }
    }

    func hangUp() {
        isOpen.withLock { if $0 { shutdown(socket.number, CInt(SHUT_RDWR)) } }
    }
}

/// Something that threads wait for.
final class Gate: Sendable {
    private let reading: RawDescriptor
    private let writing: RawDescriptor

    init() throws {
        (reading, writing) = try makePipe()
        try reading.setBlocking()
    }

    deinit {
        reading.close()
        writing.close()
    }

    func open() { _ = [UInt8](repeating: 1, count: 64).withUnsafeBytes { try? writing.write($0) } }

    func wait() {
        withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) {
            _ = try? reading.read(into: $0)
        }
    }
}

/// A plan that is over as soon as so many requests are answered.
func quickPlan(
    _ target: SocketAddress,
    requests: Int = 200,
    connections: Int = 4
) -> LoadPlan {
    var plan = LoadPlan(target: target)
    plan.connections = connections
    plan.requests = requests
    plan.duration = nil
    plan.warmup = .fixed(.zero)
    plan.drain = .milliseconds(50)
    return plan
}

/// Runs a plan to its end against a server that behaves as told.
func measure(
    connections: Int = 4,
    requests: Int = 200,
    shaping shape: (inout LoadPlan) -> Void = { _ in },
    against behaviour: @escaping @Sendable (Peer) -> Void
) throws -> Measurement {
    let server = try TestServer(behaviour)
    defer { server.stop() }
    var plan = quickPlan(server.address, requests: requests, connections: connections)
    shape(&plan)
    return try LoadRun.start(plan).finish()
}

extension LoadRun {
    /// Lets the run go on until its progress is as the test wants it, or it has ended.
    func wait(until isReached: (Progress) -> Bool) {
        while !isFinished, !isReached(progress()) { sched_yield() }
    }
}
