import Drivers
import Syscalls

/// Sockets that pass every call on to others, and note what these answer.
final class RecordingSockets: Sockets {
    private let sockets: any Sockets
    private let recording: Recording

    init(_ sockets: any Sockets, into recording: Recording) {
        self.sockets = sockets
        self.recording = recording
    }

    func open(for address: SocketAddress) throws(Errno) -> RawDescriptor {
        try recording.note(.open(address), { .descriptor($0) }) { () throws(Errno) in
            try sockets.open(for: address)
        }
    }

    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) {
        try recording.note(.bind(socket, address), { .done }) { () throws(Errno) in
            try sockets.bind(socket, to: address)
        }
    }

    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {
        try recording.note(.listen(socket, backlog: backlog), { .done }) { () throws(Errno) in
            try sockets.listen(socket, backlog: backlog)
        }
    }

    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        try recording.note(.accept(socket), { .accepted($0.0, $0.1) }) { () throws(Errno) in
            try sockets.accept(socket)
        }
    }

    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        try recording.note(.connect(socket, address), { .up($0) }) { () throws(Errno) in
            try sockets.connect(socket, to: address)
        }
    }

    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? {
        try recording.note(.takeError(socket), { .kept($0) }) { () throws(Errno) in
            try sockets.takeError(socket)
        }
    }

    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        let call = RecordedCall.receive(socket, atMost: buffer.count)
        return try recording.note(call, { .bytes(Array(buffer[..<$0])) }) { () throws(Errno) in
            try sockets.receive(socket, into: buffer)
        }
    }

    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try recording.note(.send(buffer, to: socket), { .count($0) }) { () throws(Errno) in
            try sockets.send(socket, buffer)
        }
    }

    func shutdownWriting(_ socket: RawDescriptor) throws(Errno) {
        try recording.note(.shutdownWriting(socket), { .done }) { () throws(Errno) in
            try sockets.shutdownWriting(socket)
        }
    }

    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try recording.note(.localAddress(socket), { .address($0) }) { () throws(Errno) in
            try sockets.localAddress(socket)
        }
    }

    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try recording.note(.remoteAddress(socket), { .address($0) }) { () throws(Errno) in
            try sockets.remoteAddress(socket)
        }
    }

    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int {
        try recording.note(.option(option, socket), { .value($0) }) { () throws(Errno) in
            try sockets.option(option, of: socket)
        }
    }

    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno) {
        let call = RecordedCall.setOption(option, socket, value)
        try recording.note(call, { .done }) { () throws(Errno) in
            try sockets.setOption(option, of: socket, to: value)
        }
    }

    func resetOnClose(_ socket: RawDescriptor) throws(Errno) {
        try recording.note(.resetOnClose(socket), { .done }) { () throws(Errno) in
            try sockets.resetOnClose(socket)
        }
    }

    func close(_ socket: RawDescriptor) {
        sockets.close(socket)
        recording.add(.close(socket), .done)
    }
}
