import Drivers
import Syscalls

/// The socket calls of a simulated host, answered by the kernel of its world.
final class SimulatedSockets: Sockets {
    private let kernel: SharedKernel
    private let host: HostID

    init(of host: HostID, in kernel: SharedKernel) {
        self.kernel = kernel
        self.host = host
    }

    func open(for address: SocketAddress) throws(Errno) -> RawDescriptor { throw .wouldBlock }
    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) {}
    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {}
    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        throw .wouldBlock
    }
    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        throw .wouldBlock
    }
    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? { nil }
    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int { throw .wouldBlock }
    func send(
        _ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer
    ) throws(Errno) -> Int { throw .wouldBlock }
    func shutdownWriting(_ socket: RawDescriptor) throws(Errno) {}
    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        throw .wouldBlock
    }
    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        throw .wouldBlock
    }
    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int { 0 }
    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno) {}
    func resetOnClose(_ socket: RawDescriptor) throws(Errno) {}
    func close(_ socket: RawDescriptor) {}
}
