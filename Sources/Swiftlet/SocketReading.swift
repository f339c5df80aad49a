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
    nonisolated(nonsending)
        func receive(until deadline: Instant) async throws(IOError) -> Received?
    {
        try beginReading()
        defer { endReading() }
        if !loop.state.table[unread: id].isEmpty { return takeUnread() }
        return try await receiveInsideReading(until: deadline)
    }

    /// What `read` gives to a caller on another thread, who is taken to the loop and back.
    @inline(never)
    nonisolated(nonsending)
        func bytesForElsewhere(timeout: Duration?) async throws(IOError) -> Bytes?
    {
        let received = try await loop.perform { () async throws(IOError) in
            try await self.receive(until: self.deadline(after: timeout))
        }
        return received.map { Bytes($0.base, count: $0.count, of: loop) }
    }

    /// As `receive`, for who has the right to read; asks for bytes that were not received yet.
    nonisolated(nonsending)
        func receiveInsideReading(until deadline: Instant) async throws(IOError) -> Received?
    {
        if !loop.spend() { try await yield(.read) }
        while true {
            if !loop.state.table[id].isDry {
                let base = loop.state.buffers.take()
                let memory = UnsafeMutableRawBufferPointer(
                    start: base, count: BufferPool.bufferSize)
                do throws(IOError) {
                    if let count = try tryReceiving(into: memory) {
                        if count > 0 { return Received(base: base, count: count) }
                        loop.state.buffers.put(base)
                        return nil
                    }
                } catch {
                    loop.state.buffers.put(base)
                    throw error
                }
                loop.state.buffers.put(base)
            }
            try await park(for: .read, .read, until: deadline)
            loop.state.table[id].isDry = false
        }
    }

    /// Waits for bytes and puts them into the caller's memory; 0 at the end of the stream.
    nonisolated(nonsending)
        func receive(
            into memory: UnsafeMutableRawBufferPointer, until deadline: Instant
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
            try await park(for: .read, .read, until: deadline)
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

    /// Takes the right to read; a second reader is turned away.
    func beginReading(_ operation: IOError.Operation = .read) throws(IOError) {
        try checkOpen(operation)
        guard !loop.state.table[id].isReading else { throw IOError(operation, .busy) }
        loop.state.table[id].isReading = true
    }

    func endReading() {
        if loop.state.table.isOpen(id) { loop.state.table[id].isReading = false }
    }
}
