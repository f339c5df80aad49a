import Drivers
import Glibc
import Syscalls

/// An open file of this process that is no socket of a loop: a pipe, a terminal, a device, a file
/// on a disk.
///
///     own pipe         tries, and parks where that would block
///     shared           parks first: its flags are others', and so a call may block
///                      (a number of its own: what parks on another one is left alone)
///     on a disk        on a thread of the pool: no driver says when it is ready
///
/// One operation at a time, on any loop. It leaves no interest behind; so the descriptor is closed
/// when `close` was called and no operation, nor a thread, uses it any more.
final class OpenFile: Sendable {
    let raw: RawDescriptor
    private let isOwned: Bool
    private let state: Guarded<State>

    private enum Kind: Sendable {
        case nonBlocking, blocking, onDisk
    }

    private struct State {
        var kind: Kind
        /// The operation that is under way, and the thread that works for it.
        var users = 0
        var isClosed = false
        /// Where a task is parked on it.
        var loop: LoopExecutor?
        var unread = UnreadBytes()
    }

    /// Takes over a descriptor, which is closed at the end.
    init(takingOver descriptor: RawDescriptor) {
        raw = descriptor
        isOwned = true
        state = Guarded(State(kind: OpenFile.kind(of: descriptor)))
    }

    /// Uses what a descriptor stands for, which stays open, such as standard input, for reading or
    /// for writing.
    init(sharing descriptor: RawDescriptor, for direction: Direction) {
        // Where there is no number left, the one that is shared has to do.
        let own =
            descriptor.openedAnew(direction == .read ? O_RDONLY : O_WRONLY)
            ?? (try? descriptor.duplicate())
        raw = own ?? descriptor
        isOwned = own != nil
        state = Guarded(State(kind: OpenFile.kind(of: raw)))
    }

    /// What is closed from the beginning.
    static var closed: OpenFile { OpenFile() }

    private init() {
        raw = RawDescriptor(-1)
        isOwned = false
        state = Guarded(State(kind: .nonBlocking, isClosed: true))
    }

    deinit { close() }

    private static func kind(of descriptor: RawDescriptor) -> Kind {
        if descriptor.isOnDisk { return .onDisk }
        return descriptor.isNonBlocking ? .nonBlocking : .blocking
    }

    /// Closes it, and ends an operation that is parked on it; again does nothing.
    func close() {
        let loop = state.withLock { state -> LoopExecutor? in
            if state.isClosed { return nil }
            state.isClosed = true
            if state.users == 0, isOwned { raw.close() }
            return state.loop
        }
        loop?.post(.endPark(self))
    }

    /// Whether a task is parked on it by a loop; the caller is on the thread of that.
    func isParked(by loop: LoopExecutor) -> Bool { state.withLock { $0.loop === loop } }

    /// Makes a call on the descriptor, which stays open meanwhile; throws when it is closed.
    func withOpen<Value: Sendable>(
        _ operation: IOError.Operation, _ call: (RawDescriptor) throws(Errno) -> Value
    ) throws(IOError) -> Value {
        try state.withLock { state throws(IOError) in
            if state.isClosed { throw IOError(operation, .closed) }
            return try Result { () throws(Errno) in try call(raw) }.get(operation)
        }
    }

    /// Begins an operation, which `endUse` ends.
    private func begin(_ operation: IOError.Operation) throws(IOError) {
        try state.withLock { state throws(IOError) in
            if state.isClosed { throw IOError(operation, .closed) }
            if state.users > 0 { throw IOError(operation, .busy) }
            state.users = 1
        }
    }

    private func endUse() {
        state.withLock { state in
            state.users -= 1
            if state.users == 0, state.isClosed, isOwned { raw.close() }
        }
    }

    /// What a thread holds that works on the file: it ends with the work, or when the work is
    /// given up before it has begun.
    private final class ThreadUse: Sendable {
        private let file: OpenFile
        private let isOver = Latch()

        init(of file: OpenFile) {
            self.file = file
            file.state.withLock { $0.users += 1 }
        }

        deinit { end() }

        func end() {
            if isOver.isSet { return }
            isOver.set()
            file.endUse()
        }
    }

    private var kind: Kind { state.withLock { $0.kind } }

    // MARK: Operations

    /// On which loop, until when and in which call an operation waits.
    struct Wait: Sendable {
        let loop: LoopExecutor
        let deadline: Instant
        let call: Call
    }

    /// Runs an operation on the thread of the caller's loop.
    func perform<Value: Sendable>(
        _ operation: IOError.Operation, timeout: Duration?, in call: Call,
        _ body: @escaping @Sendable (Wait) async throws(IOError) -> Value
    ) async throws(IOError) -> Value {
        let loop = try EventLoop.require(operation).executor
        return try await loop.perform { () async throws(IOError) in
            guard loop.isCurrent else { throw IOError(operation, .loopEnded) }
            // There are no files in a simulated world, and a descriptor there is another one; and a
            // recording could not say what came of them.
            guard loop.state.witness == nil else {
                throw IOError(operation, .system(.notImplemented))
            }
            return try await body(
                Wait(loop: loop, deadline: loop.deadline(after: timeout), call: call))
        }
    }

    // The callers of all that follows are on the loop's thread. What was read goes through
    // `unread`, where nothing is lost when nobody waits for it any more.

    /// What is there in a buffer of the loop; waits if need be. Nil at the end.
    func read(_ wait: Wait) async throws(IOError) -> Buffer? {
        try begin(.read)
        defer { endUse() }
        if !hasUnread, try await !fill(wait) { return nil }
        let buffer = wait.loop.state.buffers.take()
        return buffer.prefix(state.withLock { $0.unread.take(into: buffer.memory) })
    }

    /// What comes up to and with the first `delimiter`; at the end what is left, nil if nothing is.
    func read(
        until delimiter: UInt8, limit: Int, _ wait: Wait
    ) async throws(IOError) -> [UInt8]? {
        try begin(.read)
        defer { endUse() }
        var searched = 0
        while true {
            let end = state.withLock { $0.unread.count(to: delimiter, after: searched) }
            searched = state.withLock { $0.unread.count }
            if end ?? searched > limit { throw IOError(.read, .tooLong) }
            if let end { return state.withLock { $0.unread.take(end) } }
            if try await !fill(wait) {
                return searched == 0 ? nil : state.withLock { $0.unread.take(searched) }
            }
        }
    }

    /// All that comes to the end; throws when it is more than `limit` bytes, which stay.
    func readToEnd(limit: Int, _ wait: Wait) async throws(IOError) -> [UInt8] {
        try begin(.read)
        defer { endUse() }
        repeat {
            if state.withLock({ $0.unread.count }) > limit { throw IOError(.read, .tooLong) }
        } while try await fill(wait)
        return state.withLock { $0.unread.isEmpty ? [] : $0.unread.take($0.unread.count) }
    }

    private var hasUnread: Bool { state.withLock { !$0.unread.isEmpty } }

    /// Waits for bytes and puts them behind those that were not read yet; false at the end.
    private func fill(_ wait: Wait) async throws(IOError) -> Bool {
        try await wait.loop.yieldIfSpent(.read, until: wait.deadline)
        var mayBlock = kind == .blocking
        while kind != .onDisk {
            if mayBlock {
                try await park(for: .read, .read, wait)
                if kind == .onDisk { break }
            }
            if let count = try readAtOnce(wait.loop) { return count > 0 }
            mayBlock = true
        }
        let use = ThreadUse(of: self)
        let outcome = try await onThread(.read, wait) {
            defer { use.end() }
            return Result { () throws(Errno) in try self.readHere() }
        }
        return try outcome.get(.read) > 0
    }

    /// Waits until a read would find something, or the end.
    func untilReadable(_ operation: IOError.Operation, _ wait: Wait) async throws(IOError) {
        try begin(operation)
        defer { endUse() }
        try await park(for: .read, operation, wait)
    }

    /// Asks the kernel once; nil when that would block.
    private func readAtOnce(_ loop: LoopExecutor) throws(IOError) -> Int? {
        let buffer = loop.state.buffers.take()
        defer { loop.state.buffers.put(buffer) }
        do throws(Errno) {
            let count = try read(into: buffer.memory)
            loop.state.statistics.bytesRead += count
            return count
        } catch .wouldBlock {
            return nil
        } catch {
            throw IOError(.read, .system(error))
        }
    }

    /// Reads where it may block.
    private func readHere() throws(Errno) -> Int {
        try withUnsafeTemporaryAllocation(byteCount: BufferPool.bufferSize, alignment: 16) {
            buffer in Result { () throws(Errno) in try read(into: buffer) }
        }.get()
    }

    private func read(into memory: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        let count = try raw.read(into: memory)
        state.withLock { $0.unread.append(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
        return count
    }

    /// Hands every byte to the kernel, and waits whenever there is no room.
    func write(_ bytes: [UInt8], _ wait: Wait) async throws(IOError) {
        try begin(.write)
        defer { endUse() }
        var (written, mayBlock) = (0, kind == .blocking)
        while written < bytes.count, kind != .onDisk {
            try await wait.loop.yieldIfSpent(.write, until: wait.deadline)
            if mayBlock {
                try await park(for: .write, .write, wait)
                if kind == .onDisk { break }
            }
            let count = try writeAtOnce(bytes[written...])
            wait.loop.state.statistics.bytesWritten += count
            written += count
            mayBlock = kind == .blocking || count == 0
        }
        if written == bytes.count { return }
        let rest = Array(bytes[written...])
        let use = ThreadUse(of: self)
        let outcome = try await onThread(.write, wait) { [raw] in
            defer { use.end() }
            return Result { () throws(Errno) in try raw.writeAll(rest) }
        }
        try outcome.get(.write)
    }

    /// Asks the kernel once, and says how many bytes it took: none when that would block.
    private func writeAtOnce(_ bytes: ArraySlice<UInt8>) throws(IOError) -> Int {
        // A pipe that has room takes so much in one piece, and does not block (pipe(7),
        // `PIPE_BUF`).
        let piece = kind == .blocking ? bytes.prefix(4096) : bytes
        do throws(Errno) {
            return try piece.withUnsafeBytes { bytes in
                Result { () throws(Errno) in try raw.writeWithoutSignal(bytes) }
            }.get()
        } catch .wouldBlock {
            return 0
        } catch {
            throw IOError(.write, .system(error))
        }
    }

    /// Parks until the file may make progress, or finds out that it never says so.
    private func park(
        for direction: Direction, _ operation: IOError.Operation, _ wait: Wait
    ) async throws(IOError) {
        let loop = wait.loop
        let isOpen = state.withLock { state in
            state.loop = loop
            return !state.isClosed
        }
        defer { state.withLock { $0.loop = nil } }
        var wakeup = isOpen ? loop.examine(raw, for: direction) : .closed
        if wakeup == nil {
            wakeup = await loop.park(on: raw, for: direction, until: wait.deadline, in: wait.call)
            // One that is busy is another's, and so is what the driver was told of it.
            if wakeup != .busy, loop.isCurrent { loop.forget(raw) }
        }
        switch wakeup {
        case nil: break
        case .system(.notPermitted): state.withLock { $0.kind = .onDisk }
        case let reason?: throw IOError(operation, reason)
        }
    }

    private func onThread<Value: Sendable>(
        _ operation: IOError.Operation, _ wait: Wait, _ body: @escaping @Sendable () -> Value
    ) async throws(IOError) -> Value {
        do throws(IOError) {
            return try await wait.loop.offload(
                to: .shared, until: wait.deadline, in: wait.call, body)
        } catch {
            throw IOError(operation, error.reason)
        }
    }
}

extension Result where Failure == Errno {
    /// What a call gave, or its error in terms of an operation.
    func get(_ operation: IOError.Operation, name: String? = nil) throws(IOError) -> Success {
        do throws(Errno) {
            return try get()
        } catch {
            throw name.map { IOError(operation, .system(error), name: $0) }
                ?? IOError(operation, .system(error))
        }
    }
}

extension LoopExecutor {
    /// Lets other jobs run when this one has completed too much at once; notices a cancellation,
    /// and that its time is over.
    func yieldIfSpent(
        _ operation: IOError.Operation, until deadline: Instant
    ) async throws(IOError) {
        if spend() { return }
        lookSoon()
        await Task.yield()
        if Task.isCancelled { throw IOError(operation, .cancelled) }
        if deadline <= now { throw IOError(operation, .timedOut) }
    }
}
