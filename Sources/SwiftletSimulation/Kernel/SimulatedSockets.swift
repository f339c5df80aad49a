import Drivers
import Glibc
import Syscalls

/// The socket calls of a simulated host, answered by the kernel of its world.
///
/// They belong to the host as it is now: when it has crashed, a task that still has them finds
/// every number closed, even if the host is back and has given the numbers out again.
final class SimulatedSockets: Sockets {
    private let kernel: SharedKernel
    private let host: HostID
    private let crashes: Int
    private let awaited: AwaitedPorts

    init(of host: HostID, in kernel: SharedKernel, awaited: AwaitedPorts = .init()) {
        self.kernel = kernel
        self.awaited = awaited
        self.host = host
        crashes = kernel.use { $0.hosts[host].crashes }
    }

    /// Lends the kernel to a call, if the host is still the one that it was.
    private func call<Result: Sendable>(
        _ body: (inout Kernel) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try kernel.use { kernel throws(Errno) in
            guard kernel.hosts[host].crashes == crashes else { throw .badDescriptor }
            return try body(&kernel)
        }
    }

    func open(
        for address: SocketAddress, as type: ConnectionType
    ) throws(Errno) -> RawDescriptor {
        try call { kernel throws(Errno) in
            try kernel.open(AddressFamily(of: address), as: type, on: host)
        }
    }

    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) {
        let port = try call { kernel throws(Errno) in
            try kernel.bind(socket, on: host, to: address)
            let bound = kernel.hosts[host][socket]
            return bound.datagrams?.isPing == false ? bound.local?.port : nil
        }
        if let port { awaited.resume(port) }
    }

    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {
        let port = try call { kernel throws(Errno) in
            try kernel.listen(socket, on: host, backlog: backlog)
            return kernel.hosts[host][try kernel.hosts[host].file(socket)].local?.port
        }
        if let port { awaited.resume(port) }
    }

    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        try call { kernel throws(Errno) in try kernel.accept(socket, on: host) }
    }

    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        try call { kernel throws(Errno) in try kernel.connect(socket, on: host, to: address) }
    }

    func disconnect(_ socket: RawDescriptor) throws(Errno) {
        try call { kernel throws(Errno) in try kernel.disconnect(socket, on: host) }
    }

    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? {
        try call { kernel throws(Errno) in try kernel.takeError(of: socket, on: host) }
    }

    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try call { kernel throws(Errno) in
            try kernel.receive(socket, on: host, into: buffer)
        }
    }

    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try call { kernel throws(Errno) in try kernel.send(socket, on: host, buffer) }
    }

    func send(
        _ socket: RawDescriptor, pieces: ArraySlice<UnsafeRawBufferPointer>
    ) throws(Errno) -> Int {
        let hasMessages = try call { kernel throws(Errno) in
            try kernel.hasMessages(socket, on: host)
        }
        if hasMessages {
            // One message, whatever it is gathered from.
            let message = Array(pieces.joined())
            return try message.span.bytes.withUnsafeBytes { bytes throws(Errno) in
                try send(socket, bytes)
            }
        }
        var total = 0
        for piece in pieces {
            do throws(Errno) {
                let sent = try send(socket, piece)
                total += sent
                if sent < piece.count { break }
            } catch {
                // What is taken is told first.
                guard total > 0 else { throw error }
                break
            }
        }
        return total
    }

    func unacknowledged(_ socket: RawDescriptor) throws(Errno) -> Int {
        try call { kernel throws(Errno) in try kernel.unacknowledged(of: socket, on: host) }
    }

    func closeWrite(_ socket: RawDescriptor) throws(Errno) {
        try call { kernel throws(Errno) in try kernel.closeWrite(socket, on: host) }
    }

    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try call { kernel throws(Errno) in try kernel.localAddress(of: socket, on: host) }
    }

    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try call { kernel throws(Errno) in try kernel.remoteAddress(of: socket, on: host) }
    }

    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int {
        try call { kernel throws(Errno) in try kernel.option(option, of: socket, on: host) }
    }

    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno) {
        try call { kernel throws(Errno) in
            try kernel.setOption(option, of: socket, on: host, to: value)
        }
    }

    func resetOnClose(_ socket: RawDescriptor) throws(Errno) {
        try call { kernel throws(Errno) in try kernel.resetOnClose(socket, on: host) }
    }

    func close(_ socket: RawDescriptor) {
        // close(2) of a number that is not open is no error here.
        try? call { kernel throws(Errno) in kernel.close(socket, on: host) }
    }

    func openPair(
        as type: ConnectionType
    ) throws(Errno) -> (RawDescriptor, RawDescriptor) {
        try call { kernel throws(Errno) in try kernel.openPair(as: type, on: host) }
    }

    func send(
        _ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer,
        passing descriptors: [RawDescriptor]
    ) throws(Errno) -> Int {
        try call { kernel throws(Errno) in
            try kernel.send(socket, on: host, buffer, passing: descriptors)
        }
    }

    func receiveMessage(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer,
        descriptors limit: Int
    ) throws(Errno) -> ReceivedMessage {
        try call { kernel throws(Errno) in
            try kernel.receiveMessage(socket, on: host, into: buffer, descriptors: limit)
        }
    }

    func adopt(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try call { kernel throws(Errno) in try kernel.adopt(socket, on: host) }
    }

    func hasSocket(at address: SocketAddress) throws(Errno) -> Bool {
        try call { kernel throws(Errno) in
            guard let name = address.unixName else { throw .invalidArgument }
            return try kernel.hosts[host].names.socket(named: name) != nil
        }
    }

    func peerCredentials(of socket: RawDescriptor) throws(Errno) -> PeerCredentials {
        try call { kernel throws(Errno) in try kernel.peerCredentials(of: socket, on: host) }
    }

    func file(at address: SocketAddress) throws(Errno) -> FileIdentity {
        try call { kernel throws(Errno) in try kernel.hosts[host].names.file(at: address) }
    }

    func setFile(at address: SocketAddress, _ access: SocketFileAccess) throws(Errno) {
        // A host has one user, which may do everything.
        _ = try file(at: address)
    }

    func removeFile(at address: SocketAddress) throws(Errno) {
        try call { kernel throws(Errno) in
            try kernel.hosts[host].changeFiles { names throws(Errno) in
                try names.remove(at: address)
            }
        }
    }

    func openDatagram(
        for address: SocketAddress, _ kind: DatagramKind
    ) throws(Errno) -> RawDescriptor {
        try call { kernel throws(Errno) in
            try kernel.openDatagram(AddressFamily(of: address), kind, on: host)
        }
    }

    func receiveDatagram(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, readingControl: Bool
    ) throws(Errno) -> ReceivedDatagram {
        try call { kernel throws(Errno) in
            try kernel.receiveDatagram(
                socket, on: host, into: buffer, readingControl: readingControl)
        }
    }

    func sendDatagram(
        _ socket: RawDescriptor, _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute
    ) throws(Errno) {
        try call { kernel throws(Errno) in
            try kernel.sendDatagram(socket, on: host, bytes, route)
        }
    }

    func change(
        _ membership: Membership, of socket: RawDescriptor, in group: SocketAddress,
        on interface: Int
    ) throws(Errno) {
        try call { kernel throws(Errno) in
            try kernel.change(membership, of: socket, on: host, in: group, on: interface)
        }
    }
}
