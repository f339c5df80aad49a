import Drivers
import Syscalls

/// The kernel's sockets, except that chosen calls fail or are cut short, as often as a test says.
final class FaultySockets: Sockets {
    struct Faults {
        /// Thrown by the next calls of `accept`, the first one first.
        var accept: [Errno] = []
        /// At most so many bytes are taken by a `send`.
        var sendAtMost = Int.max
        /// At most so many bytes are given by a `receive`.
        var receiveAtMost = Int.max
    }

    private let system = SystemSockets()
    private let faults: Guarded<Faults>

    init(_ faults: Faults) { self.faults = Guarded(faults) }

    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        let fault = faults.withLock { $0.accept.isEmpty ? nil : $0.accept.removeFirst() }
        if let fault { throw fault }
        return try system.accept(socket)
    }

    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        let most = min(buffer.count, faults.withLock { $0.receiveAtMost })
        return try system.receive(
            socket, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<most]))
    }

    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        let most = min(buffer.count, faults.withLock { $0.sendAtMost })
        return try system.send(socket, UnsafeRawBufferPointer(rebasing: buffer[..<most]))
    }

    func open(for address: SocketAddress) throws(Errno) -> RawDescriptor {
        try system.open(for: address)
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
    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? { try system.takeError(socket) }
    func shutdownWriting(_ socket: RawDescriptor) throws(Errno) {
        try system.shutdownWriting(socket)
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
    func close(_ socket: RawDescriptor) { system.close(socket) }
}
