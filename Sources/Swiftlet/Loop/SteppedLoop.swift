import Drivers
import Syscalls

/// An event loop that somebody else turns, one step at a time, on a thread that turns others too.
///
/// A simulation has one for each host. It is the thread's own only while it is turned. So what the
/// task of another host asks of it comes as it would from another thread, through the inbox and
/// with a wake; its owner turns it when its driver was woken, and not because it may look
/// inside.
///
/// Whoever makes it owns it: everything here is called on that one thread.
package struct SteppedLoop: Sendable {
    private let executor: LoopExecutor
    /// The loop as its tasks see it.
    package let loop: EventLoop

    /// Makes a loop whose driver's waits must not block.
    package init(driver: any Driver, sockets: any Sockets, witness: (any LoopWitness)?) {
        executor = LoopExecutor(driver: driver, sockets: sockets, witness: witness)
        loop = EventLoop(executor: executor, executors: [executor])
    }

    /// Whether a turn would run jobs or unpark somebody, whatever the driver says.
    package var hasWork: Bool {
        !executor.state.runQueue.isEmpty || !executor.state.ready.isEmpty
    }

    /// When the next sleep or park is due, on the driver's clock; `.never` when there is none.
    package var nextDeadline: Instant { executor.state.deadlines.next }

    /// What the loop has done since it was made.
    package var statistics: LoopStatistics { executor.state.statistics }

    /// What the tasks of the loop wait for, between two turns.
    package var parkReports: [ParkReport] { executor.parkReports() }

    /// Makes one turn; throws what the driver's wait throws.
    package func turn() throws(Errno) {
        executor.claim()
        defer { executor.release() }
        _ = try executor.turn { false }
    }

    /// Cancels what was spawned and resumes whoever is parked with `.loopEnded`.
    ///
    /// A task of the loop itself may ask for it, in the middle of a turn.
    package func beginEnding() {
        let isTurning = executor.isCurrent
        if !isTurning { executor.claim() }
        defer { if !isTurning { executor.release() } }
        executor.beginEnding()
    }

    /// Whether every task that was spawned has ended.
    package var isChildless: Bool { executor.isChildless }

    /// Closes every descriptor and lets the driver go.
    package func finishEnding() {
        executor.claim()
        executor.finishEnding()
    }
}
