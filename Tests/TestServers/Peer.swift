import Glibc
import Synchronization
import Syscalls

/// The server's end of a connection.
package final class Peer: Sendable {
    package let socket: RawDescriptor
    package let number: Int
    package unowned let server: TestServer
    /// Nothing more is done with it.
    let isServed = Atomic(false)
    private let isOpen = Guarded(true)
    private let turns = Guarded(0)

    init(socket: RawDescriptor, number: Int, server: TestServer) {
        self.socket = socket
        self.number = number
        self.server = server
    }

    /// What has arrived; empty at the end of the stream and when the connection broke.
    package func receive() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        // A signal that another test sends to the process is no end.
        let count = bytes.withUnsafeMutableBytes { bytes in
            (try? retrying { recv(socket.number, bytes.baseAddress, bytes.count, 0) }) ?? 0
        }
        return Array(bytes.prefix(count))
    }

    /// Counts from 1 on how often it was asked.
    package func turn() -> Int {
        turns.withLock {
            $0 += 1
            return $0
        }
    }

    package func send(_ bytes: [UInt8]) {
        server.countAnswer()
        var left = bytes[...]
        while !left.isEmpty {
            let count = left.withUnsafeBytes { bytes in
                try? retrying {
                    Glibc.send(socket.number, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
                }
            }
            guard let count, count > 0 else { return }
            left = left.dropFirst(count)
        }
    }

    /// Waits until something has arrived, and leaves it there.
    package func waitForBytes() {
        var byte: UInt8 = 0
        _ = try? retrying { recv(socket.number, &byte, 1, CInt(MSG_PEEK)) }
    }

    /// Waits until nothing can be sent any more, either way.
    package func waitForEnd() {
        var entry = pollfd(fd: socket.number, events: 0, revents: 0)
        _ = try? retrying { poll(&entry, 1, -1) }
    }

    /// Answers each piece that comes with what is made of it and its offset in the stream.
    package func answer(_ change: (_ bytes: [UInt8], _ offset: Int) -> [UInt8]) {
        var offset = 0
        while case let bytes = receive(), !bytes.isEmpty {
            send(change(bytes, offset))
            offset += bytes.count
        }
    }

    /// Sends back whatever comes, until the end.
    package func echo() { answer { bytes, _ in bytes } }

    /// Sends back whatever comes, with one bit wrong in each answer.
    package func garble() {
        answer { bytes, _ in
            var bytes = bytes
            bytes[bytes.count / 2] ^= 1
            return bytes
        }
    }

    /// Reads until the end without a word.
    package func swallow() { while !receive().isEmpty {} }

    package func reset() { try? socket.resetOnClose() }

    package func close() {
        isOpen.withLock { isOpen in
            if isOpen { socket.close() }
            isOpen = false
        }
    }

    package func hangUp() {
        isOpen.withLock { if $0 { shutdown(socket.number, CInt(SHUT_RDWR)) } }
    }
}
