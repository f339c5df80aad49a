import Syscalls

/// Runs what a server does for one client or datagram: here and now, on a thread, in a process.
protocol Carrier {
    /// Readable when `tidy` has something to do; a negative number if that never is.
    var ended: RawDescriptor { get }
    /// Runs `work` with a client, which it closes afterwards; or without one.
    func carry(
        _ client: RawDescriptor?, _ work: @escaping @Sendable (RawDescriptor) -> Void
    ) throws(Errno)
    /// Forgets those that have ended.
    func tidy()
    /// Ends those that have not.
    func stop()
}

extension Carrier {
    var ended: RawDescriptor { RawDescriptor(-1) }
    func tidy() {}
    func stop() {}
}

/// One after the other: while one is served, all others wait.
struct Iterating: Carrier {
    func carry(
        _ client: RawDescriptor?, _ work: @escaping @Sendable (RawDescriptor) -> Void
    ) throws(Errno) {
        work(client ?? RawDescriptor(-1))
        client?.close()
    }
}

/// A thread for each. They share memory, so whatever they share needs a lock; here it is a count.
final class Threading: Carrier, Sendable {
    private let most: Int
    private let open = Guarded(0)

    init(_ most: Int) { self.most = most }

    func carry(
        _ client: RawDescriptor?, _ work: @escaping @Sendable (RawDescriptor) -> Void
    ) throws(Errno) {
        do throws(Errno) {
            guard open.withLock({ $0 < most }) else { throw .tooManyOpenFiles }
            open.withLock { $0 += 1 }
            let thread = try RunningThread.start(stackSize: 262_144) {
                work(client ?? RawDescriptor(-1))
                client?.close()
                self.open.withLock { $0 -= 1 }
            }
            thread.detach()
        } catch {
            client?.close()
            throw error
        }
    }
}

/// A process for each. They share nothing: one that crashes harms no other. The parent has to close
/// its own copy of the client's descriptor, or the client never sees the end, and to wait for each
/// child, or the dead ones fill the table of processes.
final class Forking: Carrier {
    private let most: Int
    private var children: Set<ForkedProcess> = []
    private let ends: Descriptor

    init(_ most: Int) throws(Errno) {
        self.most = most
        ends = try ForkedProcess.makeEndDescriptor()
    }

    var ended: RawDescriptor { ends.raw }

    func carry(
        _ client: RawDescriptor?, _ work: @escaping @Sendable (RawDescriptor) -> Void
    ) throws(Errno) {
        defer { client?.close() }
        guard children.count < most else { throw .tooManyOpenFiles }
        children.insert(
            try ForkedProcess.start {
                work(client ?? RawDescriptor(-1))
                ForkedProcess.leave()
            })
    }

    func tidy() {
        // A signal that nobody takes would keep the descriptor readable.
        _ = try? SignalSet.take(from: ends.raw)
        while let child = ForkedProcess.reapAny() { children.remove(child) }
    }

    func stop() {
        for child in children {
            child.kill()
            child.waitAndReap()
        }
    }
}
