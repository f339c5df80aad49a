import Drivers
import Syscalls

// Writing is trying and parking: an operation returns when the kernel has taken every byte.
extension Socket {
    /// Hands to the kernel what it takes of `memory` at once; returns the rest.
    ///
    /// The caller is on the loop's thread.
    @inline(__always)
    nonisolated(nonsending)
        func transmitAtOnce(
            _ memory: UnsafeRawBufferPointer
        ) async throws(IOError) -> UnsafeRawBufferPointer
    {
        try checkWritable()
        if !loop.spend() {
            try await yield(.write)
            try checkWritable()
        }
        return UnsafeRawBufferPointer(rebasing: memory[try trySending(memory)...])
    }

    /// Hands every byte of `memory` to the kernel, parking whenever its buffer is full.
    ///
    /// The caller comes back to the loop, and keeps the memory valid until this returns. When the
    /// kernel `isFull`, or has taken a part, the rest waits at once: it would only say that it has
    /// no room if it were asked again.
    nonisolated(nonsending)
        func transmit(
            _ memory: UnsafeRawBufferPointer, until deadline: Instant, in call: Call,
            isFull: Bool = false
        ) async throws(IOError)
    {
        try checkWritable()
        if !loop.spend() {
            try await yield(.write)
            try checkWritable()
        }
        loop.state.table[id].isWriting = true
        defer { endWriting() }
        if isFull { try await park(for: .write, .write, until: deadline, in: call) }
        var sent = 0
        while true {
            sent += try trySending(UnsafeRawBufferPointer(rebasing: memory[sent...]))
            if sent == memory.count { return }
            try await park(for: .write, .write, until: deadline, in: call)
        }
    }

    /// As above for an array, whose memory can be lent only from one suspension to the next.
    nonisolated(nonsending)
        func transmit(
            _ bytes: [UInt8], until deadline: Instant, in call: Call
        ) async throws(IOError)
    {
        try checkWritable()
        if !loop.spend() {
            try await yield(.write)
            try checkWritable()
        }
        loop.state.table[id].isWriting = true
        defer { endWriting() }
        var sent = 0
        while true {
            sent += try bytes.withUnsafeBufferPointer { memory throws(IOError) in
                let rest = UnsafeBufferPointer(rebasing: memory[sent...])
                return try trySending(UnsafeRawBufferPointer(rest))
            }
            if sent == bytes.count { return }
            try await park(for: .write, .write, until: deadline, in: call)
        }
    }

    /// Turns a second writer away.
    @inline(__always)
    private func checkWritable() throws(IOError) {
        try checkOpen(.write)
        guard !loop.state.table[id].isWriting else { throw IOError(.write, .busy) }
    }

    private func endWriting() {
        if loop.state.table.isOpen(id) { loop.state.table[id].isWriting = false }
    }

    /// Asks the kernel once; 0 when it would block.
    private func trySending(_ memory: UnsafeRawBufferPointer) throws(IOError) -> Int {
        loop.state.statistics.sends += 1
        do throws(Errno) {
            let count = try loop.sockets.send(descriptor, memory)
            loop.state.statistics.bytesWritten += count
            noteActivity()
            return count
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return 0
        } catch {
            throw IOError(.write, .system(error))
        }
    }

    /// Ends the writing half of the connection (shutdown(2)).
    func shutdownWriting() throws(IOError) {
        try attempt(.closeWrite) { descriptor throws(Errno) in
            try loop.sockets.shutdownWriting(descriptor)
        }
    }
}
