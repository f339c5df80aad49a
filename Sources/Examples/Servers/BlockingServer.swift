import Glibc
import Syscalls

/// A server whose calls wait: all that it does for a client is one function from top to bottom, and
/// only its carrier decides who waits with it.
///
/// It stops at SIGINT or SIGTERM and cuts those that are being served; to let them finish takes an
/// account of them, as in Sources/EchoServers/Models.
final class BlockingServer {
    let address: SocketAddress
    private let socket: Descriptor
    private let isDatagram: Bool
    private let carrier: any Carrier
    private let signals: Descriptor

    init(at address: SocketAddress, isDatagram: Bool, _ carrier: any Carrier) throws {
        let stops = SignalSet([SIGINT, SIGTERM])
        stops.block()
        signals = try stops.makeDescriptor()
        socket = Descriptor(
            adopting: isDatagram
                ? try .datagramSocket(family: address.family, .datagram)
                : try .streamSocket(family: address.family))
        // A connection of the last server in TIME_WAIT does not keep this one from its port.
        if !isDatagram { try socket.raw.setOption(.reuseAddress, to: 1) }
        try socket.raw.bind(to: address)
        if !isDatagram { try socket.raw.listen(backlog: 1_024) }
        self.address = try socket.raw.localAddress()
        self.isDatagram = isDatagram
        self.carrier = carrier
    }

    /// Serves until a signal comes.
    func serve(_ answering: @escaping Answering) throws {
        while true {
            try waitUntilReadable([socket.raw, signals.raw, carrier.ended], nanoseconds: nil)
            if try SignalSet.take(from: signals.raw) != nil { return carrier.stop() }
            carrier.tidy()
            do throws(Errno) {
                try isDatagram ? serveDatagram(answering) : serveClient(answering)
            } catch .wouldBlock {
                // The client has gone before it was accepted.
            } catch  where error.concernsOneConnection {
            } catch  where error.meansExhaustion {
                RunningThread.pause(nanoseconds: 10_000_000)
            }
        }
    }

    private func serveClient(_ answering: @escaping Answering) throws(Errno) {
        let client = Descriptor(adopting: try socket.raw.accept().0)
        try client.raw.setBlocking()
        try carrier.carry(client.release()) { talk(with: $0, answering) }
    }

    private func serveDatagram(_ answering: @escaping Answering) throws(Errno) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { buffer.deallocate() }
        let received = try socket.raw.receiveDatagram(into: buffer, readingControl: false)
        let datagram = Array(buffer[..<received.count])
        try carrier.carry(nil) { [socket = socket.raw] _ in
            let answer = answering(datagram)
            let route = DatagramRoute(to: received.sender)
            // A datagram may get lost; one that cannot be sent is lost.
            answer.withUnsafeBytes { bytes in _ = try? socket.sendDatagram(bytes, route) }
        }
    }
}

/// All that a client is to a server of this kind: receive, answer, until it ends or breaks off.
private func talk(with client: RawDescriptor, _ answering: Answering) {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while true {
        // A client that breaks off is at its end, too.
        let count = bytes.withUnsafeMutableBytes { (try? client.receive(into: $0)) ?? 0 }
        guard count > 0, send(answering(Array(bytes[..<count])), to: client) else { return }
    }
}

/// Sends all of it; false when the client has gone.
private func send(_ bytes: [UInt8], to client: RawDescriptor) -> Bool {
    bytes.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            // Whatever the error: there is no client any more.
            guard let count = try? client.send(UnsafeRawBufferPointer(rebasing: rest)) else {
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
