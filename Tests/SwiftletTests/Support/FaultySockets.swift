import Drivers
import Glibc
import Synchronization
import Syscalls

/// The kernel's sockets, counted, except that `accept` fails as often as a test says. They note by
/// which threads they are asked for bytes.
final class FaultySockets: Sockets {
    private let system = SystemSockets()
    /// Thrown by the next calls of `accept`, the first one first.
    private let failures = Guarded<[Errno]>([])
    private let opened = Atomic(0)
    private let receivers = Guarded<Set<UInt>>([])

    /// The threads that have received, by pthread_self(3).
    var receivingThreads: Set<UInt> { receivers.withLock { $0 } }

    /// How many descriptors were opened here and not yet closed.
    var openCount: Int { opened.load(ordering: .acquiring) }

    /// Adds failures to the coming calls of `accept`.
    func failAccept(with errors: [Errno]) { failures.withLock { $0 += errors } }

    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        let failure = failures.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let failure { throw failure }
        let accepted = try system.accept(socket)
        opened.add(1, ordering: .acquiringAndReleasing)
        return accepted
    }

    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        receivers.withLock { _ = $0.insert(UInt(pthread_self())) }
        return try system.receive(socket, into: buffer)
    }

    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try system.send(socket, buffer)
    }

    func open(
        for address: SocketAddress, as type: ConnectionType
    ) throws(Errno) -> RawDescriptor {
        let descriptor = try system.open(for: address, as: type)
        opened.add(1, ordering: .acquiringAndReleasing)
        return descriptor
    }
    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) {
        try system.bind(socket, to: address)
    }
    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {
        try system.listen(socket, backlog: backlog)
    }
    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        try system.connect(socket, to: address)
    }
    func disconnect(_ socket: RawDescriptor) throws(Errno) { try system.disconnect(socket) }
    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? { try system.takeError(socket) }
    func send(
        _ socket: RawDescriptor, pieces: ArraySlice<UnsafeRawBufferPointer>
    ) throws(Errno) -> Int {
        try system.send(socket, pieces: pieces)
    }
    func unacknowledged(_ socket: RawDescriptor) throws(Errno) -> Int {
        try system.unacknowledged(socket)
    }
    func closeWrite(_ socket: RawDescriptor) throws(Errno) {
        try system.closeWrite(socket)
    }
    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try system.localAddress(socket)
    }
    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try system.remoteAddress(socket)
    }
    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int {
        try system.option(option, of: socket)
    }
    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno) {
        try system.setOption(option, of: socket, to: value)
    }
    func resetOnClose(_ socket: RawDescriptor) throws(Errno) { try system.resetOnClose(socket) }
    func openPair(
        as type: ConnectionType
    ) throws(Errno) -> (RawDescriptor, RawDescriptor) {
        let pair = try system.openPair(as: type)
        opened.add(2, ordering: .acquiringAndReleasing)
        return pair
    }
    func peerCredentials(of socket: RawDescriptor) throws(Errno) -> PeerCredentials {
        try system.peerCredentials(of: socket)
    }
    func send(
        _ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer,
        passing descriptors: [RawDescriptor]
    ) throws(Errno) -> Int {
        try system.send(socket, buffer, passing: descriptors)
    }
    func receiveMessage(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer,
        descriptors limit: Int
    ) throws(Errno) -> ReceivedMessage {
        let message = try system.receiveMessage(socket, into: buffer, descriptors: limit)
        opened.add(message.descriptors.count, ordering: .acquiringAndReleasing)
        return message
    }
    func adopt(_ socket: RawDescriptor) throws(Errno) -> SocketAddress { try system.adopt(socket) }
    func hasSocket(at address: SocketAddress) throws(Errno) -> Bool {
        try system.hasSocket(at: address)
    }
    func file(at address: SocketAddress) throws(Errno) -> FileIdentity {
        try system.file(at: address)
    }
    func setFile(at address: SocketAddress, _ access: SocketFileAccess) throws(Errno) {
        try system.setFile(at: address, access)
    }
    func removeFile(at address: SocketAddress) throws(Errno) { try system.removeFile(at: address) }
    func openDatagram(
        for address: SocketAddress, _ kind: DatagramKind
    ) throws(Errno) -> RawDescriptor {
        let descriptor = try system.openDatagram(for: address, kind)
        opened.add(1, ordering: .acquiringAndReleasing)
        return descriptor
    }
    func receiveDatagram(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, readingControl: Bool
    ) throws(Errno) -> ReceivedDatagram {
        try system.receiveDatagram(socket, into: buffer, readingControl: readingControl)
    }
    func sendDatagram(
        _ socket: RawDescriptor, _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute
    ) throws(Errno) {
        try system.sendDatagram(socket, bytes, route)
    }
    func change(
        _ membership: Membership, of socket: RawDescriptor, in group: SocketAddress,
        on interface: Int
    ) throws(Errno) {
        try system.change(membership, of: socket, in: group, on: interface)
    }
    func close(_ socket: RawDescriptor) {
        opened.subtract(1, ordering: .acquiringAndReleasing)
        system.close(socket)
    }
}
