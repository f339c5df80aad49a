import Drivers
import Synchronization
import Syscalls

/// Something with a descriptor that can be sent over a Unix connection: a connection, a listener,
/// a descriptor that was received, or any by its number.
public protocol Passable: Sendable {
    /// The number, borrowed: it means this for as long as the value is open.
    var descriptor: RawDescriptor { get }
}

extension RawDescriptor: Passable {
    /// The number itself, which its owner keeps open until it is sent.
    public var descriptor: RawDescriptor { self }
}

extension Connection: Passable {
    /// The number of its socket, for calls that are not here. Closing it is this library's.
    public var descriptor: RawDescriptor { socket.descriptor }
}

extension Listener: Passable {
    /// The number of its socket, for calls that are not here. Closing it is this library's.
    public var descriptor: RawDescriptor { socket.descriptor }
}

/// A descriptor that came over a Unix connection, and is this process's own: it closes with its
/// last reference, and no program that the process becomes or starts has it.
public final class PassedDescriptor: Passable {
    /// The number, borrowed.
    public let descriptor: RawDescriptor
    private let sockets: any Sockets
    private let isOurs = Atomic(true)

    init(adopting descriptor: RawDescriptor, over sockets: any Sockets) {
        self.descriptor = descriptor
        self.sockets = sockets
    }

    deinit { if take() != nil { sockets.close(descriptor) } }

    /// Whether the number still means what was received.
    fileprivate var isOpen: Bool { isOurs.load(ordering: .acquiring) }

    /// Gives the descriptor up without closing it; nil when that was done before.
    public func take() -> RawDescriptor? {
        isOurs.exchange(false, ordering: .acquiringAndReleasing) ? descriptor : nil
    }
}

extension Socket {
    /// The number of what is to be sent over this socket, which is open now. The caller is on the
    /// loop's thread.
    func number(of item: any Passable) throws(IOError) -> RawDescriptor {
        if let passed = item as? PassedDescriptor, !passed.isOpen {
            throw IOError(.write, .closed)
        }
        if let socket = (item as? Connection)?.socket ?? (item as? Listener)?.socket {
            // What another loop has it may close at any time.
            guard socket.loop === loop else { throw IOError(.write, .otherLoop) }
            try socket.checkOpen(.write)
        }
        return item.descriptor
    }
}

extension Connection {
    /// Makes a connection of the calling loop of a connected socket that was received.
    ///
    /// No call on it waits from now on, also for those processes that have it, too (fcntl(2),
    /// `O_NONBLOCK`): it is one socket, whoever reads from it.
    ///
    /// - Returns: the connection, which closes when its last copy goes.
    /// - Throws: `IOError` of `open`: with `.closed` when the descriptor was taken before, and what
    ///   the kernel says when it is none of a connection: "Socket operation on non-socket". It is
    ///   as it was then.
    public static func adopt(_ passed: PassedDescriptor) async throws(IOError) -> Connection {
        let loop = try EventLoop.require(.open).executor
        return try await loop.perform { () async throws(IOError) in
            if loop.state.isEnding {
                throw IOError(.open, await loop.refuse(in: Call(#fileID, #line)))
            }
            guard passed.isOpen else { throw IOError(.open, .closed) }
            let peer: SocketAddress
            do throws(Errno) {
                peer = try loop.sockets.adopt(passed.descriptor)
            } catch {
                throw IOError(.open, .system(error))
            }
            guard let descriptor = passed.take() else { throw IOError(.open, .closed) }
            return Connection(socket: Socket(adopting: descriptor, peer: peer, on: loop))
        }
    }
}
