import Drivers
import Syscalls

// Writing is trying and parking: an operation returns when the kernel has taken every byte.
extension Socket {
    /// Hands every byte of `memory` to the kernel, parking whenever its buffer is full.
    ///
    /// The caller is on the loop's thread, and keeps the memory valid until this returns. After a
    /// part was taken the rest waits at once: the kernel takes a part only when it has no room for
    /// more, and would say so if it were asked again.
    @inline(__always)
    nonisolated(nonsending)
        func transmit(
            _ memory: UnsafeRawBufferPointer, until deadline: Instant
        ) async throws(IOError)
    {
        if !loop.spend() { try await yield(.write) }
        try checkWritable()
        let sent = try trySending(memory)
        if sent < memory.count {
            try await transmitRest(
                UnsafeRawBufferPointer(rebasing: memory[sent...]), until: deadline)
        }
    }

    /// Hands over what the kernel had no room for. The caller may write; nobody else may until all
    /// of it is handed over.
    @inline(never)
    nonisolated(nonsending)
        private func transmitRest(
            _ memory: UnsafeRawBufferPointer, until deadline: Instant
        ) async throws(IOError)
    {
        guard loop.isHome else {
            // The caller waits for the loop, so nobody changes the memory meanwhile.
            nonisolated(unsafe) let memory = memory
            return try await loop.perform { () async throws(IOError) in
                try await self.transmitRest(memory, until: deadline)
            }
        }
        loop.state.table[id].isWriting = true
        defer { endWriting() }
        var sent = 0
        while sent < memory.count {
            try await park(for: .write, .write, until: deadline)
            sent += try trySending(UnsafeRawBufferPointer(rebasing: memory[sent...]))
        }
    }

    /// As above for an array, whose memory can be lent only from one suspension to the next.
    nonisolated(nonsending)
        func transmit(_ bytes: [UInt8], until deadline: Instant) async throws(IOError)
    {
        if !loop.spend() { try await yield(.write) }
        try checkWritable()
        loop.state.table[id].isWriting = true
        defer { endWriting() }
        var sent = 0
        while true {
            sent += try bytes.withUnsafeBufferPointer { memory throws(IOError) in
                let rest = UnsafeBufferPointer(rebasing: memory[sent...])
                return try trySending(UnsafeRawBufferPointer(rest))
            }
            if sent == bytes.count { return }
            try await park(for: .write, .write, until: deadline)
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
