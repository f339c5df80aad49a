import Glibc
import Syscalls

/// A client of one check: a connection with a deadline for everything that is done with it.
///
/// It sends and receives together, so that two full pipes never wait for each other, and it waits
/// in poll(2) alone: what it measures is right or wrong, and never fast or slow.
struct Client: ~Copyable {
    private let socket: Descriptor
    private let deadline: Instant

    /// Why a check failed, in words.
    struct Failure: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private init(_ socket: RawDescriptor, until deadline: Instant) {
        self.socket = Descriptor(adopting: socket)
        self.deadline = deadline
    }

    /// Opens a connection, and waits until it is up.
    static func connect(
        to address: SocketAddress, by kind: SocketKind = .stream, until deadline: Instant
    ) throws(Failure) -> Client {
        let opened: RawDescriptor
        do throws(Errno) {
            opened = try .socket(kind, family: address.family)
        } catch {
            throw Failure("opening a socket failed: \(error)")
        }
        let client = Client(opened, until: deadline)
        try client.connect(to: address, by: kind)
        return client
    }

    private borrowing func connect(
        to address: SocketAddress, by kind: SocketKind
    ) throws(Failure) {
        let isUp = try attempt("connecting") { () throws(Errno) in
            // A piece goes out when it is written, not when the one before it was acknowledged.
            if kind == .stream, !address.isUnix { try socket.raw.setOption(.noDelay, to: 1) }
            return try socket.raw.connect(to: address)
        }
        if isUp == true { return }
        _ = try wait(for: POLLOUT, "connecting")
        _ = try attempt("connecting") { () throws(Errno) in
            if let error = try socket.raw.takeError() { throw error }
        }
    }

    /// Sends bytes and takes what comes meanwhile, until all are sent; returns what came.
    borrowing func send(_ bytes: some Collection<UInt8>) throws(Failure) -> [UInt8] {
        let bytes = Array(bytes)
        var (sent, received) = (0, [UInt8]())
        while sent < bytes.count {
            let ready = try wait(for: POLLIN | POLLOUT, "sending")
            if ready & CInt(POLLOUT) != 0 { sent += try offer(bytes, from: sent) }
            // The end of the stream is for the next receive to tell.
            if ready & CInt(POLLIN) != 0, try !take(into: &received) { break }
        }
        return received
    }

    /// Receives until there are so many bytes, or the end of the stream.
    borrowing func receive(_ count: Int, after first: [UInt8] = []) throws(Failure) -> [UInt8] {
        var received = first
        while received.count < count {
            do throws(Failure) {
                _ = try wait(for: POLLIN, "waiting for the echo")
                if try !take(into: &received) { break }
            } catch {
                throw Failure("\(error.reason), after \(received.count) of \(count) bytes")
            }
        }
        return received
    }

    /// Sends bytes, expects them back, and says what came instead.
    borrowing func exchange(_ bytes: [UInt8]) throws(Failure) {
        let echo = try receive(bytes.count, after: try send(bytes))
        try Client.compare(echo, with: bytes)
    }

    static func compare(_ echo: [UInt8], with bytes: [UInt8]) throws(Failure) {
        if echo == bytes { return }
        if echo.count < bytes.count, bytes.starts(with: echo) {
            throw Failure("\(echo.count) of \(bytes.count) bytes came back before the end")
        }
        let place = zip(echo, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        throw Failure(
            place.map { "byte \($0) of \(bytes.count) came back wrong" }
                ?? "more bytes came back than were sent")
    }

    /// Sends as much as is taken without reading, until nothing is for a while; returns how much.
    borrowing func flood(atMost limit: Int, patience: Duration) -> Int {
        let piece = [UInt8](repeating: 0x55, count: 65_536)
        var sent = 0
        while sent < limit {
            let end = Instant.now.advanced(by: patience)
            // A service that closes such a connection has bounded its memory too.
            guard
                (try? Client.wait(for: POLLOUT, on: socket.raw, until: end, "sending")) != nil,
                let count = try? piece.withUnsafeBytes({ try socket.raw.send($0) })
            else { break }
            sent += count
        }
        return sent
    }

    /// Ends the writing half.
    borrowing func finishWriting() throws(Failure) {
        _ = try attempt("ending the writing half") { () throws(Errno) in
            try socket.raw.closeWrite()
        }
    }

    /// Breaks the connection instead of ending it.
    consuming func reset() throws(Failure) {
        _ = try attempt("resetting") { () throws(Errno) in try socket.raw.resetOnClose() }
    }

    /// Hands over what the kernel takes of the bytes from a place on; returns how many.
    private borrowing func offer(_ bytes: [UInt8], from start: Int) throws(Failure) -> Int {
        try attempt("sending") { () throws(Errno) in
            try bytes.withUnsafeBufferPointer { memory throws(Errno) in
                try socket.raw.send(
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[start...]))
            }
        } ?? 0
    }

    /// Takes what is there; false at the end of the stream.
    private borrowing func take(into received: inout [UInt8]) throws(Failure) -> Bool {
        let count = try attempt("receiving") { () throws(Errno) in
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = try chunk.withUnsafeMutableBufferPointer { memory throws(Errno) in
                try socket.raw.receive(into: UnsafeMutableRawBufferPointer(memory))
            }
            received += chunk[..<count]
            return count
        }
        return count != 0
    }

    private borrowing func wait(
        for events: Int32, _ doing: String
    ) throws(Failure) -> CInt {
        try Client.wait(for: events, on: socket.raw, until: deadline, doing)
    }

    /// Waits for any of the events; a passed deadline is a failure.
    private static func wait(
        for events: Int32, on socket: RawDescriptor, until deadline: Instant, _ doing: String
    ) throws(Failure) -> CInt {
        var entry = pollfd(fd: socket.number, events: Int16(events), revents: 0)
        while true {
            let left = Instant.now.nanoseconds(to: deadline)
            guard left > 0 else { throw Failure("\(doing) took too long") }
            do throws(Errno) {
                let count = try withUnsafeMutablePointer(to: &entry) { pointer throws(Errno) in
                    try pollOnce(
                        UnsafeMutableBufferPointer(start: pointer, count: 1), nanoseconds: left)
                }
                if count > 0 { break }
            } catch {
                throw Failure("\(doing) failed: \(error)")
            }
        }
        // A hang-up shows in the next call, whichever it is.
        let broken = CInt(entry.revents) & CInt(POLLERR | POLLHUP) != 0
        return broken ? CInt(events) : CInt(entry.revents)
    }

    /// Makes a call; nil when it would have blocked.
    private func attempt<Value>(
        _ doing: String, _ call: () throws(Errno) -> Value
    ) throws(Failure) -> Value? {
        do throws(Errno) {
            return try call()
        } catch .wouldBlock {
            return nil
        } catch {
            throw Failure("\(doing) failed: \(error)")
        }
    }
}
