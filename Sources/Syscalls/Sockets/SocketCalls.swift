import CLinux
import Glibc

// The stream-socket calls, typed. Every socket made here is non-blocking and closed on exec;
// every call returns at once, and one that has nothing to do throws `Errno.wouldBlock`.

/// What a connection keeps of what was written to it (socket(2)).
public enum ConnectionType: Hashable, Sendable {
    /// `SOCK_STREAM`: the bytes in their order, and not where one write ended and the next began.
    case stream
    /// `SOCK_SEQPACKET`: each write is a message, which one read takes. Only Unix sockets have it.
    case sequencedPackets

    /// The type as socket(2) takes it, non-blocking and closed on exec.
    var code: CInt {
        let type = self == .stream ? SOCK_STREAM : SOCK_SEQPACKET
        return [type, SOCK_NONBLOCK, SOCK_CLOEXEC].reduce(0) { $0 | CInt($1.rawValue) }
    }
}

extension RawDescriptor {
    /// Opens a socket of an address family for connections of a type (socket(2)).
    package static func streamSocket(
        family: CInt, type: ConnectionType = .stream
    ) throws(Errno) -> RawDescriptor {
        RawDescriptor(try retrying { Glibc.socket(family, type.code, 0) })
    }

    /// Gives the socket a local address (bind(2)).
    package func bind(to address: SocketAddress) throws(Errno) {
        _ = try retrying { address.withSockAddr { Glibc.bind(number, $0, $1) } }
    }

    /// Starts to queue connections, at most `backlog` of them and at most somaxconn (listen(2)).
    package func listen(backlog: Int) throws(Errno) {
        _ = try retrying { Glibc.listen(number, CInt(clamping: backlog)) }
    }

    /// Takes a connection from the queue, with the address of its peer (accept4(2)).
    package func accept() throws(Errno) -> (RawDescriptor, SocketAddress?) {
        try preferring { () throws(Errno) in
            let flags = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
            let (accepted, address) = try SocketAddress.filled { accept4(number, $0, $1, flags) }
            return (RawDescriptor(accepted), address)
        } or: { () throws(Errno) in
            let (accepted, address) = try SocketAddress.filled { Glibc.accept(number, $0, $1) }
            _ = try retrying { fcntl(accepted, F_SETFL, O_NONBLOCK) }
            _ = try retrying { fcntl(accepted, F_SETFD, FD_CLOEXEC) }
            return (RawDescriptor(accepted), address)
        }
    }

    /// Starts a connection (connect(2)); returns whether it is up already.
    ///
    /// When it is not, the socket becomes writable at the end of the attempt, and `takeError` says
    /// how it went. `EINTR` means the same as `EINPROGRESS` here: the attempt goes on.
    package func connect(to address: SocketAddress) throws(Errno) -> Bool {
        let result = address.withSockAddr { Glibc.connect(number, $0, $1) }
        if result == 0 { return true }
        let error = Errno.current
        if error == .inProgress || error == .interrupted { return false }
        throw error
    }

    /// Withdraws an attempt to connect over TCP, or resets the connection that has come of it, and
    /// forgets its error (connect(2), `AF_UNSPEC`).
    package func disconnect() throws(Errno) {
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        let length = socklen_t(MemoryLayout<sockaddr>.size)
        _ = try retrying { Glibc.connect(number, &nowhere, length) }
        _ = try takeError()
    }

    /// Takes the error that is pending on the socket, if any (`SO_ERROR`, socket(7)).
    package func takeError() throws(Errno) -> Errno? {
        let value = try option(SOL_SOCKET, SO_ERROR)
        return value == 0 ? nil : Errno(rawValue: value)
    }

    /// Receives what has arrived, at most `buffer.count` bytes; 0 is the end of the stream
    /// (recv(2)).
    @inlinable @inline(__always)
    public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try retrying { recv(number, buffer.baseAddress, buffer.count, 0) }
    }

    /// Hands bytes to the kernel and says how many it took (send(2)).
    ///
    /// A broken connection is an error, never a `SIGPIPE` that ends the process.
    @inlinable @inline(__always)
    public func send(_ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try retrying { Glibc.send(number, buffer.baseAddress, buffer.count, CInt(MSG_NOSIGNAL)) }
    }

    /// The most pieces that the kernel takes in one call (`IOV_MAX`, sendmsg(2)).
    package static let piecesMax = 1_024

    /// Hands the bytes of several pieces to the kernel, one behind the other, and says how many it
    /// took (sendmsg(2)); of at most `piecesMax` pieces.
    package func send(pieces: ArraySlice<UnsafeRawBufferPointer>) throws(Errno) -> Int {
        var vectors = pieces.prefix(RawDescriptor.piecesMax).map {
            iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
        }
        return try vectors.withUnsafeMutableBufferPointer { vectors throws(Errno) in
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = vectors.count
            return try retrying { sendmsg(number, &message, CInt(MSG_NOSIGNAL)) }
        }
    }

    /// How many of the bytes that were handed over the peer's kernel has not acknowledged
    /// (`SIOCOUTQ`, tcp(7)).
    package func unacknowledged() throws(Errno) -> Int {
        var count: CInt = 0
        _ = try retrying { ioctl(number, UInt(SIOCOUTQ), &count) }
        return Int(count)
    }

    /// How many bytes have come and were not received; of datagrams, those of the next one
    /// (`FIONREAD`, tcp(7), udp(7)).
    package func unread() throws(Errno) -> Int {
        var count: CInt = 0
        _ = try retrying { ioctl(number, UInt(FIONREAD), &count) }
        return Int(count)
    }

    /// Ends the writing half: the peer reads the end of the stream (shutdown(2), `SHUT_WR`).
    package func closeWrite() throws(Errno) {
        _ = try retrying { Glibc.shutdown(number, CInt(SHUT_WR)) }
    }

    /// Ends both halves, so that calls which wait on the socket return (shutdown(2), `SHUT_RDWR`).
    ///
    /// On a listener, accept fails with `EINVAL` from now on. A socket that has ended already is no
    /// error.
    package func shutdownBoth() { _ = Glibc.shutdown(number, CInt(SHUT_RDWR)) }

    /// The address of this end (getsockname(2)).
    package func localAddress() throws(Errno) -> SocketAddress {
        guard let address = try SocketAddress.filled(by: { getsockname(number, $0, $1) }).address
        else { throw Errno(rawValue: EAFNOSUPPORT) }
        return address
    }

    /// The address of the other end (getpeername(2)).
    package func remoteAddress() throws(Errno) -> SocketAddress {
        guard let address = try SocketAddress.filled(by: { getpeername(number, $0, $1) }).address
        else { throw Errno(rawValue: EAFNOSUPPORT) }
        return address
    }

    /// Reads an option that is one number (getsockopt(2)).
    func option(_ level: CInt, _ name: CInt) throws(Errno) -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        _ = try retrying { getsockopt(number, level, name, &value, &length) }
        return value
    }

    /// Sets an option that is one number (setsockopt(2)).
    func setOption(_ level: CInt, _ name: CInt, to value: CInt) throws(Errno) {
        var value = value
        let length = socklen_t(MemoryLayout<CInt>.size)
        _ = try retrying { setsockopt(number, level, name, &value, length) }
    }
}
