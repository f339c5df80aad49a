import Swiftlet
import Syscalls

/// The echo service with a process for each client: the parent accepts, its copies wait in recv(2).
///
///     parent ── fork ──► child: serves one client, leaves
///        ▲                 │ writes
///        └── reads when ── ▼ reaped ──   tallies [ child | child | free | … ]   shared memory
///
/// Each client's code is as simple as if there were no other, and one that crashes takes no other
/// along. The price is a process for each, and a switch of address spaces for each message.
enum ForkEcho: EchoService {
    static let shape = EchoModel.Shape.taskEach
    static let ownCall = "fork"
    static let story =
        "A process for each connection. The code is as simple as that of one client. Each "
        + "connection pays for page tables, a stack and a kernel's process; each message for "
        + "a context switch into another address space."

    static func run(
        _ options: EchoOptions, stoppedBy signals: SignalSet,
        onReady: @escaping @Sendable (ServiceAddress) -> Void
    ) throws -> EchoCounters {
        let ended = try attempt(.wait) { () throws(Errno) in
            try ForkedProcess.makeEndDescriptor()
        }
        var stop = try EchoStop(signals, drain: options.drain)
        var listener = try EchoListener(options)
        var children = try attempt(.wait) { () throws(Errno) in try ClientProcesses(options) }
        defer { children.end() }
        var (waits, patience) = (0, Patience())
        for address in listener.addresses { onReady(address) }
        while !stop.isOver(open: children.count) {
            waits += 1
            do throws(Errno) {
                try waitUntilReadable(
                    listener.watched + [stop.raw, ended.raw], nanoseconds: stop.patience)
                _ = try SignalSet.take(from: ended.raw)
                patience.renew()
            } catch {
                try patience.outlastWait(error)
            }
            try stop.takeSignals { listener.report(open: children.count) }
            if stop.isDraining { listener.close() }
            children.reapEnded()
            for socket in listener.sockets {
                try startProcesses(&children, for: &listener, at: socket)
            }
        }
        children.end()
        var counters = listener.counters
        counters.add(children.counters)
        return counters.counting("ppoll", waits)
    }

    private static func startProcesses(
        _ children: inout ClientProcesses, for listener: inout EchoListener,
        at socket: RawDescriptor
    ) throws(IOError) {
        while let client = try listener.accept(from: socket) {
            let others = children.serving
            guard listener.admit(client, beside: others) else { continue }
            guard listener.setBlocking(client) else { continue }
            do throws(Errno) {
                try children.start(for: client, closing: listener.sockets)
                client.close()
                listener.countServed(open: others + 1)
            } catch {
                listener.refuse(client, because: "fork: \(error); see 'ulimit -u'")
            }
        }
    }
}

/// The processes that serve, each with the place where it counts.
private struct ClientProcesses: ~Copyable {
    /// What a child writes and the parent reads.
    private struct Record {
        var tally = EchoTally()
        /// Whether the client has gone and the process is about to.
        var isOver = false
    }

    /// As many as can be told apart: more than a machine's default limit of processes.
    private static let capacity = 65_536

    private let memory: Mapping
    private let records: UnsafeMutablePointer<Record>
    /// Every child that was not reaped, and its record's place.
    private var places: [ForkedProcess: Int] = [:]
    /// Places below `used` that a child has given back.
    private var freePlaces: [Int] = []
    private var used = 0
    private var forks = 0
    private var tally = EchoTally()
    private let options: EchoOptions

    init(_ options: EchoOptions) throws(Errno) {
        memory = try Mapping(
            byteCount: ClientProcesses.capacity * MemoryLayout<Record>.stride,
            for: .copiesOfThisProcess)
        records = memory.base.bindMemory(to: Record.self, capacity: ClientProcesses.capacity)
        self.options = options
    }

    /// How many there are, with those that are about to end.
    var count: Int { places.count }

    /// How many clients are being served. Looked at closely only at the limit: a client has gone
    /// before its process has, and then the next one may come.
    var serving: Int {
        guard let limit = options.connectionsMax, count >= limit else { return count }
        return places.values.count { !records[$0].isOver }
    }

    /// Starts a process that serves a client; throws when there can be no more processes.
    mutating func start(
        for client: RawDescriptor, closing listening: [RawDescriptor]
    ) throws(Errno) {
        let place = freePlaces.last ?? used
        guard place < ClientProcesses.capacity else { throw .outOfMemory }
        let (record, upper) = (records + place, options.upper)
        record.initialize(to: Record())
        forks += 1
        let child = try ForkedProcess.start {
            // The ports are to be free when the parent has closed them. The signals stay blocked: a
            // Ctrl-C is for all processes at the terminal, and the parent says when.
            for socket in listening { socket.close() }
            withUnsafeMutablePointer(to: &record.pointee.tally) {
                echoToTheEnd(client, upper: upper, counting: $0)
            }
            record.pointee.isOver = true
            ForkedProcess.leave()
        }
        if freePlaces.popLast() == nil { used += 1 }
        places[child] = place
    }

    /// Forgets the children that have ended, so that none is left as a zombie.
    mutating func reapEnded() {
        while let child = ForkedProcess.reapAny() { account(for: child) }
    }

    /// Ends those that are left.
    mutating func end() {
        for child in places.keys { child.kill() }
        for child in Array(places.keys) {
            child.waitAndReap()
            account(for: child)
        }
    }

    private mutating func account(for child: ForkedProcess) {
        guard let place = places.removeValue(forKey: child) else { return }
        tally.add(records[place].tally)
        freePlaces.append(place)
    }

    var counters: EchoCounters { tally.counters.counting("fork", forks) }
}
