import Syscalls

/// The processes that serve, each with the place where it counts.
struct ClientProcesses: ~Copyable {
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
    /// Places below `used` that a child has given back.
    private var freePlaces: [Int] = []
    private var used = 0
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

    /// How many clients are being served. Looked at closely only at the limit: a client has gone
    /// before its process has, and then the next one may come.
    var serving: Int {
        guard let limit = options.connectionsMax, count >= limit else { return count }
        return places.values.count { !records[$0].isOver }
    }

    /// Starts a process that serves a client; throws when there can be no more processes.
    mutating func start(
        for client: RawDescriptor, closing listener: RawDescriptor
    ) throws(Errno) {
        let place = freePlaces.last ?? used
        guard place < ClientProcesses.capacity else { throw .outOfMemory }
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

    var counters: EchoCounters {
        var counters = tally.counters
        counters.count("fork", forks)
        return counters
    }
}
