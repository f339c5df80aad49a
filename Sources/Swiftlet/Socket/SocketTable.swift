import Drivers
import Syscalls

/// The identity of one open socket: a descriptor number, and how often the number has been opened.
///
/// Numbers are reused as soon as they are closed; a generation is not, so what is meant for a
/// closed socket never reaches its successor.
struct SocketID: Hashable, Sendable {
    let descriptor: RawDescriptor
    let generation: UInt32
}

/// What the loop knows of its open sockets, by descriptor number.
///
///     records    [ – | – | 32 bytes | 32 bytes | … ]   what every operation looks at
///     leftovers  [ – | – | bytes ]                     up to the highest that ever had any
///     servers    [ – | – | A        | –        | … ]   what is asked at the end of a server
///
/// Apart, so that an operation touches one line of the processor's cache here, and not three.
struct SocketTable: ~Copyable {
    /// The state of one open socket that every operation looks at.
    struct Record {
        fileprivate var generation: UInt32 = 0
        fileprivate var isOpen = false
        /// The last read took everything there was, so the next one parks without asking the
        /// kernel.
        var isDry = false
        /// A task is inside a read.
        var isReading = false
        /// What has become of the last write.
        var writing = Writing.ended
        /// What the server has told the owner.
        var notice = Notice.none
        /// It takes connections, and no bytes.
        var isListening = false
        /// The idle timeout has passed while bytes waited in the kernel, so many as `waiting` says.
        var isStalled = false
        /// Bytes that the peer had not acknowledged when that was last asked.
        var waiting: UInt32 = 0
        /// The task that serves it and whose cancellation its server passes on; 0 for none.
        var owner: UInt = 0
        /// When bytes last moved in either direction.
        var lastActive = Instant.past

        /// Notes that a wait to read is over, and that there may be something.
        @inline(__always)
        mutating func endWait() {
            isReading = false
            isDry = false
        }
    }

    /// What has become of the last write.
    enum Writing: UInt8 {
        case ended
        /// A task is inside it.
        case underWay
        /// It failed before the kernel had all of it: what the peer has is not all that was to
        /// come.
        case cut
    }

    /// What a server tells the tasks that serve its connections.
    enum Notice: UInt8 {
        case none
        /// The server stops: where the owner would wait for the first byte of a read, it reads the
        /// end of the stream.
        case endIdleReads
        case cancel
    }

    private var records = OwnedArray<Record>()
    private var leftovers = OwnedArray<UnreadBytes>()
    private var servers = OwnedArray<ObjectIdentifier?>()

    /// Enters a descriptor that was just opened.
    mutating func insert(_ descriptor: RawDescriptor) -> SocketID {
        while records.count <= descriptor.index {
            records.append(Record())
            servers.append(nil)
        }
        let generation = records[descriptor.index].generation &+ 1
        records[descriptor.index].generation = generation
        records[descriptor.index].isOpen = true
        return SocketID(descriptor: descriptor, generation: generation)
    }

    /// Whether the socket is still open.
    @inline(__always)
    func isOpen(_ id: SocketID) -> Bool {
        let index = id.descriptor.index
        return records[index].isOpen && records[index].generation == id.generation
    }

    /// Forgets a socket and gives what was known of it; nil when it was closed before.
    mutating func remove(_ id: SocketID) -> Record? {
        guard isOpen(id) else { return nil }
        let index = id.descriptor.index
        let record = records[index]
        records[index] = Record()
        records[index].generation = id.generation
        if index < leftovers.count { leftovers[index] = UnreadBytes() }
        servers[index] = nil
        return record
    }

    /// The state of a socket that is open.
    subscript(id: SocketID) -> Record {
        @inline(__always) _read { yield records[id.descriptor.index] }
        @inline(__always) _modify { yield &records[id.descriptor.index] }
    }

    /// Whether an open socket has bytes that were received and not read yet.
    @inline(__always)
    func hasUnread(_ id: SocketID) -> Bool {
        let index = id.descriptor.index
        return index < leftovers.count && !leftovers[index].isEmpty
    }

    /// The bytes of an open socket that were received and not read yet.
    subscript(unread id: SocketID) -> UnreadBytes {
        @inline(__always) _read {
            let index = id.descriptor.index
            if index < leftovers.count { yield leftovers[index] } else { yield UnreadBytes() }
        }
        _modify {
            while leftovers.count <= id.descriptor.index { leftovers.append(UnreadBytes()) }
            yield &leftovers[id.descriptor.index]
        }
    }

    /// Makes `task` the owner of an open socket that `server` serves.
    mutating func setOwner(of id: SocketID, to task: UInt, for server: ObjectIdentifier) {
        records[id.descriptor.index].owner = task
        servers[id.descriptor.index] = server
    }

    /// Whether a descriptor is that of an open listener.
    func isListening(_ descriptor: RawDescriptor) -> Bool {
        records.indices.contains(descriptor.index) && records[descriptor.index].isListening
    }

    /// The open sockets that have an owner, and the task that owns each.
    var owned: [(task: UInt, id: SocketID)] {
        open.compactMap { self[$0].owner == 0 ? nil : (self[$0].owner, $0) }
    }

    /// Every open socket that `server` serves.
    func served(by server: ObjectIdentifier) -> [SocketID] {
        open.filter { servers[$0.descriptor.index] == server }
    }

    /// How many are open.
    var openCount: Int { records.indices.count { records[$0].isOpen } }

    /// Every open socket.
    var open: [SocketID] {
        records.indices.filter { records[$0].isOpen }.map {
            SocketID(descriptor: RawDescriptor(CInt($0)), generation: records[$0].generation)
        }
    }
}

/// Bytes that a socket has received and that were not read yet.
///
///     bytes   [ taken taken taken | unread unread unread ]
///                                  start
///
/// Taking from the front moves `start` and no byte, so that a thousand lines which came in one
/// packet cost a thousand lines and not their square.
struct UnreadBytes {
    private var bytes: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { bytes.isEmpty }
    var count: Int { bytes.count - start }

    /// Puts received bytes at the end.
    mutating func append(_ received: UnsafeRawBufferPointer) {
        bytes.removeFirst(start)
        start = 0
        bytes.append(contentsOf: received)
    }

    /// How many bytes there are up to and with the first `delimiter`, which is not among the first
    /// `skipped`.
    func count(to delimiter: UInt8, after skipped: Int) -> Int? {
        bytes[(start + skipped)...].firstIndex(of: delimiter).map { $0 + 1 - start }
    }

    /// The first `count` bytes, or all if there are fewer; they stay.
    func prefix(_ count: Int) -> [UInt8] { Array(bytes[start...].prefix(count)) }

    /// Takes the first `count` bytes, which are there.
    mutating func take(_ count: Int) -> [UInt8] {
        defer { drop(count) }
        return Array(bytes[start..<start + count])
    }

    /// Takes as many bytes as there are and as fit into `memory`; says how many.
    mutating func take(into memory: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(self.count, memory.count)
        memory.copyBytes(from: bytes[start..<start + count])
        drop(count)
        return count
    }

    /// An idle connection keeps no memory: with the last byte the array goes.
    private mutating func drop(_ count: Int) {
        start += count
        if start == bytes.count { self = UnreadBytes() }
    }
}
