import Glibc
import Swiftlet
import Syscalls

/// The echo service with a process for each client: the parent accepts, its copies wait in recv(2).
///
///     parent ── fork ──► child: serves one client, leaves
///        ▲                 │ writes
///        └── reads when ── ▼ reaped ──   tallies [ child | child | free | … ]   shared memory
///
/// Each client's code is as simple as if there were no other, and one that crashes takes nobody
/// along. The price is a process for each, and a switch of address spaces for each message.
struct ForkEcho: EchoService {
    let options: EchoOptions

    func run(
        stoppedBy signals: SignalSet, onReady: @escaping @Sendable (SocketAddress) -> Void
    ) throws -> EchoCounters {
        let ends = SignalSet([SIGCHLD])
        ends.block()
        let ended = try attempt(.open) { () throws(Errno) in try ends.makeDescriptor() }
        var stop = try EchoStop(signals, drain: options.drain)
        var listener = try EchoListener(options)
        var children = try attempt(.open) { () throws(Errno) in try ClientProcesses(options) }
        defer { children.end() }
        var waits = 0
        onReady(listener.address)
        while !stop.isOver(open: children.count) {
            waits += 1
            try attempt(.wait) { () throws(Errno) in
                try waitUntilReadable(
                    listener.watched, stop.raw, ended.raw, nanoseconds: stop.patience)
                _ = try SignalSet.take(from: ended.raw)
            }
            try stop.look()
            if stop.isDraining { listener.close() }
            children.reapEnded()
            try startProcesses(&children, for: &listener)
        }
        children.end()
        var counters = listener.counters
        counters.add(children.counters)
        counters.count("ppoll", waits)
        return counters
    }

    private func startProcesses(
        _ children: inout ClientProcesses, for listener: inout EchoListener
    ) throws(IOError) {
        while let client = try listener.accept() {
            let others = children.serving
            guard listener.admits(client, beside: others) else { continue }
            do throws(Errno) {
                try client.setBlocking()
                try children.start(for: client, closing: listener.raw)
                client.close()
                listener.countIn(open: others + 1)
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

    private let memory: SharedMemory
    private let records: UnsafeMutablePointer<Record>
    /// Every child that was not reaped, and its record's place.
    private var places: [ForkedProcess: Int] = [:]
    private var freePlaces = Array(0..<ClientProcesses.capacity)
    private var forks = 0
    private var tally = EchoTally()
    private let options: EchoOptions

    init(_ options: EchoOptions) throws(Errno) {
        memory = try SharedMemory(
            byteCount: ClientProcesses.capacity * MemoryLayout<Record>.stride)
        records = memory.base.bindMemory(to: Record.self, capacity: ClientProcesses.capacity)
        self.options = options
    }

    /// How many there are, with those that are about to end.
    var count: Int { places.count }

    /// How many clients are being served. Looked at closely only where it matters: a client that was
    /// the last that may be served has gone before its process has.
    var serving: Int {
        guard let limit = options.connectionsMax, count >= limit else { return count }
        return places.values.count { !records[$0].isOver }
    }

    /// Starts a process that serves a client; throws when there can be no more processes.
    mutating func start(
        for client: RawDescriptor, closing listener: RawDescriptor
    ) throws(Errno) {
        guard let place = freePlaces.last else { throw .outOfMemory }
        let (record, upper) = (records + place, options.upper)
        record.initialize(to: Record())
        forks += 1
        let child = try ForkedProcess.start {
            // Nobody else may have the port when the parent has let go of it. The signals stay
            // blocked: a Ctrl-C is for all processes at the terminal, and the parent says when.
            listener.close()
            withUnsafeMutablePointer(to: &record.pointee.tally) {
                echoToTheEnd(client, upper: upper, counting: $0)
            }
            record.pointee.isOver = true
            ForkedProcess.leave()
        }
        freePlaces.removeLast()
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

    var counters: EchoCounters {
        var counters = tally.counters
        counters.count("fork", forks)
        return counters
    }
}
