import Glibc
import Syscalls

/// How many connections wait to be accepted on a port of this machine.
///
/// For a client a connection is up before the server has accepted it, so the client's own attempts
/// say nothing about the queue that it fills. The kernel does: in its tables of sockets (proc(5),
/// `/proc/net/tcp`) those that listen come first, with their queues.
struct ListenQueue: Equatable {
    /// Sockets that listen on the port; several where processes share it.
    var listeners = 0
    /// Connections in all of their queues.
    var waiting = 0

    /// Looks at the queues of an address's port; nil where nothing is seen to listen on it.
    ///
    /// A listener at [::] takes IPv4 connections too, and none takes IPv6 but those of IPv6.
    static func look(at address: SocketAddress) -> ListenQueue? {
        var queue = ListenQueue()
        let tables = address.family == AF_INET6 ? ["tcp6"] : ["tcp", "tcp6"]
        for table in tables { queue.add(look(at: address.port, in: "/proc/net/\(table)")) }
        return queue.listeners > 0 ? queue : nil
    }

    private mutating func add(_ other: ListenQueue) {
        listeners += other.listeners
        waiting += other.waiting
    }

    private static func look(at port: UInt16, in table: String) -> ListenQueue {
        // A first piece is enough for some twenty listeners; few machines have more.
        for size in [4096, 1 << 16] {
            // Where the kernel does not show the table, nothing is known.
            guard let text = try? File.read(table, atMost: size) else { break }
            let (queue, goesOn) = read(text, port)
            if queue.listeners > 0 || !goesOn { return queue }
        }
        return ListenQueue()
    }

    /// Reads the beginning of a table, lines like
    ///
    ///     0: 0100007F:1E6C 00000000:0000 0A 00000000:00000003 …
    ///
    /// with the local port, the state (0A is listening) and the queue, all in hexadecimal. Says too
    /// whether there may be more listeners behind it.
    static func read(_ text: String, _ port: UInt16) -> (queue: ListenQueue, goesOn: Bool) {
        var queue = ListenQueue()
        for line in text.utf8.split(separator: UInt8(ascii: "\n")).dropFirst() {
            let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            // The last line may be a piece of one.
            guard fields.count > 4, let waiting = number(atEndOf: fields[4]) else { break }
            guard fields[3].elementsEqual("0A".utf8) else { return (queue, false) }
            guard number(atEndOf: fields[1]) == Int(port) else { continue }
            queue.listeners += 1
            queue.waiting += waiting
        }
        return (queue, true)
    }

    /// The number behind the colon of a field.
    private static func number(atEndOf field: Substring.UTF8View) -> Int? {
        field.lastIndex(of: UInt8(ascii: ":")).flatMap {
            Int(Substring(field[$0...].dropFirst()), radix: 16)
        }
    }
}

/// How many connections a worker may open before it looks at the queue of the listener again.
///
/// A server that does not accept gets a few all the same, now and then: whether they overflow its
/// queue is for the kernel to say.
struct QueuePace {
    /// Connections that may wait for each listener: less than any usual backlog, and enough to keep
    /// a server busy until the next look.
    static let waitingMax = 64
    /// Between two looks at a queue that is full.
    static let pause = Duration.milliseconds(1)
    /// How long a server is waited for that does not accept.
    static let patience = Duration.milliseconds(200)

    private let workers: Int
    private var attemptsLeft: Int
    private var patienceEnds: Instant
    private(set) var nextLook: Instant

    /// Begins with what any listener takes.
    init(among workers: Int, from now: Instant) {
        self.workers = workers
        attemptsLeft = max(1, QueuePace.waitingMax / workers)
        (patienceEnds, nextLook) = (now.advanced(by: QueuePace.patience), now)
    }

    /// Whether no attempt may begin before the next look.
    var isSpent: Bool { attemptsLeft == 0 }

    /// Counts an attempt that begins.
    mutating func spend() { attemptsLeft -= 1 }

    /// Lets no attempt begin before the next look: the queue was full.
    mutating func rest(at now: Instant) {
        attemptsLeft = 0
        nextLook = now.advanced(by: QueuePace.pause)
    }

    /// Decides from a look at the queue; where it cannot be seen, it is no limit.
    mutating func take(_ queue: ListenQueue?, at now: Instant) {
        guard let queue else { return attemptsLeft = .max }
        let room = QueuePace.waitingMax * queue.listeners - queue.waiting
        attemptsLeft = room > 0 ? max(1, room / workers) : 0
        if attemptsLeft == 0, now >= patienceEnds {
            attemptsLeft = max(1, QueuePace.waitingMax / workers)
        }
        if attemptsLeft > 0 { patienceEnds = now.advanced(by: QueuePace.patience) }
        nextLook = now.advanced(by: QueuePace.pause)
    }
}
