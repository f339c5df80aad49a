import Glibc
import Synchronization
import Syscalls

/// A server over UDP for one test: for each datagram that comes it sends what the test says.
///
/// It stands on blocking calls and on nothing that is tested here. What it loses, doubles, swaps or
/// delays it decides by count, never by time.
package final class DatagramTestServer: Sendable {
    /// One datagram, and the client that it is from or for.
    package struct Datagram: Sendable {
        package var bytes: [UInt8]
        package var client: SocketAddress

        package init(bytes: [UInt8], client: SocketAddress) {
            self.bytes = bytes
            self.client = client
        }
    }

    package let address: SocketAddress
    private let socket: RawDescriptor
    private let thread = Guarded<RunningThread?>(nil)
    private let arrivals = Atomic(0)
    private let isStopped = Atomic(false)

    /// How many datagrams have come.
    package var arrived: Int { arrivals.load(ordering: .relaxed) }

    /// Serves on a free port of this machine: `answer` is called with each datagram and its number,
    /// from 1 on, in a thread of the server's, and gives what is sent then.
    package init(
        _ answer: @escaping @Sendable (_ number: Int, _ datagram: Datagram) -> [Datagram]
    ) throws {
        socket = RawDescriptor(
            Glibc.socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0))
        try socket.bind(to: SocketAddress(loopbackPort: 0))
        try socket.setOption(.receiveBuffer, to: 1 << 20)
        address = try socket.localAddress()
        let thread = try RunningThread.start { [unowned self] in self.serve(answer) }
        self.thread.withLock { $0 = thread }
    }

    deinit { stop() }

    /// Ends the thread and closes the socket: from then on nothing receives there.
    package func stop() {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        // To itself, so that the thread looks.
        _ = address.withSockAddr { sendto(socket.number, "", 0, 0, $0, $1) }
        thread.withLock { $0?.join() }
        socket.close()
    }

    private func serve(_ answer: (Int, Datagram) -> [Datagram]) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let received = try? SocketAddress.filled {
                recvfrom(socket.number, &buffer, 65_536, 0, $0, $1)
            }
            if isStopped.load(ordering: .relaxed) { return }
            guard let (count, client) = received, let client else { continue }
            let number = arrivals.add(1, ordering: .relaxed).newValue
            for datagram in answer(number, Datagram(bytes: Array(buffer[..<count]), client: client))
            {
                _ = datagram.client.withSockAddr { name, length in
                    sendto(
                        socket.number, datagram.bytes, datagram.bytes.count, 0, name, length)
                }
            }
        }
    }
}
