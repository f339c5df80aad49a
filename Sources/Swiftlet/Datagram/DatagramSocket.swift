import Drivers
import Syscalls

/// A socket for datagrams: UDP, Unix datagrams, pings and raw packets.
///
/// ```swift
/// let socket = try await DatagramSocket.bind(to: "127.0.0.1:0")
/// try await socket.send("ping", to: server)
/// let answer = try await socket.receive(timeout: .seconds(1))
/// ```
///
/// A datagram comes as a whole or not at all, in any order, and perhaps twice. One task may receive
/// while others send; a second receiver gets a `busy` error. The socket closes when the last copy
/// of this value goes. It may be used from any task; tasks outside the loop pay two hops for each
/// operation.
public struct DatagramSocket: Sendable {
    let socket: Socket
    /// The loop that it belongs to.
    let loop: EventLoop
    /// Whether control messages are read with each datagram.
    let readsControl: Bool
    /// The address of this end, with the port that the kernel chose when 0 was asked for.
    public let localAddress: SocketAddress
    /// The peer that it is connected to; nil when it takes datagrams from all.
    public var remoteAddress: SocketAddress? { isConnected ? socket.peer : nil }
    private let isConnected: Bool

    /// Opens a socket with an address of its own, which takes datagrams from all (bind(2)).
    ///
    /// - Parameters:
    ///   - address: where to receive; port 0 takes a free one. At a Unix path, the file of a socket
    ///     that is gone is replaced, and the file is removed when the socket closes.
    ///   - kind: what it carries: UDP, or the datagrams of Unix sockets, if nothing is said.
    ///   - options: socket options that are set before the socket is bound.
    ///   - tellsLocalAddress: whether each datagram tells the address that it came to. Asked for
    ///     where the socket is bound to every address, so that an answer can leave from it.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: the socket, whose `localAddress` has the port that the kernel chose.
    /// - Throws: `IOError` of `open`, `option`, `bind` or `address`, such as "bind 127.0.0.1:53:
    ///   Permission denied"; of `open` with `.notAllowed` for raw and ping sockets.
    public static func bind(
        to address: SocketAddress, kind: DatagramKind = .datagram,
        options: [SocketOption: Int] = [:], tellsLocalAddress: Bool = false,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> DatagramSocket {
        try await EventLoop.require(.bind).open(
            kind, at: address, to: nil, options, tellsLocalAddress, in: Call(file, line))
    }

    /// Opens a socket on each loop of the run that the caller belongs to, all on one port
    /// (`SO_REUSEPORT`, socket(7)): the kernel spreads senders over them by their addresses.
    ///
    /// - Parameters:
    ///   - address: where to receive; port 0 takes a free one for all of them.
    ///   - options: socket options that are set before a socket is bound.
    ///   - tellsLocalAddress: as for `bind`.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: the sockets, in the order of `EventLoop.all`.
    /// - Throws: as `bind`.
    public static func bindOnEachLoop(
        to address: SocketAddress, options: [SocketOption: Int] = [:],
        tellsLocalAddress: Bool = false, file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> [DatagramSocket] {
        let options = options.merging([.reusePort: 1]) { _, shared in shared }
        var sockets: [DatagramSocket] = []
        for loop in try EventLoop.require(.bind).loops {
            let address = sockets.first?.localAddress ?? address
            sockets.append(
                try await loop.open(
                    .datagram, at: address, to: nil, options, tellsLocalAddress,
                    in: Call(file, line)))
        }
        return sockets
    }

    /// Opens a socket that sends to one peer and receives from it alone (connect(2)).
    ///
    /// Nothing is sent for that. That no socket receives there is found out by sending: then a
    /// later call fails with "Connection refused", once, and the socket is as good as before.
    ///
    /// - Parameters:
    ///   - address: the peer.
    ///   - local: the address of this end, bound first; nil leaves it to the kernel. A Unix peer
    ///     can answer only to one that has a name: `SocketAddress("unix:")` takes a free one.
    ///   - kind: what it carries.
    ///   - options: socket options that are set before anything else.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    /// - Returns: the socket.
    /// - Throws: `IOError` of `open`, `option`, `bind`, `connect` or `address`, such as "connect
    ///   10.0.0.1:53: Network is unreachable".
    public static func connect(
        to address: SocketAddress, from local: SocketAddress? = nil,
        kind: DatagramKind = .datagram, options: [SocketOption: Int] = [:],
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) -> DatagramSocket {
        try await EventLoop.require(.connect).open(
            kind, at: local, to: address, options, false, in: Call(file, line))
    }

    /// Closes the socket. A task that waits on it is resumed with a `closed` error; again does
    /// nothing.
    ///
    /// From another thread than the loop's it returns before the loop has done so.
    public func close() { socket.close() }

    /// Takes over a socket that is open.
    fileprivate init(
        _ socket: Socket, of loop: EventLoop, at local: SocketAddress, isConnected: Bool,
        readsControl: Bool
    ) {
        self.socket = socket
        self.loop = loop
        self.readsControl = readsControl
        self.isConnected = isConnected
        localAddress = local
    }
}

// Options and groups.
extension DatagramSocket {
    /// Reads a socket option (getsockopt(2)).
    ///
    /// - Returns: 0 or 1, bytes or a number, as the option says.
    /// - Throws: `IOError` with `.closed`, or what the kernel says.
    public func option(_ option: SocketOption) async throws(IOError) -> Int {
        try await socket.perform(.option) { sockets, descriptor throws(Errno) in
            try sockets.option(option, of: descriptor)
        }
    }

    /// Sets a socket option (setsockopt(2)): `.broadcast`, `.multicastTimeToLive` and others.
    ///
    /// - Parameters:
    ///   - option: which one.
    ///   - value: 0 or 1, bytes or a number, as the option says.
    /// - Throws: `IOError` with `.closed`, or what the kernel says; "Invalid argument" for
    ///   `.receiveSegments`, `.localAddresses` and `.localAddressesIPv6`, which are for opening:
    ///   they decide how the socket receives.
    public func setOption(_ option: SocketOption, to value: Int) async throws(IOError) {
        if option.needsControl { throw IOError(.option, .system(.invalidArgument)) }
        try await socket.perform(.option) { sockets, descriptor throws(Errno) in
            try sockets.setOption(option, of: descriptor, to: value)
        }
    }

    /// Receives from now on what is sent to a group, 224.0.0.0/4 or ff00::/8, and the port of this
    /// socket (`MCAST_JOIN_GROUP`, ip(7)).
    ///
    /// The socket must be bound to every address, or to that of the group.
    ///
    /// - Parameters:
    ///   - group: the address of the group; its port means nothing.
    ///   - interface: the index of the interface on which to receive, as `NetworkInterface` has
    ///     it; 0 leaves it to routing.
    /// - Throws: `IOError` of `option`: "Address already in use" for a group that it has joined.
    public func join(_ group: SocketAddress, on interface: Int = 0) async throws(IOError) {
        try await change(.join, in: group, on: interface)
    }

    /// Receives no longer what is sent to a group.
    ///
    /// - Parameters:
    ///   - group: the address of the group; its port means nothing.
    ///   - interface: as it was joined.
    /// - Throws: `IOError` of `option`: "Cannot assign requested address" for a group that it has
    ///   not joined.
    public func leave(_ group: SocketAddress, on interface: Int = 0) async throws(IOError) {
        try await change(.leave, in: group, on: interface)
    }

    private func change(
        _ membership: Membership, in group: SocketAddress, on interface: Int
    ) async throws(IOError) {
        try await socket.perform(.option) { sockets, descriptor throws(Errno) in
            try sockets.change(membership, of: descriptor, in: group, on: interface)
        }
    }
}

extension EventLoop {
    /// Opens a socket for datagrams on this loop, wherever the caller is.
    fileprivate func open(
        _ kind: DatagramKind, at local: SocketAddress?, to peer: SocketAddress?,
        _ options: [SocketOption: Int], _ tellsLocalAddress: Bool, in call: Call
    ) async throws(IOError) -> DatagramSocket {
        guard let address = peer ?? local else { throw IOError(.open, .outOfRange(0)) }
        return try await executor.perform { () async throws(IOError) in
            if executor.state.isEnding {
                throw IOError(.open, await executor.refuse(in: call))
            }
            let socket = try executor.openDatagramSocket(kind, for: address)
            do throws(IOError) {
                try socket.prepare(kind, options, tellsLocalAddress)
                if let local { try socket.bindDatagrams(to: local) }
                if let peer { try socket.connectDatagrams(to: peer) }
            } catch {
                socket.close()
                throw IOError(
                    error.operation, error.reason, at: error.operation == .bind ? local : address)
            }
            let bound = try socket.attempt(.address) { descriptor throws(Errno) in
                try executor.sockets.localAddress(descriptor)
            }
            return DatagramSocket(
                socket, of: self, at: bound, isConnected: peer != nil,
                // Those of a Unix socket would be descriptors of its sender's.
                readsControl: !address.isUnix
                    && (tellsLocalAddress || kind == .ping
                        || options.contains { $0.key.needsControl && $0.value != 0 })
            )
        }
    }
}

extension LoopExecutor {
    /// Opens a socket for datagrams that belongs to this loop. The caller is on the loop's thread.
    fileprivate func openDatagramSocket(
        _ kind: DatagramKind, for address: SocketAddress
    ) throws(IOError) -> Socket {
        do throws(Errno) {
            let descriptor = try sockets.openDatagram(for: address, kind)
            return Socket(adopting: descriptor, peer: address, on: self)
        } catch {
            switch (kind, error) {
            case (.raw, .notPermitted): throw IOError(.open, .notAllowed(.rawSockets))
            case (.ping, .accessDenied): throw IOError(.open, .notAllowed(.pings))
            default: throw IOError(.open, .system(error), at: address)
            }
        }
    }
}

// The callers are on the loop's thread.
extension Socket {
    /// Sets the options with which a socket for datagrams begins.
    fileprivate func prepare(
        _ kind: DatagramKind, _ options: [SocketOption: Int], _ tellsLocalAddress: Bool
    ) throws(IOError) {
        // Said, because machines differ in what they take for usual (/proc/sys/net/ipv6).
        if peer.isIPv6, kind == .datagram, options[.ipv6Only] == nil { try set([.ipv6Only: 0]) }
        if tellsLocalAddress, peer.isIPv6 { try set([.localAddressesIPv6: 1]) }
        // Also of IPv6: of IPv4 packets it alone tells an address that an answer can leave from.
        if tellsLocalAddress, !peer.isUnix, !(peer.isIPv6 && kind.isRaw) {
            try set([.localAddresses: 1])
        }
        try set(options)
    }

    fileprivate func bindDatagrams(to local: SocketAddress) throws(IOError) {
        loop.state.socketFiles[descriptor] = try attempt(.bind) { descriptor throws(Errno) in
            try SocketFile.bind(descriptor, to: local, access: nil, over: loop.sockets)
        }
    }

    fileprivate func connectDatagrams(to peer: SocketAddress) throws(IOError) {
        _ = try attempt(.connect) { descriptor throws(Errno) in
            try loop.sockets.connect(descriptor, to: peer)
        }
    }
}

extension SocketOption {
    /// Whether what it asks for comes beside the datagrams, in control messages.
    fileprivate var needsControl: Bool {
        [.receiveSegments, .localAddresses, .localAddressesIPv6].contains(self)
    }
}
