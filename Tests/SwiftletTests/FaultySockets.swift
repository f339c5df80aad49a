import Drivers
import Glibc
import Synchronization
import Syscalls

/// The kernel's sockets, counted, except that chosen calls fail or are cut short, as often as a
/// test says.
final class FaultySockets: Sockets {
    struct Faults {
        /// Thrown by the next calls of `accept`, the first one first.
        var accept: [Errno] = []
        /// Thrown by the next calls of `remoteAddress`.
        var remoteAddress: [Errno] = []
        /// At most so many bytes are taken by a `send`.
        var sendAtMost = Int.max
        /// At most so many bytes are given by a `receive`.
        var receiveAtMost = Int.max
        /// Whether the number of a closed descriptor goes to the next one that is opened here.
        ///
        /// The kernel gives the lowest one that is free, which in a process that runs other tests
        /// may be any.
        var reusesNumbers = false
        /// The numbers that wait to be given out again, each of a socket that nobody has used.
        fileprivate var spare: [RawDescriptor] = []
    }

    private let system = SystemSockets()
    private let faults: Guarded<Faults>
    private let opened = Atomic(0)

    init(_ faults: Faults = Faults()) { self.faults = Guarded(faults) }

    /// How many descriptors were opened here and not yet closed.
    var openCount: Int { opened.load(ordering: .acquiring) }

    /// Adds failures to the coming calls of `accept`.
    func failAccept(with errors: [Errno]) { faults.withLock { $0.accept += errors } }

    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        let fault = faults.withLock { $0.accept.isEmpty ? nil : $0.accept.removeFirst() }
        if let fault { throw fault }
        let accepted = try system.accept(socket)
        opened.add(1, ordering: .acquiringAndReleasing)
        return accepted
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
        let spare = faults.withLock { $0.spare.popLast() }
        let descriptor = if let spare { spare } else { try system.open(for: address) }
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
    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? { try system.takeError(socket) }
    func shutdownWriting(_ socket: RawDescriptor) throws(Errno) {
        try system.shutdownWriting(socket)
    }
    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try system.localAddress(socket)
    }
    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        let fault = faults.withLock {
            $0.remoteAddress.isEmpty ? nil : $0.remoteAddress.removeFirst()
        }
        if let fault { throw fault }
        return try system.remoteAddress(socket)
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
    func close(_ socket: RawDescriptor) {
        opened.subtract(1, ordering: .acquiringAndReleasing)
        guard faults.withLock({ $0.reusesNumbers }),
            let fresh = try? RawDescriptor.streamSocket(family: AF_INET)
        else { return system.close(socket) }
        // Closes the old file and gives its number to the new one in a single step.
        dup2(fresh.number, socket.number)
        fresh.close()
        faults.withLock { $0.spare.append(socket) }
    }

    deinit {
        for descriptor in faults.withLock({ $0.spare }) { descriptor.close() }
    }
}
