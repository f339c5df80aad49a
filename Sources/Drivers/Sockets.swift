import Syscalls

/// The non-blocking socket calls that the runtime makes, so that a simulation can answer them.
///
/// Together with `Driver` this is everything that the runtime asks of a kernel. Every call returns
/// at once; one that has nothing to do yet throws `Errno.wouldBlock`, and the driver says when to
/// try again. What each call does and throws is what the manual page named in `Syscalls` says.
package protocol Sockets: AnyObject, Sendable {
    func open(for address: SocketAddress) throws(Errno) -> RawDescriptor
    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno)
    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno)
    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?)
    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool
    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno?
    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int
    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int
    func shutdownWriting(_ socket: RawDescriptor) throws(Errno)
    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress
    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress
    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int
    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno)
    func resetOnClose(_ socket: RawDescriptor) throws(Errno)
    func close(_ socket: RawDescriptor)
}

/// The kernel's own sockets.
package final class SystemSockets: Sockets {
    package init() {}

    package func open(for address: SocketAddress) throws(Errno) -> RawDescriptor {
        try .streamSocket(family: address.family)
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

    package func shutdownWriting(_ socket: RawDescriptor) throws(Errno) {
        try socket.shutdownWriting()
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
}
