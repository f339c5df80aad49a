import Drivers
import Syscalls

/// A single request on a connection of its own or a given one, to know that a service is
/// there and not how fast it is.
package enum EchoProbe {
    /// What came of it.
    package enum Outcome: Sendable, Equatable {
        case echoed
        /// The service could not be reached, and why.
        case unreachable(Errno)
        /// Something else came than what was sent, or nothing, in words.
        case wrong(String)
    }

    /// What is sent: no byte of it is like another, so nothing else looks like its echo.
    private static let request = Array("Swiftlet:0123456".utf8)

    /// Connects, sends, compares what comes back, and closes.
    package static func ask(
        _ address: SocketAddress, by kind: SocketKind = .stream, until deadline: Instant
    ) -> Outcome {
        do throws(Errno) {
            let socket = Descriptor(adopting: try connect(to: address, by: kind, until: deadline))
            return talk(on: socket.raw, until: deadline)
        } catch {
            return .unreachable(error)
        }
    }

    /// A connection; throws `ETIMEDOUT` when it is not up by then.
    package static func connect(
        to address: SocketAddress, by kind: SocketKind = .stream, until deadline: Instant
    ) throws(Errno) -> RawDescriptor {
        let socket = Descriptor(adopting: try RawDescriptor.socket(kind, family: address.family))
        if try !socket.raw.connect(to: address) {
            try wait(for: .writable, on: socket.raw, until: deadline)
            if let error = try socket.raw.takeError() { throw error }
        }
        // Without ports to choose from, the kernel may give a connection the port that it is to
        // reach, which then talks to itself.
        guard try socket.raw.localAddress() != address else { throw .connectionRefused }
        return socket.release()
    }

    /// Sends one request on a connection that is up, and compares what comes back.
    package static func talk(on socket: RawDescriptor, until deadline: Instant) -> Outcome {
        var answer: [UInt8] = []
        do throws(Errno) {
            _ = try request.withUnsafeBufferPointer { bytes throws(Errno) in
                try socket.send(UnsafeRawBufferPointer(bytes))
            }
            while answer.count < request.count {
                let more = try receive(from: socket, until: deadline)
                if more.isEmpty { return .wrong("it closed the connection after \(said(answer))") }
                answer += more
            }
        } catch .connectionRefused {
            // That nothing receives datagrams there is told when one was sent.
            return .unreachable(.connectionRefused)
        } catch .timedOut {
            return .wrong("within the time limit it sent \(said(answer))")
        } catch {
            return .wrong("after \(said(answer)) the connection failed: \(error)")
        }
        return answer == request ? .echoed : .wrong("the bytes that came back were other ones")
    }

    private static func said(_ answer: [UInt8]) -> String {
        "\(answer.count) of \(request.count) bytes"
    }

    private static func receive(
        from socket: RawDescriptor, until deadline: Instant
    ) throws(Errno) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            do throws(Errno) {
                let count = try buffer.withUnsafeMutableBufferPointer { bytes throws(Errno) in
                    try socket.receive(into: UnsafeMutableRawBufferPointer(bytes))
                }
                return Array(buffer[..<count])
            } catch .wouldBlock {
                try wait(for: .readable, on: socket, until: deadline)
            }
        }
    }

    private static func wait(
        for interest: Interest, on socket: RawDescriptor, until deadline: Instant
    ) throws(Errno) {
        let driver = try PollDriver()
        try driver.setInterest(interest, in: socket)
        var ready: [Readiness] = []
        while ready.isEmpty {
            if Instant.now >= deadline { throw .timedOut }
            try driver.wait(until: deadline, into: &ready)
        }
    }
}
