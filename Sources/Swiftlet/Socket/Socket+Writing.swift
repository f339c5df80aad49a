import Drivers
import Syscalls

// Writing is trying and parking: an operation returns when the kernel has taken every byte. The
// right to write is taken while the task is suspended: at any other time no other task runs.
extension Socket {
    /// Hands every byte of `memory` to the kernel, parking whenever its buffer is full; `timeout`
    /// is for all of them. The caller keeps the memory valid until this returns.
    @inlinable
    @inline(__always)
    func transmit(
        _ memory: UnsafeRawBufferPointer, timeout: Duration?, in call: Call
    ) async throws(IOError) {
        // Nearly every write ends here, so this is inlined, and what may have to wait has a frame
        // of its own.
        let rest = try transmitAtOnce(memory)
        if let rest, rest.isEmpty { return }
        try await transmitRest(rest ?? memory, isTried: rest != nil, timeout: timeout, in: call)
    }

    /// Does what needs no wait, and returns what is left; nil when nothing was tried, because the
    /// caller is not on the loop's thread or has completed too much at once.
    @inline(never)
    @usableFromInline
    func transmitAtOnce(
        _ memory: UnsafeRawBufferPointer
    ) throws(IOError) -> UnsafeRawBufferPointer? {
        guard loop.isCurrent else { return nil }
        try checkWritable()
        return loop.spend() ? try sendOnce(memory) : nil
    }

    /// Takes a task that does not belong to the loop there and back.
    @inline(never)
    @usableFromInline
    func transmitRest(
        _ memory: UnsafeRawBufferPointer, isTried: Bool, timeout: Duration?, in call: Call
    ) async throws(IOError) {
        if loop.isHome {
            let deadline = loop.deadline(after: timeout)
            return try await transmitHere(memory, isTried: isTried, until: deadline, in: call)
        }
        // The caller waits for the loop, so nothing changes the memory meanwhile.
        nonisolated(unsafe) let memory = memory
        try await loop.perform { () async throws(IOError) in
            let deadline = self.loop.deadline(after: timeout)
            try await self.transmitHere(memory, isTried: isTried, until: deadline, in: call)
        }
    }

    private func transmitHere(
        _ memory: UnsafeRawBufferPointer, isTried: Bool, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        var rest = memory
        try checkWritable()
        if !isTried {
            if !loop.spend() { try await yieldWriting() }
            rest = try sendOnce(rest)
        }
        while !rest.isEmpty {
            // The kernel has taken a part or nothing: asked again, it would only say that it is
            // full.
            try await waitToWrite(until: deadline, in: call)
            rest = try sendOnce(rest)
        }
    }

    /// Waits until there may be room, for a write that has begun.
    @inline(__always)
    private func waitToWrite(until deadline: Instant, in call: Call) async throws(IOError) {
        loop.state.table[id].writing = .underWay
        do throws(IOError) {
            try await park(for: .write, .write, until: deadline, in: call)
        } catch {
            endWriting(as: .cut)
            throw error
        }
        endWriting(as: .ended)
    }

    /// Hands every byte of `memory` to the kernel, and descriptors with the first of them. The
    /// caller is on the loop's thread.
    func transmit(
        _ memory: UnsafeRawBufferPointer, passing items: [any Passable],
        until deadline: Instant, in call: Call
    ) async throws(IOError) {
        try checkWritable()
        if !loop.spend() { try await yieldWriting() }
        while true {
            // Each time: what was closed meanwhile has given its number to another one.
            let descriptors = try items.map { item throws(IOError) in try number(of: item) }
            let sent = try sendOnce { sockets, descriptor throws(Errno) in
                try sockets.send(descriptor, memory, passing: descriptors)
            }
            let rest = UnsafeRawBufferPointer(rebasing: memory[sent...])
            if sent > 0 {
                return try await transmitHere(rest, isTried: true, until: deadline, in: call)
            }
            try await waitToWrite(until: deadline, in: call)
        }
    }

    /// Hands every byte of several pieces to the kernel, many of them in one call.
    ///
    /// The caller comes back to the loop's thread, and keeps the memory valid until this returns. A
    /// piece that fits in part goes on as if it were alone.
    func transmit(
        pieces: [UnsafeRawBufferPointer], until deadline: Instant, in call: Call
    ) async throws(IOError) {
        try checkWritable()
        var hasBegun = false
        do throws(IOError) {
            var rest = pieces[...]
            while !rest.isEmpty {
                if !loop.spend() { try await yieldWriting() }
                let taken = try sendOnce { sockets, descriptor throws(Errno) in
                    try sockets.send(descriptor, pieces: rest)
                }
                hasBegun = hasBegun || taken > 0
                var sent = taken
                while let piece = rest.first, piece.count <= sent {
                    sent -= piece.count
                    rest.removeFirst()
                }
                guard let piece = rest.first else { return }
                if taken == 0 {
                    // All together again: as a message they are one.
                    try await waitToWrite(until: deadline, in: call)
                } else if sent > 0 {
                    rest.removeFirst()
                    let part = UnsafeRawBufferPointer(rebasing: piece[sent...])
                    try await transmitHere(part, isTried: true, until: deadline, in: call)
                }
            }
        } catch {
            if hasBegun { endWriting(as: .cut) }
            throw error
        }
    }

    /// Turns a second writer away.
    @inline(__always)
    private func checkWritable() throws(IOError) {
        try checkOpen(.write)
        if loop.state.table[id].writing != .ended { try beginAnew() }
    }

    /// Lets a task that has made good for a write which was cut go on; only it knows.
    @inline(never)
    private func beginAnew() throws(IOError) {
        if loop.state.table[id].writing == .underWay { throw IOError(.write, .busy) }
        loop.state.table[id].writing = .ended
    }

    /// Waits until a write may make progress, for a caller that comes back to write.
    ///
    /// Nothing is written, so a write that was cut before is no less cut.
    func waitUntilWritable(in call: Call) async throws(IOError) {
        try checkOpen(.write)
        let before = loop.state.table[id].writing
        if before == .underWay { throw IOError(.write, .busy) }
        loop.state.table[id].writing = .underWay
        defer { endWriting(as: before) }
        try await park(for: .write, .write, until: .never, in: call)
    }

    func endWriting(as end: SocketTable.Writing) {
        if loop.state.table.isOpen(id) { loop.state.table[id].writing = end }
    }

    /// Lets other jobs run, because this one has written too much at once; no other task may write
    /// meanwhile.
    @inline(never)
    private func yieldWriting() async throws(IOError) {
        loop.state.table[id].writing = .underWay
        do throws(IOError) {
            try await yield(.write)
        } catch {
            endWriting(as: .cut)
            throw error
        }
        endWriting(as: .ended)
    }

    /// Asks the kernel once, and returns what it did not take.
    @inline(__always)
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
            throw failure(error)
        }
    }

    /// Asks the kernel once in another way, and says how many bytes it took.
    private func sendOnce(
        _ call: (any Sockets, RawDescriptor) throws(Errno) -> Int
    ) throws(IOError) -> Int {
        loop.state.statistics.sends += 1
        do throws(Errno) {
            let count = try call(loop.sockets, descriptor)
            loop.state.statistics.bytesWritten += count
            noteActivity()
            return count
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return 0
        } catch {
            throw failure(error)
        }
    }

    /// What a write throws for an error of the kernel.
    @inline(never)
    private func failure(_ error: Errno) -> IOError {
        // All others mean that the connection is no more.
        if error.meansExhaustion { endWriting(as: .cut) }
        return IOError(.write, .system(error))
    }
}
