import Drivers
import Syscalls

/// Sockets that answer from a recording: nothing is opened, and nothing is sent.
final class ReplaySockets: Sockets {
    private let replay: Replay

    init(_ replay: Replay) { self.replay = replay }

    func open(for address: SocketAddress) throws(Errno) -> RawDescriptor {
        try replay.answer(to: .open(address), \.descriptor)
    }

    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) {
        try replay.answer(to: .bind(socket, address), \.done)
    }

    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {
        try replay.answer(to: .listen(socket, backlog: backlog), \.done)
    }

    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        try replay.answer(to: .accept(socket), \.accepted)
    }

    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        try replay.answer(to: .connect(socket, address), \.up)
    }

    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? {
        try replay.answer(to: .takeError(socket), \.kept)
    }

    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        let bytes = try replay.answer(to: .receive(socket, atMost: buffer.count), \.bytes)
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try replay.answer(to: .send(buffer, to: socket), \.count)
    }

    func shutdownWriting(_ socket: RawDescriptor) throws(Errno) {
        try replay.answer(to: .shutdownWriting(socket), \.done)
    }

    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try replay.answer(to: .localAddress(socket), \.address)
    }

    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try replay.answer(to: .remoteAddress(socket), \.address)
    }

    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int {
        try replay.answer(to: .option(option, socket), \.value)
    }

    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno) {
        try replay.answer(to: .setOption(option, socket, value), \.done)
    }

    func resetOnClose(_ socket: RawDescriptor) throws(Errno) {
        try replay.answer(to: .resetOnClose(socket), \.done)
    }

    func close(_ socket: RawDescriptor) {
        // A replay that has failed says so at its end; there is nothing to close.
        try? replay.answer(to: .close(socket), \.done)
    }
}
