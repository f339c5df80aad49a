import CLinux
import Swiftlet
import Syscalls

/// The echo service as a loop over epoll(7), edge-triggered.
///
///     wait ──► edges ──► turns: who may have more  ──► a burst for each ──► dry: wait for an edge
///                          ▲                                │
///                          └───────── not dry yet ──────────┘
///
/// The kernel says once that something has come, and no more until something else does; nobody is
/// ever watched anew, so there is one epoll_ctl(2) for each client. The price: it has to be read
/// until it is dry, which takes a call that finds nothing. A client that never runs dry would keep
/// the loop to itself, so a burst is bounded, and who has more stands in line again.
struct EdgeEpollEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        var loop = try EdgeEpollLoop(options, signals)
        onReady(loop.room.listener.address)
        while !loop.room.isOver { try loop.turn() }
        var counters = loop.room.counters
        counters.count("epoll_wait", loop.poller.waits)
        counters.count("epoll_ctl", loop.poller.controls)
        return counters
    }
}

private struct EdgeEpollLoop: ~Copyable {
    /// Steps that a client gets in a row: 1 MiB at most.
    private static let burst = 16
    private static let edges = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLET.rawValue

    private(set) var room: EchoRoom
    private(set) var poller: EpollCalls
    /// Those who may have more, each once, in the order of their turns.
    private var line: [RawDescriptor] = []
    /// Whether a descriptor stands in the line.
    private var isInLine: [Bool] = []

    init(_ options: EchoOptions, _ signals: SignalSet) throws(IOError) {
        let room = try EchoRoom(options, stoppedBy: signals)
        var poller = try EpollCalls()
        try poller.control(.add, room.stop.raw, EdgeEpollLoop.edges)
        try poller.control(.add, room.listener.raw, EdgeEpollLoop.edges)
        self.room = room
        self.poller = poller
    }

    /// Waits for edges, unless somebody has more, and gives everybody in the line a burst.
    mutating func turn() throws(IOError) {
        for index in 0..<(try poller.wait(line.isEmpty ? room.stop.patience : 0)) {
            lineUp(poller.ready(index))
        }
        let first = line.count
        for index in 0..<first { try serve(line[index]) }
        line.removeSubrange(..<first)
    }

    private mutating func lineUp(_ descriptor: RawDescriptor) {
        while isInLine.count <= descriptor.number { isInLine.append(false) }
        if isInLine[Int(descriptor.number)] { return }
        isInLine[Int(descriptor.number)] = true
        line.append(descriptor)
    }

    private mutating func serve(_ next: RawDescriptor) throws(IOError) {
        isInLine[Int(next.number)] = false
        if next == room.stop.raw {
            try room.lookForSignals()
        } else if next == room.listener.raw {
            while let client = try room.letIn() {
                try poller.control(.add, client, EdgeEpollLoop.edges)
            }
            // No edge announces those who were there before.
            if room.listener.mayHaveMore { lineUp(next) }
        } else {
            serveClient(next)
        }
    }

    private mutating func serveClient(_ client: RawDescriptor) {
        for _ in 0..<EdgeEpollLoop.burst {
            switch room.clients.step(client) {
            case .moved: continue
            // An edge says when it can go on.
            case .dry, .full, .ended: return
            }
        }
        lineUp(client)
    }
}
