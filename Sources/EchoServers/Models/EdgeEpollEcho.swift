import CLinux
import Swiftlet
import Syscalls

/// The echo service as a loop over epoll(7), edge-triggered.
///
///     wait ──► edges ──► line of those that may ──► a burst for each ──► dry: wait for an edge
///                        have more                        │
///                          ▲                              │
///                          └───────── not dry yet ────────┘
///
/// The kernel says once that something has come, and no more until something else does; a client is
/// never watched anew, so there is one epoll_ctl(2) for each. The price: it has to be read until it
/// is dry, which takes a call that finds nothing. A client that never runs dry would keep the loop
/// to itself, so a burst is bounded, and a client that has more stands in line again.
enum EdgeEpollEcho: EchoService {
    static let ownCall = "epoll_wait"
    static let story =
        "A loop written by hand over epoll, edge-triggered: a descriptor is reported when "
        + "something arrives, so it has to be read until it is dry, and that last read in vain "
        + "costs a system call. A bound keeps one client from starving the others."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        try serve(in: EdgeEpollLoop.self, options, stoppedBy: signals, onReady: onReady)
    }
}

private struct EdgeEpollLoop: EchoLoop, ~Copyable {
    /// Steps that a client gets in a row: 1 MiB at most.
    private static let burst = 16
    private static let edges = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLET.rawValue

    private var room: EchoRoom
    private var epoll: EpollCalls
    /// Those that may have more, each once, in the order of their turns.
    private var line: [RawDescriptor] = []
    /// Whether a descriptor stands in the line.
    private var isInLine: [Bool] = []

    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError) {
        let room = try EchoRoom(options, stoppedBy: signals)
        epoll = try EpollCalls.watching(room.watched, for: EdgeEpollLoop.edges)
        self.room = room
    }

    var addresses: [ServiceAddress] { room.listener.addresses }
    var isOver: Bool { room.isOver }
    var counters: EchoCounters {
        room.counters.counting("epoll_wait", epoll.waits).counting("epoll_ctl", epoll.controls)
    }

    /// Waits for edges, unless the line is not empty, and gives each in the line a burst.
    mutating func turn() throws(IOError) {
        for index in 0..<(try epoll.wait(line.isEmpty ? room.stop.patience : 0)) {
            lineUp(epoll.ready(index))
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
            try room.takeSignals()
        } else if room.listener.sockets.contains(next) {
            while let client = try room.accept(from: next) {
                do throws(Errno) {
                    try epoll.control(.add, client, EdgeEpollLoop.edges)
                } catch {
                    room.drop(client, because: "epoll_ctl: \(error)")
                }
            }
            // No edge announces those that were there before.
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
