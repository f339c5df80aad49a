import Drivers
import Syscalls

// Writing is trying and parking: an operation returns when the kernel has taken every byte. The
// right to write is taken while the task is suspended: at any other time no other task runs.
extension Socket {
    /// Hands every byte of `memory` to the kernel, parking whenever its buffer is full.
    ///
    /// The caller is on the loop's thread, and keeps the memory valid until this returns.
    @inline(__always)
    func transmit(
        _ memory: UnsafeRawBufferPointer, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        try checkWritable()
        // Nearly every write ends here, so the frame of what may have to wait is not its own.
        guard loop.spend() else {
            return try await transmitWaiting(memory, isTried: false, until: deadline, in: call)
        }
        let rest = try sendOnce(memory)
        if rest.isEmpty { return }
        try await transmitWaiting(rest, isTried: true, until: deadline, in: call)
    }

    /// The part of `transmit` that may wait: the kernel has taken what it would, or was not asked
    /// because the job has completed too much at once.
    @inline(never)
    private func transmitWaiting(
        _ memory: UnsafeRawBufferPointer, isTried: Bool, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        var rest = memory
        if !isTried {
            try await yieldWriting()
            rest = try sendOnce(rest)
        }
        while !rest.isEmpty {
            guard let isCancelled = loop.isCallerCancelled else {
                return try await transmitElsewhere(rest, until: deadline, in: call)
            }
            // The kernel has taken a part or nothing: asked again, it would only say that it is
            // full.
            loop.state.table[id].isWriting = true
            defer { endWriting() }
            try await park(
                for: .write, .write, until: deadline, in: call, isCancelled: isCancelled)
            rest = try sendOnce(rest)
        }
    }

    /// As `transmit`, for a task that has to be taken to the loop and back.
    @inline(never)
    func transmitElsewhere(
        _ memory: UnsafeRawBufferPointer, until deadline: Instant = .never,
        timeout: Duration? = nil, in call: Call
    ) async throws(IOError) {
        // The caller waits for the loop, so nothing changes the memory meanwhile.
        nonisolated(unsafe) let memory = memory
        try await loop.perform { () async throws(IOError) in
            let deadline = min(deadline, self.loop.deadline(after: timeout))
            try await self.transmit(memory, until: deadline, in: call)
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

    /// Lets other jobs run, because this one has written too much at once; no other task may write
    /// meanwhile.
    @inline(never)
    private func yieldWriting() async throws(IOError) {
        loop.state.table[id].isWriting = true
        defer { endWriting() }
        try await yield(.write)
    }

    /// Asks the kernel once, and returns what it did not take.
    private func sendOnce(
        _ memory: UnsafeRawBufferPointer
    ) throws(IOError) -> UnsafeRawBufferPointer {
        loop.state.statistics.sends += 1
        do throws(Errno) {
            let count = try loop.send(descriptor, memory)
            loop.state.statistics.bytesWritten += count
            noteActivity()
            return UnsafeRawBufferPointer(rebasing: memory[count...])
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return memory
        } catch {
            throw IOError(.write, .system(error))
        }
    }
}
