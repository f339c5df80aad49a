import Syscalls

/// What went wrong, in which operation: "accept: Too many open files".
///
/// The only error type of the runtime's own. The end of a stream is not an error but a value. Two
/// are equal that have the same operation and the same reason, whatever address they are about.
public struct IOError: Error, Sendable {
    /// What was being done.
    public enum Operation: String, Sendable {
        case open, bind, listen, accept, connect, read, write, sleep, spawn, park, wait
        /// Giving an element to a channel and taking one from it, or a datagram.
        case send, receive
        /// Putting an element into a queue, taking or looking at one, waiting until all is done.
        case put, get, peek, join
        /// Waiting for the first of several things.
        case select
        /// Taking a permit of a semaphore, or a lock.
        case acquire
        /// Half-closing, shutdown(2).
        case closeWrite = "close write"
        /// Reading or setting a socket option.
        case option
        /// Asking for an address of a socket.
        case address
        /// Looking up the name of a host.
        case resolve
        /// Work on a thread of a pool.
        case offload
        /// Asking or changing how a terminal works.
        case terminal
        /// Starting a program, or waiting for its end.
        case run
    }

    /// Why it did not work.
    public enum Reason: Hashable, Sendable {
        /// The kernel refused.
        case system(Errno)
        /// The deadline or the idle timeout passed.
        case timedOut
        /// The task was cancelled.
        case cancelled
        /// The descriptor, or the channel, was closed, by this task or another one.
        case closed
        /// Another task is doing the same to the same descriptor.
        case busy
        /// The event loop has ended, or is ending.
        case loopEnded
        /// There is no event loop: the call was not made from inside `EventLoop.run`.
        case noLoop
        /// It belongs to another event loop, which may close it at any time.
        case otherLoop
        /// The stream ended where more bytes had to come.
        case endOfStream
        /// What was to be read is longer than the limit that was given.
        case tooLong
        /// There is nothing of this number, such as -1 bytes.
        case outOfRange(Int)
        /// The name of a host has no address.
        case name(NameFailure)
        /// As many wait already as may.
        case full
        /// A datagram of so many bytes is longer than the socket can send.
        case datagramTooLong(Int)
        /// The system does not let the process open such a socket.
        case notAllowed(Privilege)
        /// Other machines could reach the address, which was not allowed.
        case notOfThisMachine
    }

    /// What a process must be allowed before it opens some sockets.
    public enum Privilege: Hashable, Sendable {
        /// The capability CAP_NET_RAW, for raw sockets (raw(7)).
        case rawSockets
        /// A group in `net.ipv4.ping_group_range`, for ping sockets (icmp(7)).
        case pings
    }

    /// What was being done.
    public let operation: Operation
    /// Why it did not work.
    public let reason: Reason
    /// Which address a listener or a connection was for; nil for other operations, and where there
    /// was no socket for it.
    public var address: SocketAddress? { subject?.address }
    /// The name that was to be looked up, with its port where it has one: "example.org:443"; the
    /// pool, the file or the program that it was about.
    public var name: String? { subject?.name }
    /// What became of the attempts with each address of the name, in the order in which they ended.
    public var attempts: [IOError] { subject?.attempts ?? [] }
    private let subject: Subject?

    /// An error of an operation for a reason, with the address that a listener or a connection was
    /// for.
    public init(_ operation: Operation, _ reason: Reason, at address: SocketAddress? = nil) {
        self.operation = operation
        self.reason = reason
        subject = address.map { Subject(address: $0, name: nil, attempts: []) }
    }

    /// An error of an operation on a name, after attempts with its addresses.
    public init(
        _ operation: Operation, _ reason: Reason, name: String, attempts: [IOError] = []
    ) {
        self.operation = operation
        self.reason = reason
        subject = Subject(address: nil, name: name, attempts: attempts)
    }

    /// What the error is about, in memory of its own, for an error is as long as its longest.
    private final class Subject: Sendable {
        let address: SocketAddress?
        let name: String?
        let attempts: [IOError]

        init(address: SocketAddress?, name: String?, attempts: [IOError]) {
            self.address = address
            self.name = name
            self.attempts = attempts
        }
    }
}

extension IOError: Hashable {
    /// Whether both are of the same operation, for the same reason.
    public static func == (one: IOError, other: IOError) -> Bool {
        one.operation == other.operation && one.reason == other.reason
    }

    /// Feeds the operation and the reason to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(operation)
        hasher.combine(reason)
    }
}

extension IOError: CustomStringConvertible {
    /// One line: the operation, the address or name where there is one, a colon, and the reason in
    /// words; behind it in brackets what became of each attempt, where there were several.
    public var description: String {
        let place = (name ?? address?.description).map { " \($0)" } ?? ""
        let ends = attempts.map { "\($0.address?.description ?? ""): \($0.words)" }
        let list = ends.isEmpty ? "" : " (\(ends.joined(separator: "; ")))"
        return "\(operation.rawValue)\(place): \(words)\(list)"
    }

    private var words: String {
        switch reason {
        // A write may say so of a file, and these only of epoll_ctl(2).
        case .system(.noSpace)
        where [.accept, .connect, .read, .receive, .park].contains(operation):
            "epoll watches no more descriptors: see /proc/sys/fs/epoll/max_user_watches"
        case .system(let errno): errno.description
        case .timedOut: "the deadline passed"
        case .cancelled: "the task was cancelled"
        case .closed: "it is closed"
        case .busy: "another task is already doing this to the same socket"
        case .loopEnded: "the event loop has ended"
        case .noLoop: "not inside EventLoop.run, so there is no loop to do it"
        case .otherLoop:
            "it belongs to another event loop: pass its descriptor, and keep it open meanwhile"
        case .endOfStream: "the stream ended before all of the bytes had come"
        case .tooLong: "more bytes than the limit came without an end"
        case .outOfRange(let number): "\(number) is out of range"
        case .name(let failure): failure.description
        case .full: "as many wait already as may"
        case .datagramTooLong(let count): "a datagram of \(count) bytes is longer than can be sent"
        case .notOfThisMachine:
            "other machines could reach it: give a loopback address or a Unix path, or allow them"
        case .notAllowed(.rawSockets):
            "raw sockets need the capability CAP_NET_RAW: run as root, or "
                + "'setcap cap_net_raw+ep PROGRAM'"
        case .notAllowed(.pings):
            "ping sockets need a group of the process in net.ipv4.ping_group_range: "
                + "'sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"' allows all"
        }
    }
}

// So that `catch IOError.timedOut` matches.
extension IOError {
    /// The deadline or the idle timeout passed.
    public static var timedOut: Pattern { Pattern(.timedOut) }
    /// The task was cancelled.
    public static var cancelled: Pattern { Pattern(.cancelled) }
    /// The descriptor was closed, by this task or another one.
    public static var closed: Pattern { Pattern(.closed) }
    /// Another task is doing the same to the same descriptor.
    public static var busy: Pattern { Pattern(.busy) }
    /// The event loop has ended, or is ending.
    public static var loopEnded: Pattern { Pattern(.loopEnded) }
    /// There is no event loop.
    public static var noLoop: Pattern { Pattern(.noLoop) }
    /// It belongs to another event loop.
    public static var otherLoop: Pattern { Pattern(.otherLoop) }
    /// The stream ended where more bytes had to come.
    public static var endOfStream: Pattern { Pattern(.endOfStream) }
    /// What was to be read is longer than the limit that was given.
    public static var tooLong: Pattern { Pattern(.tooLong) }
    /// As many wait already as may.
    public static var full: Pattern { Pattern(.full) }
    /// There is nothing of this number, whichever it is.
    public static var outOfRange: Pattern {
        Pattern { if case .outOfRange = $0 { true } else { false } }
    }
    /// The name of a host has no address, for whatever reason.
    public static var name: Pattern { Pattern { if case .name = $0 { true } else { false } } }
    /// A datagram is longer than the socket can send.
    public static var datagramTooLong: Pattern {
        Pattern { if case .datagramTooLong = $0 { true } else { false } }
    }
    /// Other machines could reach the address.
    public static var notOfThisMachine: Pattern { Pattern(.notOfThisMachine) }
    /// The system does not let the process open such a socket, whichever it is.
    public static var notAllowed: Pattern {
        Pattern { if case .notAllowed = $0 { true } else { false } }
    }
    /// The kernel refused, for whatever reason.
    public static var system: Pattern { Pattern { if case .system = $0 { true } else { false } } }
    /// The kernel refused for one reason.
    public static func system(_ errno: Errno) -> Pattern { Pattern(.system(errno)) }
}

extension IOError {
    /// What `catch IOError.timedOut` matches: every `IOError` for such a reason.
    ///
    /// Not the reason itself: the `.timedOut` in a pattern for an error number would be taken for
    /// one.
    public struct Pattern: Sendable {
        private let matches: @Sendable (Reason) -> Bool

        init(_ reason: Reason) { matches = { $0 == reason } }

        init(where matches: @escaping @Sendable (Reason) -> Bool) { self.matches = matches }

        /// Whether an error is an `IOError` for the reason.
        public static func ~= (pattern: Pattern, error: any Error) -> Bool {
            (error as? IOError).map { pattern.matches($0.reason) } ?? false
        }
    }
}
