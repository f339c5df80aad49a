import Drivers
import Syscalls

// What happens between `read` and its return:
//
//     bytes left over from a line?      → those
//     the last read emptied the socket? → park        (asking again would only say "would block")
//     ask the kernel → bytes            → return      (fewer than fit: it is empty now)
//                    → would block      → park
//     unparked                          → ask the kernel
//
// A buffer of the pool is taken when bytes are expected, not before. The right to read is taken
// while the task is suspended: at any other time no other task runs.
//
// What waits is inlined into the public read, and what does not wait is apart: so a steady reader
// has one frame, and it is small.
extension Socket {
    /// What became of an attempt to receive without an asynchronous call.
    @usableFromInline
    enum Attempt {
        /// Empty at the end of the stream.
        case received(Buffer)
        case nothing
        /// There was nothing, and the loop keeps the task until there may be something.
        case parked
        /// The caller is not on the loop's thread, or it has completed too much at once.
        case notTried
    }

    /// Takes what is there, into `memory` if it is given and else into a buffer of the pool.
    @inline(__always)
    func receiveAtOnce(into memory: Buffer? = nil) throws(IOError) -> Attempt {
        guard loop.isCurrent else { return .notTried }
        try checkReadable(.read)
        guard loop.spend() else { return .notTried }
        if loop.state.table.hasUnread(id) { return .received(takeUnread(into: memory)) }
        guard !loop.state.table[id].isDry, let received = try tryReceiving(into: memory) else {
            return .nothing
        }
        return .received(received)
    }

    /// Takes what is there; where there is nothing, the loop keeps the calling task if that is all
    /// it takes to wait: a handler that waits without a timeout for its own connection.
    @inline(never)
    @usableFromInline
    func receiveOrPark(
        for timeout: Duration?, in call: Call, isFree: Bool
    ) throws(IOError) -> Attempt {
        let attempt = try receiveAtOnce()
        #if !SWIFTLET_PUBLIC_API_ONLY
            if isFree, case .nothing = attempt, timeout == nil, idleTimeout == .max,
                loop.state.table[id].owner == loop.state.task,
                loop.state.table[id].notice == .none,
                loop.isCallerCancelled == false, !loop.state.isEnding
            {
                loop.state.table[id].isReading = true
                tellUse(of: .read)
                loop.keepOwner(on: descriptor, for: .read, in: call)
                return .parked
            }
        #endif
        return attempt
    }

    /// Takes what is there when the loop has let the task go on.
    @inline(never)
    @usableFromInline
    func receiveAfterPark() throws(IOError) -> Attempt {
        if let reason = loop.state.wakeup {
            endReading()
            throw IOError(.read, reason)
        }
        try checkOpen(.read)
        loop.state.table[id].endWait()
        guard let received = try tryReceiving(into: nil) else { return .nothing }
        return .received(received)
    }

    /// The bytes that an attempt has received; nil at the end of the stream.
    @inline(never)
    @usableFromInline
    func bytes(of attempt: Attempt) -> Bytes? {
        guard case .received(let buffer) = attempt, buffer.count > 0 else { return nil }
        return Bytes(buffer, of: loop)
    }

    /// Goes on after an attempt and waits if need be; nil at the end of the stream. `timeout` is
    /// for the first byte.
    func receive(
        after attempt: Attempt, into memory: Buffer?, timeout: Duration?, in call: Call
    ) async throws(IOError) -> Buffer? {
        switch attempt {
        case .received(let buffer):
            return buffer.unlessEmpty
        case .nothing:
            guard let isCancelled = loop.isCallerCancelled else { break }
            return try await receiveLater(
                into: memory, until: loop.deadline(after: timeout), in: call,
                isCancelled: isCancelled)
        case .parked, .notTried:
            break
        }
        return try await receiveElsewhere(into: memory, timeout: timeout, in: call)
    }

    /// As above, into a buffer of the pool.
    @inline(never)
    @usableFromInline
    func receive(
        after attempt: Attempt, timeout: Duration?, in call: Call
    ) async throws(IOError) -> Bytes? {
        let received = try await receive(after: attempt, into: nil, timeout: timeout, in: call)
        return received.map { Bytes($0, of: loop) }
    }

    /// As `receive`, from the beginning, for a task that has to yield first or to be taken to the
    /// loop and back.
    @inline(never)
    private func receiveElsewhere(
        into memory: Buffer?, timeout: Duration?, in call: Call
    ) async throws(IOError) -> Buffer? {
        if loop.isHome {
            let deadline = loop.deadline(after: timeout)
            return try await receiveHere(into: memory, until: deadline, in: call)
        }
        return try await loop.perform { () async throws(IOError) in
            let deadline = self.loop.deadline(after: timeout)
            return try await self.receiveHere(into: memory, until: deadline, in: call)
        }
    }

    // The callers of all that follows are on the loop's thread.

    private func receiveHere(
        into memory: Buffer?, until deadline: Instant, in call: Call
    ) async throws(IOError) -> Buffer? {
        try checkReadable(.read)
        if !loop.spend() { try await yieldReading() }
        if loop.state.table.hasUnread(id) { return takeUnread(into: memory) }
        return try await receiveNew(into: memory, until: deadline, in: call)
    }

    /// Waits for bytes that were not received yet.
    private func receiveNew(
        into memory: Buffer? = nil, until deadline: Instant, in call: Call
    ) async throws(IOError) -> Buffer? {
        if !loop.state.table[id].isDry, let received = try tryReceiving(into: memory) {
            return received.unlessEmpty
        }
        return try await receiveLater(into: memory, until: deadline, in: call)
    }

    /// Waits for bytes where there were none.
    @inline(__always)
    private func receiveLater(
        into memory: Buffer?, until deadline: Instant, in call: Call,
        isCancelled: Bool = Task.isCancelled
    ) async throws(IOError) -> Buffer? {
        var isCancelled = isCancelled
        while true {
            let mayHaveSome = try await waitToRead(
                until: deadline, in: call, isCancelled: isCancelled)
            guard mayHaveSome else { return nil }
            if let received = try tryReceiving(into: memory) { return received.unlessEmpty }
            isCancelled = Task.isCancelled
        }
    }

    /// Waits until there may be something to read; false when there is not, because the server
    /// stops.
    @inline(__always)
    func waitToRead(
        until deadline: Instant, in call: Call, isCancelled: Bool = Task.isCancelled
    ) async throws(IOError) -> Bool {
        loop.state.table[id].isReading = true
        do throws(IOError) {
            try await park(for: .read, .read, until: deadline, in: call, isCancelled: isCancelled)
            loop.state.table[id].endWait()
            return true
        } catch {
            endReading()
            // The server stops.
            guard error.reason == .endOfStream else { throw error }
            if !loop.state.table[id].isDry { return false }
            // More may have come since the last read.
            loop.state.table[id].isDry = false
            return true
        }
    }

    /// Waits until a read need not wait, for a caller that comes back to read.
    ///
    /// What arrives is received and left with the socket: readiness is a hint, and only so it is
    /// known that there is something.
    func waitUntilReadable(in call: Call) async throws(IOError) {
        try checkReadable(.read)
        while !loop.state.table.hasUnread(id) {
            if !loop.state.table[id].isDry, let received = try tryReceiving(into: nil) {
                // At the end of the stream a read is told of it once more.
                guard received.count > 0 else { return }
                loop.state.table[unread: id].append(UnsafeRawBufferPointer(received.memory))
                return loop.state.buffers.put(received)
            }
            guard try await waitToRead(until: .never, in: call) else { return }
        }
    }

    /// Asks the kernel once; nil when there is nothing.
    ///
    /// At the end of the stream there are no bytes, and a buffer has gone back.
    private func tryReceiving(into memory: Buffer?) throws(IOError) -> Buffer? {
        let buffer = memory ?? loop.state.buffers.take()
        var count = 0
        defer { if count == 0, memory == nil { loop.state.buffers.put(buffer) } }
        loop.state.statistics.receives += 1
        do throws(Errno) {
            count = try loop.receive(descriptor, into: buffer.memory)
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return nil
        } catch {
            throw IOError(.read, .system(error))
        }
        // After the end of the stream the kernel keeps saying so; it must be asked to say it.
        loop.state.table[id].isDry = count > 0 && count < buffer.count && !mayHideMore
        loop.state.statistics.bytesRead += count
        noteActivity()
        return buffer.prefix(count)
    }

    /// Whether a short read says nothing of what comes behind it: on a Unix socket it ends where a
    /// descriptor was sent along. A driver that is told what is used up would not tell of the rest.
    @inline(__always)
    private var mayHideMore: Bool { loop.state.driverHeedsUse && peer.isUnix }

    /// Turns a second reader away.
    @inline(__always)
    func checkReadable(_ operation: IOError.Operation) throws(IOError) {
        try checkOpen(operation)
        guard !loop.state.table[id].isReading else { throw IOError(operation, .busy) }
    }

    func endReading() {
        if loop.state.table.isOpen(id) { loop.state.table[id].isReading = false }
    }

    /// Lets other jobs run, because this one has read too much at once; no other task may read
    /// meanwhile.
    @inline(never)
    func yieldReading(_ operation: IOError.Operation = .read) async throws(IOError) {
        loop.state.table[id].isReading = true
        defer { endReading() }
        try await yield(operation)
    }
}

// Reading to a certain byte or a certain count. What arrives is gathered with the socket, and
// leaves it only when the whole is there; so a read that fails half-way has taken nothing, and no
// byte that was received is ever lost.
extension Socket {
    /// Reads exactly `count` bytes; nil when the stream has ended before the first one.
    func receive(
        exactly count: Int, until deadline: Instant, in call: Call
    ) async throws(IOError) -> [UInt8]? {
        try checkReadable(.read)
        guard count >= 0 else { throw IOError(.read, .outOfRange(count)) }
        if !loop.spend() { try await yieldReading() }
        while loop.state.table[unread: id].count < count {
            if try await gather(until: deadline, in: call) == 0 {
                if !loop.state.table.hasUnread(id) { return nil }
                throw IOError(.read, .endOfStream)
            }
        }
        return loop.state.table[unread: id].take(count)
    }

    /// Reads up to and with the first `delimiter`; at the end of the stream what is left, or nil if
    /// nothing is.
    func receive(
        until delimiter: UInt8, limit: Int, deadline: Instant, in call: Call
    ) async throws(IOError) -> [UInt8]? {
        try checkReadable(.read)
        if !loop.spend() { try await yieldReading() }
        var searched = 0
        while true {
            let end = loop.state.table[unread: id].count(to: delimiter, after: searched)
            searched = loop.state.table[unread: id].count
            if end ?? searched > limit { throw IOError(.read, .tooLong) }
            if let end { return loop.state.table[unread: id].take(end) }
            if try await gather(until: deadline, in: call) == 0 {
                return searched == 0 ? nil : loop.state.table[unread: id].take(searched)
            }
        }
    }

    /// Waits for bytes and puts them behind what was gathered; says how many, 0 at the end of the
    /// stream.
    func gather(until deadline: Instant, in call: Call) async throws(IOError) -> Int {
        if !loop.spend() { try await yieldReading() }
        guard let received = try await receiveNew(until: deadline, in: call) else { return 0 }
        defer { loop.state.buffers.put(received) }
        loop.state.table[unread: id].append(UnsafeRawBufferPointer(received.memory))
        return received.count
    }

    /// Takes bytes that were gathered, into `memory` or a buffer of the pool.
    private func takeUnread(into memory: Buffer?) -> Buffer {
        let buffer = memory ?? loop.state.buffers.take()
        return buffer.prefix(loop.state.table[unread: id].take(into: buffer.memory))
    }
}

extension Socket.Attempt {
    /// Whether the calling task is to be suspended.
    @inlinable
    @inline(__always)
    var isParked: Bool {
        if case .parked = self { return true }
        return false
    }

    /// Whether there is nothing to wait for.
    @inlinable
    @inline(__always)
    var isOver: Bool {
        if case .received = self { return true }
        return false
    }
}
