import Drivers
import Syscalls

/// Received bytes in a buffer of the loop's pool.
struct Received {
    let base: UnsafeMutableRawPointer
    let count: Int
}

// What happens between `read` and its return:
//
//     bytes left over from a line?      → those
//     the last read emptied the socket? → park        (asking again would only say "would block")
//     ask the kernel → bytes            → return      (fewer than the buffer holds: it is empty
//     now)
//                    → would block      → park
//     unparked                          → ask the kernel
//
// The callers are on the loop's thread. A buffer is taken when bytes are expected, not before.
extension Socket {
    /// Waits for bytes and takes what is there; nil at the end of the stream.
    ///
    /// It takes the right to read only while it is parked: nobody else runs before.
    @inline(__always)
    nonisolated(nonsending)
        func receive(until deadline: Instant, in call: Call) async throws(IOError) -> Received?
    {
        try checkReadable(.read)
        if !loop.spend() {
            try await yield(.read)
            try checkReadable(.read)
        }
        if !loop.state.table[unread: id].isEmpty { return takeUnread() }
        while true {
            if let received = try receiveNow() { return received.count > 0 ? received : nil }
            guard let isCancelled = loop.isCallerCancelled else {
                return try await receiveFromElsewhere(until: deadline, in: call)
            }
            loop.state.table[id].isReading = true
            do throws(IOError) {
                try await park(
                    for: .read, .read, until: deadline, in: call, isCancelled: isCancelled)
            } catch {
                endReading()
                throw error
            }
            loop.state.table[id].endWait()
        }
    }

    /// What `read` gives to a caller on another thread, who is taken to the loop and back.
    @inline(never)
    nonisolated(nonsending)
        func bytesForElsewhere(
            timeout: Duration?, in call: Call
        ) async throws(IOError) -> Bytes?
    {
        let received = try await loop.perform { () async throws(IOError) in
            try await self.receive(until: self.deadline(after: timeout), in: call)
        }
        return received.map { Bytes($0.base, count: $0.count, of: loop) }
    }

    /// As `receive`, for a task that has to be taken to the loop.
    @inline(never)
    nonisolated(nonsending)
        private func receiveFromElsewhere(
            until deadline: Instant, in call: Call
        ) async throws(IOError) -> Received?
    {
        try await loop.perform { () async throws(IOError) in
            try await self.receive(until: deadline, in: call)
        }
    }

    /// As `receive`, for who has the right to read; asks for bytes that were not received yet.
    nonisolated(nonsending)
        func receiveInsideReading(
            until deadline: Instant, in call: Call
        ) async throws(IOError) -> Received?
    {
        if !loop.spend() { try await yield(.read) }
        while true {
            if let received = try receiveNow() { return received.count > 0 ? received : nil }
            try await park(for: .read, .read, until: deadline, in: call)
            loop.state.table[id].isDry = false
        }
    }

    /// Asks the kernel once, unless it has nothing for sure; nil when there is nothing.
    ///
    /// At the end of the stream there are no bytes, and their buffer has gone back.
    private func receiveNow() throws(IOError) -> Received? {
        if loop.state.table[id].isDry { return nil }
        let base = loop.state.buffers.take()
        var count: Int?
        defer { if count ?? 0 == 0 { loop.state.buffers.put(base) } }
        count = try tryReceiving(
            into: UnsafeMutableRawBufferPointer(start: base, count: BufferPool.bufferSize))
        return count.map { Received(base: base, count: $0) }
    }

    /// Waits for bytes and puts them into the caller's memory; 0 at the end of the stream.
    nonisolated(nonsending)
        func receive(
            into memory: UnsafeMutableRawBufferPointer, until deadline: Instant, in call: Call
        ) async throws(IOError) -> Int
    {
        try beginReading()
        defer { endReading() }
        if !loop.spend() { try await yield(.read) }
        if memory.isEmpty { return 0 }
        if !loop.state.table[unread: id].isEmpty {
            return loop.state.table[unread: id].take(into: memory)
        }
        while true {
            if !loop.state.table[id].isDry, let count = try tryReceiving(into: memory) {
                return count
            }
            try await park(for: .read, .read, until: deadline, in: call)
            loop.state.table[id].isDry = false
        }
    }

    /// Asks the kernel once; nil when it would block.
    private func tryReceiving(
        into memory: UnsafeMutableRawBufferPointer
    ) throws(IOError) -> Int? {
        loop.state.statistics.receives += 1
        do throws(Errno) {
            let count = try loop.sockets.receive(descriptor, into: memory)
            // After the end of the stream the kernel keeps saying so; it must be asked to say it.
            loop.state.table[id].isDry = count > 0 && count < memory.count
            loop.state.statistics.bytesRead += count
            noteActivity()
            return count
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return nil
        } catch {
            throw IOError(.read, .system(error))
        }
    }

    /// Turns a second reader away.
    @inline(__always)
    private func checkReadable(_ operation: IOError.Operation) throws(IOError) {
        try checkOpen(operation)
        guard !loop.state.table[id].isReading else { throw IOError(operation, .busy) }
    }

    /// Takes the right to read.
    func beginReading(_ operation: IOError.Operation = .read) throws(IOError) {
        try checkReadable(operation)
        loop.state.table[id].isReading = true
    }

    func endReading() {
        if loop.state.table.isOpen(id) { loop.state.table[id].isReading = false }
    }
}
