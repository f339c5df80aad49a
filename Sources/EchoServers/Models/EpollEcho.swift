import CLinux
import Swiftlet
import Syscalls

/// The echo service as a loop over epoll(7), level-triggered.
///
/// The kernel keeps the list of clients and hands over those that are ready, so a wait costs what
/// is ready, not what is watched. Whoever is ready and gets one step of several is reported again
/// by the next wait, behind the others.
struct EpollEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        var loop = try EpollLoop(options, signals)
        onReady(loop.room.listener.address)
        while !loop.room.isOver { try loop.turn() }
        var counters = loop.room.counters
        counters.count("epoll_wait", loop.poller.waits)
        counters.count("epoll_ctl", loop.poller.controls)
        return counters
    }
}

private struct EpollLoop: ~Copyable {
    private(set) var room: EchoRoom
    private(set) var poller: EpollCalls

    init(_ options: EchoOptions, _ signals: SignalSet) throws(IOError) {
        let room = try EchoRoom(options, stoppedBy: signals)
        var poller = try EpollCalls()
        try poller.control(.add, room.stop.raw, EPOLLIN.rawValue)
        try poller.control(.add, room.listener.raw, EPOLLIN.rawValue)
        self.room = room
        self.poller = poller
    }

    /// Waits until somebody is ready, and serves everybody who is.
    mutating func turn() throws(IOError) {
        for index in 0..<(try poller.wait(room.stop.patience)) {
            let ready = poller.ready(index)
            if ready == room.stop.raw {
                // Closing the listener ends the kernel's interest in it.
                try room.lookForSignals()
            } else if ready == room.listener.raw {
                while let client = try room.letIn() {
                    try poller.control(.add, client, EPOLLIN.rawValue)
                }
            } else {
                try step(ready)
            }
        }
    }

    private mutating func step(_ client: RawDescriptor) throws(IOError) {
        let wasFull = room.clients.isFull(client)
        switch room.clients.step(client) {
        case .moved, .dry:
            if wasFull { try poller.control(.modify, client, EPOLLIN.rawValue) }
        case .full:
            if !wasFull { try poller.control(.modify, client, EPOLLOUT.rawValue) }
        case .ended: break
        }
    }
}

/// An epoll instance, room for its answers, and a count of the calls.
struct EpollCalls: ~Copyable {
    private(set) var waits = 0
    private(set) var controls = 0
    private let instance: EpollInstance
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 1024)

    init() throws(IOError) {
        instance = try attempt(.wait) { () throws(Errno) in try EpollInstance() }
    }

    deinit { events.deallocate() }

    /// Changes what is watched for a descriptor (epoll_ctl(2)).
    mutating func control(
        _ operation: EpollInstance.Operation, _ descriptor: RawDescriptor, _ wanted: UInt32
    ) throws(IOError) {
        controls += 1
        do throws(Errno) {
            try instance.control(operation, descriptor, events: wanted)
        } catch {
            throw IOError(.wait, .system(error))
        }
    }

    /// Waits, for ever when the time is nil, and says how many are ready (epoll_wait(2)).
    mutating func wait(_ nanoseconds: Int64?) throws(IOError) -> Int {
        waits += 1
        do throws(Errno) {
            return try instance.wait(into: events, nanoseconds: nanoseconds)
        } catch {
            throw IOError(.wait, .system(error))
        }
    }

    /// One of those that the last wait found.
    func ready(_ index: Int) -> RawDescriptor { RawDescriptor(events[index].data.fd) }
}
