import Synchronization
import Syscalls

/// The loops of one `EventLoop.run`: the first on the calling thread, each other one on a thread of
/// its own.
///
/// They end together:
///
///     the body ends, or a loop fails and the body is cancelled
///       → each loop cancels what was spawned on it and resumes what is parked
///         (LoopExecutor+Ending.swift)
///       → each loop turns until the body and its own children have ended, and says so here
///       → when all have said so, each drains, closes what it holds, and its thread ends
///
/// So no loop goes as long as a task of another one may need it.
final class LoopRun: Sendable {
    let loops: [LoopExecutor]
    private let bodyEnd = Latch()
    /// Loops that have not said that their children have ended.
    private let busyLoops: Atomic<Int>
    /// What went wrong first.
    private let failure = Guarded<IOError?>(nil)

    init(_ loops: [LoopExecutor]) {
        self.loops = loops
        busyLoops = Atomic(loops.count)
    }

    /// Whether the body has ended.
    var hasBodyEnded: Bool { bodyEnd.isSet }

    /// Whether the body and all that was spawned on any loop have ended.
    var isOver: Bool { busyLoops.load(ordering: .acquiring) == 0 }

    /// Notes that the body has ended.
    func endBody() {
        bodyEnd.set()
        wakeOthers()
    }

    /// Notes that the children of so many more loops have ended, after the body.
    func endChildren(ofLoops count: Int) {
        let busy = busyLoops.subtract(count, ordering: .acquiringAndReleasing).newValue
        if busy == 0 { wakeOthers() }
    }

    /// Turns all loops until `body`, a task of the first one, has ended and nothing is left of it.
    ///
    /// When a thread cannot be started, `body` is cancelled before any of it runs.
    func drive(_ body: Task<Void, Never>) throws(IOError) {
        var threads: [RunningThread] = []
        for loop in loops.dropFirst() {
            do throws(Errno) {
                threads.append(try .start { self.drive(loop, body) })
            } catch {
                fail(IOError(.spawn, .system(error)), body)
                break
            }
        }
        // No task is on a loop that has no thread.
        endChildren(ofLoops: loops.count - 1 - threads.count)
        MainActorHost.begin(on: loops[0])
        drive(loops[0], body)
        for thread in threads { thread.join() }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private func drive(_ loop: LoopExecutor, _ body: Task<Void, Never>) {
        do throws(Errno) {
            try loop.run(until: bodyEnd)
        } catch {
            fail(IOError(.wait, .system(error)), body)
        }
        loop.end(in: self)
    }

    private func fail(_ error: IOError, _ body: Task<Void, Never>) {
        failure.withLock { $0 = $0 ?? error }
        body.cancel()
    }

    private func wakeOthers() {
        for loop in loops where !loop.isCurrent { loop.wake() }
    }
}

/// Something that has happened or has not, for any thread to see.
final class Latch: Sendable {
    private let state = Atomic(false)
    var isSet: Bool { state.load(ordering: .acquiring) }
    func set() { state.store(true, ordering: .releasing) }
}
