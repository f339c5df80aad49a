import Drivers
import Swiftlet
import Syscalls

/// What happened in a simulation, in order: which task ran, parked and was unparked, which bytes
/// went where, and when.
///
/// The same seed gives the same trace, byte for byte. Only the last events are kept, as values that
/// become text on demand; all of them go into `digest`, by which two runs are compared.
///
///     kept     [ event | event | … ]     a ring; the next one goes to `count % limit`
///     tasks    process's number → 1, 2, 3 … in the order of their first step
struct Trace {
    /// One thing that happened.
    struct Line {
        let time: Instant
        let host: HostID
        let event: Event
    }

    enum Event {
        /// What the loop of the host did.
        case loop(LoopStep)
        case network(NetworkStep)
        case datagram(DatagramStep)
        case fault(FaultStep)
        case host(HostStep)
    }

    /// How many events there were.
    private(set) var count = 0
    private(set) var digest = TraceDigest()
    private(set) var tasks = TaskNumbers()
    /// Events that are kept; all of them when it is `Int.max`.
    private let limit: Int
    private var ring: [Line] = []

    init(keeping limit: Int = 64) { self.limit = limit }

    mutating func add(_ event: Event, on host: HostID, at time: Instant) {
        mix(event, host, time)
        let line = Line(time: time, host: host, event: event)
        if ring.count < limit { ring.append(line) } else if limit > 0 { ring[count % limit] = line }
        count += 1
    }

    /// Adds bytes that a program sent to the fingerprint; the events tell only how many.
    mutating func mix(_ bytes: UnsafeRawBufferPointer) { digest.add(bytes) }

    /// The events that are kept, the eldest first.
    var lines: [Line] {
        guard count > limit, limit > 0 else { return ring }
        let start = count % limit
        return Array(ring[start...] + ring[..<start])
    }

    private mutating func mix(_ event: Event, _ host: HostID, _ time: Instant) {
        digest.add(time.nanoseconds)
        digest.add(host.index)
        switch event {
        case .loop(let step): step.mix(into: &digest, numbering: &tasks)
        case .network(let step):
            digest.add(10)
            step.mix(into: &digest)
        case .fault(let step):
            digest.add(11)
            step.mix(into: &digest)
        case .host(let step):
            digest.add(12)
            step.mix(into: &digest)
        case .datagram(let step):
            digest.add(13)
            step.mix(into: &digest)
        }
    }
}

/// The tasks of a world, numbered from 1 in the order in which they are first met: what the process
/// calls them depends on whatever else runs in it.
struct TaskNumbers {
    /// What is known of a task.
    struct Known {
        let number: Int
        /// What it is called, once it has been parked.
        var name: String?
    }

    private var tasks: [TaskID: Known] = [:]
    /// Most steps are of the task of the step before.
    private var last: (task: TaskID, number: Int)?

    mutating func number(of task: TaskID) -> Int {
        if let last, last.task == task { return last.number }
        let known = tasks[task] ?? Known(number: tasks.count + 1)
        tasks[task] = known
        last = (task, known.number)
        return known.number
    }

    /// Notes what a task that was met is called.
    mutating func name(_ task: TaskID, _ name: String) {
        if tasks[task]?.name == nil { tasks[task]?.name = name }
    }

    /// What is known of a task; nil when it was not met.
    func known(_ task: TaskID) -> Known? { tasks[task] }
}

/// A fingerprint of everything that a trace was told, by which two runs are compared.
///
/// FNV-1a over words instead of bytes, with a shift that brings the high bits down again (Fowler,
/// Noll and Vo, draft-eastlake-fnv). It tells runs apart, it is no protection.
struct TraceDigest: Equatable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x0000_0100_0000_01B3
        value ^= value >> 29
    }

    mutating func add(_ word: Int) { add(UInt64(bitPattern: Int64(word))) }
    mutating func add(_ word: Int64) { add(UInt64(bitPattern: word)) }

    mutating func add(_ words: Int...) {
        for word in words { add(word) }
    }

    /// Adds bytes, eight in a word, and how many they are.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let tail = bytes.count & ~7
        for offset in stride(from: 0, to: tail, by: 8) {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        }
        for byte in bytes[tail...] { add(UInt64(byte)) }
        add(bytes.count)
    }
}
