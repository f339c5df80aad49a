import Glibc
import Swiftlet
import Syscalls

/// The echo service as a loop over poll(2).
///
///     entries  [ stop | listeners | client | client | … ]     handed to poll as it is
///
/// The list of all clients goes to the kernel with each wait, and is searched for the ready ones
/// after it: a wait costs what is watched, not what is ready.
enum PollEcho: EchoService {
    static let servesDatagrams = true
    static let ownCall = "poll"
    static let story =
        "A loop written by hand over poll. The kernel looks at every descriptor at each wait, "
        + "and the loop at every answer. When all clients talk the price is shared by many "
        + "messages; when few do, each message pays for all the silent connections."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        options.services[0].kind == .stream
            ? try serve(in: PollLoop.self, options, stoppedBy: signals, onReady: onReady)
            : try serve(
                in: DatagramLoop<PollWait>.self, options, stoppedBy: signals, onReady: onReady)
    }
}

/// Waits for datagrams and signals by poll(2).
private struct PollWait: DatagramWait {
    static let call = PollEcho.ownCall
    private(set) var count = 0
    private var patience = Patience()
    private var entries: [pollfd]

    init(for sockets: [RawDescriptor], and signals: RawDescriptor) {
        entries = ([signals] + sockets).map {
            pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0)
        }
    }

    mutating func wait(nanoseconds: Int64?) throws(IOError) -> Bool {
        count += 1
        do throws(Errno) {
            _ = try entries.withUnsafeMutableBufferPointer { entries throws(Errno) in
                try pollOnce(entries, nanoseconds: nanoseconds)
            }
            patience.renew()
            return entries[0].revents != 0
        } catch {
            try patience.outlastWait(error)
            return false
        }
    }
}

private struct PollLoop: EchoLoop, ~Copyable {
    private var room: EchoRoom
    private var waits = 0
    private var patience = Patience()
    private var entries: [pollfd]
    /// The place of the first client.
    private let first: Int

    init(_ options: EchoOptions, stoppedBy signals: SignalSet) throws(IOError) {
        room = try EchoRoom(options, stoppedBy: signals)
        entries = room.watched.map(PollLoop.entry)
        first = entries.count
    }

    private static func entry(_ descriptor: RawDescriptor) -> pollfd {
        pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
    }

    var addresses: [ServiceAddress] { room.listener.addresses }
    var isOver: Bool { room.isOver }
    var counters: EchoCounters { room.counters.counting("poll", waits) }

    mutating func turn() throws(IOError) {
        waits += 1
        let time = room.stop.patience
        let ready: Int
        do throws(Errno) {
            ready = try entries.withUnsafeMutableBufferPointer { entries throws(Errno) in
                try pollOnce(entries, nanoseconds: time)
            }
        } catch {
            return try patience.outlastWait(error)
        }
        patience.renew()
        if ready == 0 { return }
        let others = (0..<first).count { entries[$0].revents != 0 }
        serve(ready - others)
        if others == 0 { return }
        if entries[0].revents != 0 { try room.takeSignals() }
        for index in 1..<first where entries[index].revents != 0 {
            let listening = RawDescriptor(entries[index].fd)
            while let client = try room.accept(from: listening) {
                entries.append(PollLoop.entry(client))
            }
        }
        // A number that poll(2) leaves out.
        if room.stop.isDraining { for index in 1..<first { entries[index].fd = -1 } }
    }

    /// Makes a step with so many clients, those whose entries have events.
    private mutating func serve(_ ready: Int) {
        var left = ready
        // Backwards, so that the one that takes the place of an ended one was looked at already.
        var index = entries.count - 1
        while left > 0, index >= first {
            if entries[index].revents != 0 {
                left -= 1
                step(at: index)
            }
            index -= 1
        }
    }

    private mutating func step(at index: Int) {
        switch room.clients.step(RawDescriptor(entries[index].fd)) {
        case .moved, .dry: entries[index].events = Int16(POLLIN)
        case .full: entries[index].events = Int16(POLLOUT)
        case .ended:
            entries.swapAt(index, entries.count - 1)
            entries.removeLast()
        }
    }
}
