import CLinux
import Swiftlet
import Syscalls

/// The echo service as a loop over epoll(7), level-triggered.
///
/// The kernel keeps the list of clients and hands over those that are ready, so a wait costs what
/// is ready, not what is watched. A client that is ready and gets one step of several is reported
/// again by the next wait, behind the others.
enum EpollEcho: EchoService {
    static let servesDatagrams = true
    static let ownCall = "epoll_wait"
    static let story =
        "A loop written by hand over epoll, level-triggered. The kernel keeps the list of what "
        + "is watched, and a wait returns what is ready: the price follows what talks, not "
        + "what is there."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        options.services[0].kind == .stream
            ? try serve(in: EpollLoop.self, options, stoppedBy: signals, onReady: onReady)
            : try serve(
                in: DatagramLoop<EpollWait>.self, options, stoppedBy: signals, onReady: onReady)
    }
}

/// Waits for datagrams and signals by epoll(7).
private struct EpollWait: DatagramWait, ~Copyable {
    static let call = EpollEcho.ownCall
    private let signals: RawDescriptor
    private var epoll: EpollCalls

    init(for sockets: [RawDescriptor], and signals: RawDescriptor) throws(IOError) {
        epoll = try EpollCalls.watching(sockets + [signals], for: EPOLLIN.rawValue)
        self.signals = signals
    }

    var count: Int { epoll.waits }

    mutating func wait(nanoseconds: Int64?) throws(IOError) -> Bool {
        let count = try epoll.wait(nanoseconds)
        return (0..<count).contains { epoll.ready($0) == signals }
    }
}

private struct EpollLoop: EchoLoop, ~Copyable {
    private var room: EchoRoom
    private var epoll: EpollCalls

    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError) {
        let room = try EchoRoom(options, stoppedBy: signals)
        epoll = try EpollCalls.watching(room.watched, for: EPOLLIN.rawValue)
        self.room = room
    }

    var addresses: [ServiceAddress] { room.listener.addresses }
    var isOver: Bool { room.isOver }
    var counters: EchoCounters {
        room.counters.counting("epoll_wait", epoll.waits).counting("epoll_ctl", epoll.controls)
    }

    mutating func turn() throws(IOError) {
        for index in 0..<(try epoll.wait(room.stop.patience)) {
            let ready = epoll.ready(index)
            if ready == room.stop.raw {
                // Closing a listener ends the kernel's interest in it.
                try room.takeSignals()
            } else if room.listener.sockets.contains(ready) {
                while let client = try room.accept(from: ready) {
                    watch(client, .add, EPOLLIN.rawValue)
                }
            } else {
                step(ready)
            }
        }
    }

    private mutating func watch(
        _ client: RawDescriptor, _ operation: EpollInstance.Operation, _ wanted: UInt32
    ) {
        do throws(Errno) {
            try epoll.control(operation, client, wanted)
        } catch {
            room.drop(client, because: "epoll_ctl: \(error)")
        }
    }

    private mutating func step(_ client: RawDescriptor) {
        let wasFull = room.clients.isFull(client)
        switch room.clients.step(client) {
        case .moved, .dry:
            if wasFull { watch(client, .modify, EPOLLIN.rawValue) }
        case .full:
            if !wasFull { watch(client, .modify, EPOLLOUT.rawValue) }
        case .ended: break
        }
    }
}

/// An epoll instance, room for its answers, and a count of the calls.
struct EpollCalls: ~Copyable {
    private(set) var waits = 0
    private(set) var controls = 0
    private var patience = Patience()
    private let instance: EpollInstance
    private let events: UnsafeMutableBufferPointer<epoll_event>

    private init() throws(IOError) {
        instance = try attempt(.wait) { () throws(Errno) in try EpollInstance() }
        events = .allocate(capacity: 1024)
    }

    /// Opens an instance that watches the signals and the sockets of a service.
    static func watching(
        _ descriptors: [RawDescriptor], for wanted: UInt32
    ) throws(IOError) -> EpollCalls {
        var calls = try EpollCalls()
        do throws(Errno) {
            for descriptor in descriptors { try calls.control(.add, descriptor, wanted) }
        } catch {
            throw IOError(.wait, .system(error))
        }
        return calls
    }

    deinit { events.deallocate() }

    /// Changes what is watched for a descriptor (epoll_ctl(2)).
    mutating func control(
        _ operation: EpollInstance.Operation, _ descriptor: RawDescriptor, _ wanted: UInt32
    ) throws(Errno) {
        controls += 1
        try instance.control(operation, descriptor, events: wanted)
    }

    /// Waits, for ever when the time is nil, and says how many are ready (epoll_wait(2)).
    mutating func wait(_ nanoseconds: Int64?) throws(IOError) -> Int {
        waits += 1
        do throws(Errno) {
            let count = try instance.wait(into: events, nanoseconds: nanoseconds)
            patience.renew()
            return count
        } catch {
            try patience.outlastWait(error)
            return 0
        }
    }

    /// One of those that the last wait found.
    func ready(_ index: Int) -> RawDescriptor { RawDescriptor(events[index].data.fd) }
}
