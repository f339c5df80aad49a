import Drivers
import Syscalls

/// An open socket of one loop: the part that listeners and connections share.
///
/// All of its state is in the loop's table, under its identity; so it is `Sendable` as it stands.
/// An operation that is called on the loop's thread runs there at once; any other caller is first
/// taken to the loop, and goes on where it came from. It closes with its last reference.
@usableFromInline
final class Socket: Sendable {
    let loop: LoopExecutor
    let id: SocketID
    /// Nanoseconds without a byte in either direction after which a park fails; `Int64.max` for
    /// ever.
    let idleTimeout: Int64
    /// The address of the other end; a listener's own. Last, because no operation looks at it.
    let peer: SocketAddress

    /// Takes over a descriptor that was just opened. The caller is on the loop's thread.
    ///
    /// Not inlined: Swift 6.3.1 fails to compile what it makes of that in release builds.
    @inline(never)
    init(
        adopting descriptor: RawDescriptor,
        peer: SocketAddress,
        on loop: LoopExecutor,
        idleTimeout: Duration? = nil
    ) {
        self.loop = loop
        self.peer = peer
        self.idleTimeout = idleTimeout?.wholeNanoseconds ?? .max
        id = loop.state.table.insert(descriptor)
    }

    deinit { close() }

    var descriptor: RawDescriptor { id.descriptor }

    /// Closes the socket and resumes the tasks that are parked on it; again does nothing.
    func close() {
        if loop.isCurrent { loop.close(id) } else { loop.post(.close(id)) }
    }

    /// Throws when the socket is closed. The caller is on the loop's thread.
    @inline(__always)
    func checkOpen(_ operation: IOError.Operation) throws(IOError) {
        guard loop.state.table.isOpen(id) else {
            throw IOError(operation, loop.state.isEnding ? .loopEnded : .closed)
        }
    }

    /// Lets other jobs run, because this one has completed too much at once; notices a
    /// cancellation.
    @inline(never)
    func yield(_ operation: IOError.Operation) async throws(IOError) {
        // A task that would not come back goes on: it is a foreign one, and soon elsewhere.
        guard loop.isCallerCancelled != nil else { return }
        loop.lookSoon()
        await Task.yield()
        if Task.isCancelled { throw IOError(operation, .cancelled) }
        try checkOpen(operation)
    }

    /// Parks until the socket may make progress, or `deadline` passes, or it was idle for too long.
    ///
    /// The calling task is one that comes back to the loop, and it has tried: the call would have
    /// blocked, or moved less than it could have.
    @inline(__always)
    func park(
        for direction: Direction, _ operation: IOError.Operation, until deadline: Instant,
        in call: Call, isCancelled: Bool = Task.isCancelled
    ) async throws(IOError) {
        var limit = deadline
        if idleTimeout != .max {
            // What has to be sent from now on is compared with this.
            if direction == .write { lookAtWaiting() }
            limit = idleLimit(since: loop.now, deadline)
        }
        tellUse(of: direction)
        while true {
            if isCancelled { throw IOError(operation, .cancelled) }
            if loop.state.table[id].notice != .none, isOwner { try heed(direction, operation) }
            let wakeup = await parkOnce(for: direction, until: limit, in: call)
            guard let wakeup else { return try checkOpen(operation) }
            guard case .timedOut = wakeup, deadline > loop.state.turnStart, findActivity() else {
                throw IOError(operation, wakeup)
            }
            limit = idleLimit(since: loop.state.table[id].lastActive, deadline)
        }
    }

    /// Sleeps for a while and makes the next one longer: for what no driver tells of.
    func rest(
        for pause: inout Pause, _ operation: IOError.Operation, until deadline: Instant,
        in call: Call
    ) async throws(IOError) {
        if deadline <= loop.now { throw IOError(operation, .timedOut) }
        let wakeup = await loop.sleep(
            until: min(deadline, loop.now.advanced(by: pause.next())), in: call)
        guard wakeup == .timedOut else { throw IOError(operation, wakeup ?? .cancelled) }
    }

    /// Tells a driver that heeds it that nothing is left to do in a direction.
    @inline(__always)
    func tellUse(of direction: Direction) {
        if loop.state.driverHeedsUse {
            loop.state.driver?.usedUp(direction.interest, of: descriptor)
        }
    }

    /// Does what the server has told the owner, which is about to park.
    @inline(never)
    private func heed(_ direction: Direction, _ operation: IOError.Operation) throws(IOError) {
        switch loop.state.table[id].notice {
        case .none: break
        case .endIdleReads:
            guard direction == .read, !loop.state.table.hasUnread(id) else { break }
            throw IOError(operation, .endOfStream)
        case .cancel: throw IOError(operation, .cancelled)
        }
    }

    /// When a park ends that begins with the socket idle since an instant.
    @inline(never)
    private func idleLimit(since start: Instant, _ deadline: Instant) -> Instant {
        min(deadline, start.advanced(byNanoseconds: idleTimeout))
    }

    @inline(__always)
    private func parkOnce(
        for direction: Direction, until deadline: Instant, in call: Call
    ) async -> Wakeup {
        if isOwner {
            return await loop.parkOwner(on: descriptor, for: direction, until: deadline, in: call)
        }
        return await loop.park(on: descriptor, for: direction, until: deadline, in: call)
    }

    /// Whether the calling task, which is the running job's, serves this connection.
    @inline(__always)
    private var isOwner: Bool { loop.state.table[id].owner == loop.state.task }

    /// Makes the calling task the socket's owner, whose cancellation its server passes on.
    ///
    /// Such a task is a child of the server's task group, so nothing else can cancel it, and its
    /// parks need not watch for that each by itself. Its own child tasks own nothing: they can be
    /// cancelled alone.
    func beginOwning(for server: ObjectIdentifier, endingIdleReads endsIdleReads: Bool) {
        // A loop that has ended owns nothing, and its table changes no more.
        guard loop.isCurrent else { return }
        loop.state.table.setOwner(of: id, to: loop.state.task, for: server)
        // A cancellation that was passed on before now did not find this task.
        loop.state.table[id].notice =
            Task.isCancelled ? .cancel : endsIdleReads ? .endIdleReads : .none
    }

    // Bytes may move where no call of this process shows it: in the other direction while one sits
    // out the idle timeout, and from the kernel's send buffer to the peer. The kernel is asked only
    // when the time has passed, and where a write cannot go on: not for each message. What has
    // moved since counts as moved now; so a connection lives for twice the timeout at most.

    /// Looks whether bytes moved while a park sat out the idle timeout.
    @inline(never)
    private func findActivity() -> Bool {
        guard loop.state.table.isOpen(id) else { return false }
        lookAtWaiting()
        let lastActive = loop.state.table[id].lastActive
        if lastActive.advanced(byNanoseconds: idleTimeout) > loop.state.turnStart { return true }
        loop.state.table[id].isStalled = loop.state.table[id].waiting > 0
        return false
    }

    /// Asks how much the peer has not acknowledged: when that is not what it was, bytes moved.
    @inline(never)
    private func lookAtWaiting() {
        guard let waiting = loop.waiting(at: descriptor),
            waiting != loop.state.table[id].waiting
        else { return }
        loop.state.table[id].waiting = waiting
        noteActivity()
    }

    /// Notes that bytes moved, for the idle timeout.
    @inline(__always)
    func noteActivity() {
        if idleTimeout != .max { loop.state.table[id].lastActive = loop.state.turnStart }
    }

    /// Makes a system call that does not wait, with its errors in terms of an operation.
    func attempt<Result>(
        _ operation: IOError.Operation, _ call: (RawDescriptor) throws(Errno) -> Result
    ) throws(IOError) -> Result {
        try checkOpen(operation)
        do throws(Errno) {
            return try call(descriptor)
        } catch {
            throw IOError(operation, .system(error))
        }
    }

    /// As `attempt`, from any thread: for calls that are too rare to deserve a short cut.
    func perform<Result: Sendable>(
        _ operation: IOError.Operation,
        _ call: @Sendable (any Sockets, RawDescriptor) throws(Errno) -> Result
    ) async throws(IOError) -> Result {
        try await loop.perform { () async throws(IOError) in
            try self.attempt(operation) { descriptor throws(Errno) in
                try call(self.loop.sockets, descriptor)
            }
        }
    }
}

/// How long to wait before asking again: 1 ms at first and 50 ms at last.
struct Pause {
    private var duration = Duration.milliseconds(1)

    /// The next pause; the one after it is longer.
    mutating func next() -> Duration {
        defer { duration = min(duration * 2, .milliseconds(50)) }
        return duration
    }
}

extension LoopExecutor {
    /// Runs `operation` on the loop's thread, wherever the calling task is, and goes back.
    @concurrent
    func perform<Result, Failure: Error>(
        _ operation: sending @concurrent () async throws(Failure) -> sending Result
    ) async throws(Failure) -> sending Result {
        try await withTaskExecutorPreference(self, operation: operation)
    }

    /// Opens a socket that belongs to this loop. The caller is on the loop's thread.
    func openSocket(
        for address: SocketAddress, as type: ConnectionType, _ operation: IOError.Operation
    ) throws(IOError) -> Socket {
        do throws(Errno) {
            let descriptor = try sockets.open(for: address, as: type)
            return Socket(adopting: descriptor, peer: address, on: self)
        } catch {
            throw IOError(operation, .system(error))
        }
    }
}
