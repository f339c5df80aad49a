import Syscalls

/// The non-blocking socket calls that the runtime makes, so that a simulation can answer them.
///
/// Together with `Driver` this is everything that the runtime asks of a kernel. The contract is TCP
/// and Unix streams as Linux has them (socket(7), tcp(7), unix(7), and the page of each call);
/// `Tests/DriversTests/Sockets` holds the kernel's sockets and the simulated ones to it:
///
/// * **No call waits.** One that has nothing to do yet throws `Errno.wouldBlock`, and the driver
///   says when to try again. On a number that is not open every call throws `EBADF`.
/// * **A connection is up before it is accepted.** One more than the backlog wait in the queue, in
///   order, and may send. One beyond stays in progress, without an error. A listener that is closed
///   resets those that wait.
/// * **An attempt to connect ends in the pending error**, which `takeError` or the next call takes,
///   once. The socket can then try again. Where nobody listens it is `ECONNREFUSED`.
/// * **An attempt that `disconnect` has withdrawn comes to nothing**, or to a reset at the peer if
///   it was up; no later call tells of it, and the socket can try again.
/// * **Bytes arrive in order, and all that arrived can be read** before the end of the stream or
///   the error. The end stays: it is read again and again.
/// * **Each half ends by itself.** A socket that has ended its own half reads on; to send then is
///   `EPIPE`, and never a signal.
/// * **`close` ends in order what was read to the end.** Bytes that were not read make it a reset,
///   as `resetOnClose` does. To send to a peer that has closed brings a reset back.
/// * **A reset is `ECONNRESET` once**, to the first call; then reads are at the end and there is no
///   peer. After the end of the stream it is no news: reads stay there, sends throw `EPIPE`.
/// * **Buffers are bounded.** When the peer does not read, `send` takes less than it is given and
///   then nothing; there is room again when the reader has made some. Their sizes can be set before
///   the connection; what is set is doubled, and bounded both ways.
/// * **What waits to be sent is known.** A byte counts as not acknowledged from the `send` that
///   takes it until the peer's kernel has it, whether its program reads it or not.
/// * **An address belongs to one**, or to several that all asked to share it. Port 0 is a free one.
/// * **A closed number is free**, and comes back.
///
/// A Unix socket differs in what follows from its other end being in the same kernel:
///
/// * **It connects at once or not at all**: `ENOENT` without a file, `ECONNREFUSED` where none
///   listens, and `EAGAIN` when the backlog is full, of whose end no driver tells.
/// * **To send to a peer that has closed is `EPIPE` at once**, and `resetOnClose` means nothing.
/// * **What waits to be sent is what the peer's program has not read**, in the kernel's own measure
///   and not in bytes.
/// * **A message of `SOCK_SEQPACKET` is sent whole or not at all**, `EMSGSIZE` when it is longer
///   than the send buffer, and read whole: what the memory of the call has no room for is lost. An
///   empty one cannot be told from the end.
/// * **Descriptors come with the bytes that they were sent along with**: a read ends behind those.
///   One that takes such bytes and asks for fewer descriptors closes the others. Those that no
///   program can receive any more are closed, too.
/// * **A path is a file that `bind` makes** and that only `removeFile` removes; while it is there,
///   to bind to it is `EADDRINUSE`. An abstract name goes with its socket.
///
/// Sockets for datagrams (udp(7), unix(7)) have the calls at the end, and `bind`, `connect`,
/// `close`, the addresses and the options in common with streams:
///
/// * **A datagram comes as a whole or not at all**, in any order, perhaps twice; of one that is
///   longer than the buffer the rest is gone. An empty one is a datagram, too.
/// * **To send waits for no receiver.** One that has no room for a datagram loses it. A datagram
///   that no packet can hold is `EMSGSIZE`. Without a local address the first `send` takes one.
/// * **To connect names the peer**, at once: datagrams of others are not received any more, and
///   that nobody receives there is `ECONNREFUSED`, once, to the next call. On a socket that is not
///   connected it is not told.
/// * **Over Unix sockets nothing is lost**: while the receiver has no room to send is `EAGAIN`,
///   where there is none `ECONNREFUSED`.
package protocol Sockets: AnyObject, Sendable {
    /// Opens a non-blocking socket for an address of this family, and for connections of a type
    /// (socket(2)); `ESOCKTNOSUPPORT` where the family has none such.
    func open(for address: SocketAddress, as type: ConnectionType) throws(Errno) -> RawDescriptor
    /// Gives a socket its local address; port 0 takes a free one (bind(2)).
    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno)
    /// Starts to queue connections, at most `backlog` of them (listen(2)).
    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno)
    /// Takes a connection from the queue, non-blocking; the address is nil when it is of a
    /// family that `SocketAddress` does not have (accept4(2)).
    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?)
    /// Starts a connection; true when it is up already, else the socket becomes writable at the end
    /// of the attempt (connect(2)).
    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool
    /// Withdraws an attempt to connect over TCP, whatever it has come to (connect(2), `AF_UNSPEC`).
    func disconnect(_ socket: RawDescriptor) throws(Errno)
    /// Takes the error that is pending, such as that of a failed attempt to connect (`SO_ERROR`).
    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno?
    /// Receives at most `buffer.count` bytes; 0 is the end of the stream (recv(2)).
    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int
    /// Sends some of the bytes and says how many: fewer than all when there is no room (send(2)).
    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int
    /// Sends some of the bytes of several pieces, one behind the other, as `send` does for one
    /// (sendmsg(2)); of many pieces perhaps only the first 1,024. A message is all of those.
    func send(
        _ socket: RawDescriptor, pieces: ArraySlice<UnsafeRawBufferPointer>
    ) throws(Errno) -> Int
    /// How many of the bytes that were sent the peer has not acknowledged (`SIOCOUTQ`, tcp(7)).
    func unacknowledged(_ socket: RawDescriptor) throws(Errno) -> Int
    /// Ends the writing half (shutdown(2), `SHUT_WR`).
    func closeWrite(_ socket: RawDescriptor) throws(Errno)
    /// The address of this end (getsockname(2)).
    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress
    /// The address of the other end; `ENOTCONN` when there is none (getpeername(2)).
    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress
    /// Reads an option, in the unit that the option names (getsockopt(2)).
    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int
    /// Sets an option, in the unit that the option names (setsockopt(2)).
    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno)
    /// Makes `close` reset the connection instead of ending it in order (`SO_LINGER` of 0 seconds).
    func resetOnClose(_ socket: RawDescriptor) throws(Errno)
    /// Closes a socket, whose number may come back at once (close(2)).
    func close(_ socket: RawDescriptor)

    // What only Unix sockets have; for any other address or socket it is `EINVAL` or `EOPNOTSUPP`.

    /// Two sockets that are connected to each other (socketpair(2)).
    func openPair(as type: ConnectionType) throws(Errno) -> (RawDescriptor, RawDescriptor)
    /// Sends some of the bytes, at least one, and with the first of them descriptors of this
    /// process, which may close its own at once (sendmsg(2), `SCM_RIGHTS`).
    func send(
        _ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer,
        passing descriptors: [RawDescriptor]
    ) throws(Errno) -> Int
    /// Receives as `receive` does, and at most `limit` of the descriptors that came along, which
    /// are closed on exec; says what was lost (recvmsg(2)).
    func receiveMessage(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer,
        descriptors limit: Int
    ) throws(Errno) -> ReceivedMessage
    /// Makes a connected socket that was received one of these, and says what its other end is.
    func adopt(_ socket: RawDescriptor) throws(Errno) -> SocketAddress
    /// Whether a socket is bound to a path, which it need not listen on; that socket sees nothing
    /// of it.
    func hasSocket(at address: SocketAddress) throws(Errno) -> Bool
    /// The process at the other end; `ENOTCONN` when there is none (`SO_PEERCRED`, unix(7)).
    func peerCredentials(of socket: RawDescriptor) throws(Errno) -> PeerCredentials
    /// Which file is at the path of an address; `ENOENT` when there is none (lstat(2)).
    func file(at address: SocketAddress) throws(Errno) -> FileIdentity
    /// Gives the file at a path a mode and an owner (chmod(2), chown(2)).
    func setFile(at address: SocketAddress, _ access: SocketFileAccess) throws(Errno)
    /// Removes a path, whatever it names (unlink(2)).
    func removeFile(at address: SocketAddress) throws(Errno)

    // What only sockets for datagrams have.

    /// Opens a non-blocking socket for datagrams of this family (socket(2)).
    func openDatagram(
        for address: SocketAddress, _ kind: DatagramKind
    ) throws(Errno) -> RawDescriptor
    /// Receives one datagram; with `readingControl` also its local address, if that was asked for
    /// by an option (recvfrom(2), recvmsg(2)).
    func receiveDatagram(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, readingControl: Bool
    ) throws(Errno) -> ReceivedDatagram
    /// Sends one datagram (sendto(2), sendmsg(2)).
    func sendDatagram(
        _ socket: RawDescriptor, _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute
    ) throws(Errno)
    /// Receives what is there, at most as many datagrams as there are slots, and says how many
    /// (recvmmsg(2)).
    func receiveDatagrams(
        _ socket: RawDescriptor, into slots: DatagramSlots, readingControl: Bool
    ) throws(Errno) -> Int
    /// Sends the datagrams in some slots, at least one, and says how many (sendmmsg(2)).
    func sendDatagrams(
        _ socket: RawDescriptor, _ slots: DatagramSlots, _ range: Range<Int>
    ) throws(Errno) -> Int
    /// Joins or leaves a multicast group on an interface, by its index; 0 for any
    /// (`MCAST_JOIN_GROUP`, ip(7)).
    func change(
        _ membership: Membership, of socket: RawDescriptor, in group: SocketAddress,
        on interface: Int
    ) throws(Errno)
}

extension Sockets {
    /// Opens a socket for streams.
    package func open(for address: SocketAddress) throws(Errno) -> RawDescriptor {
        try open(for: address, as: .stream)
    }

    // Several datagrams are as many single ones, except to the kernel.

    /// As many calls as there are datagrams.
    package func receiveDatagrams(
        _ socket: RawDescriptor, into slots: DatagramSlots, readingControl: Bool
    ) throws(Errno) -> Int {
        var count = 0
        while count < slots.capacity {
            do throws(Errno) {
                let received = try receiveDatagram(
                    socket, into: slots.space(of: count), readingControl: readingControl)
                try slots.fill(
                    count, count: received.count, address: received.sender,
                    local: received.localAddress, isTruncated: received.isTruncated)
                count += 1
            } catch {
                // What is there is told first.
                guard count > 0 else { throw error }
                break
            }
        }
        return count
    }

    /// As many calls as there are datagrams.
    package func sendDatagrams(
        _ socket: RawDescriptor, _ slots: DatagramSlots, _ range: Range<Int>
    ) throws(Errno) -> Int {
        for slot in range {
            let datagram = slots.received(in: slot)
            let bytes = UnsafeRawBufferPointer(
                rebasing: slots.space(of: slot).prefix(datagram.count))
            let route = DatagramRoute(to: datagram.sender, from: datagram.localAddress)
            do throws(Errno) {
                try sendDatagram(socket, bytes, route)
            } catch {
                // What is sent is told first.
                guard slot > range.lowerBound else { throw error }
                return slot - range.lowerBound
            }
        }
        return range.count
    }
}

/// The kernel's own sockets.
package final class SystemSockets: Sockets {
    /// There is one kernel, so every loop may share one of these or have its own.
    package init() {}

    package func open(
        for address: SocketAddress, as type: ConnectionType
    ) throws(Errno) -> RawDescriptor {
        try .streamSocket(family: address.family, type: type)
    }

    package func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) {
        try socket.bind(to: address)
    }

    package func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {
        try socket.listen(backlog: backlog)
    }

    package func accept(
        _ socket: RawDescriptor
    ) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        try socket.accept()
    }

    package func connect(
        _ socket: RawDescriptor, to address: SocketAddress
    ) throws(Errno) -> Bool {
        try socket.connect(to: address)
    }

    package func disconnect(_ socket: RawDescriptor) throws(Errno) { try socket.disconnect() }

    package func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? {
        try socket.takeError()
    }

    package func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try socket.receive(into: buffer)
    }

    package func send(
        _ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer
    ) throws(Errno) -> Int {
        try socket.send(buffer)
    }

    package func send(
        _ socket: RawDescriptor, pieces: ArraySlice<UnsafeRawBufferPointer>
    ) throws(Errno) -> Int {
        try socket.send(pieces: pieces)
    }

    package func unacknowledged(_ socket: RawDescriptor) throws(Errno) -> Int {
        try socket.unacknowledged()
    }

    package func closeWrite(_ socket: RawDescriptor) throws(Errno) {
        try socket.closeWrite()
    }

    package func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try socket.localAddress()
    }

    package func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try socket.remoteAddress()
    }

    package func option(
        _ option: SocketOption, of socket: RawDescriptor
    ) throws(Errno) -> Int {
        try socket.option(option)
    }

    package func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno) {
        try socket.setOption(option, to: value)
    }

    package func resetOnClose(_ socket: RawDescriptor) throws(Errno) {
        try socket.resetOnClose()
    }

    package func close(_ socket: RawDescriptor) { socket.close() }

    package func openPair(
        as type: ConnectionType
    ) throws(Errno) -> (RawDescriptor, RawDescriptor) {
        try RawDescriptor.socketPair(type)
    }

    package func send(
        _ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer,
        passing descriptors: [RawDescriptor]
    ) throws(Errno) -> Int {
        try socket.send(buffer, passing: descriptors)
    }

    package func receiveMessage(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer,
        descriptors limit: Int
    ) throws(Errno) -> ReceivedMessage {
        try socket.receiveMessage(into: buffer, descriptors: limit)
    }

    package func adopt(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try socket.adopt()
    }

    package func hasSocket(at address: SocketAddress) throws(Errno) -> Bool {
        try address.hasSocket()
    }

    package func peerCredentials(
        of socket: RawDescriptor
    ) throws(Errno) -> PeerCredentials {
        try socket.peerCredentials()
    }

    package func file(at address: SocketAddress) throws(Errno) -> FileIdentity {
        try address.file()
    }

    package func setFile(
        at address: SocketAddress, _ access: SocketFileAccess
    ) throws(Errno) {
        try address.setFile(access)
    }

    package func removeFile(at address: SocketAddress) throws(Errno) { try address.removeFile() }

    package func openDatagram(
        for address: SocketAddress, _ kind: DatagramKind
    ) throws(Errno) -> RawDescriptor {
        try .datagramSocket(family: address.family, kind)
    }

    package func receiveDatagram(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, readingControl: Bool
    ) throws(Errno) -> ReceivedDatagram {
        try socket.receiveDatagram(into: buffer, readingControl: readingControl)
    }

    package func sendDatagram(
        _ socket: RawDescriptor, _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute
    ) throws(Errno) {
        try socket.sendDatagram(bytes, route)
    }

    package func receiveDatagrams(
        _ socket: RawDescriptor, into slots: DatagramSlots, readingControl: Bool
    ) throws(Errno) -> Int {
        try socket.receiveDatagrams(into: slots, readingControl: readingControl)
    }

    package func sendDatagrams(
        _ socket: RawDescriptor, _ slots: DatagramSlots, _ range: Range<Int>
    ) throws(Errno) -> Int {
        try socket.sendDatagrams(slots, range)
    }

    package func change(
        _ membership: Membership, of socket: RawDescriptor, in group: SocketAddress,
        on interface: Int
    ) throws(Errno) {
        try socket.change(membership, in: group, on: interface)
    }
}
