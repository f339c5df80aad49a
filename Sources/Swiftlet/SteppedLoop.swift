import Drivers
import Syscalls

/// An event loop that somebody else turns, one step at a time, on a thread that turns others too.
///
/// A simulation has one for each host. Its owner claims it, turns it whenever it has work or
/// something is due, and ends it in two steps with turns between them. All of that on one thread.
package struct SteppedLoop: Sendable {
    private let executor: LoopExecutor
    /// The loop as its tasks see it.
    package let loop: EventLoop

    /// Makes a loop and claims it for the calling thread. Its driver's waits must not block.
    package init(driver: any Driver, sockets: any Sockets, witness: (any LoopWitness)?) {
        executor = LoopExecutor(driver: driver, sockets: sockets, witness: witness)
        loop = EventLoop(executor: executor, executors: [executor])
        executor.claim()
    }

    /// Whether a turn would run jobs or unpark somebody, whatever the driver says.
    package var hasWork: Bool { executor.hasRunnable || !executor.state.ready.isEmpty }

    /// When the next sleep or park is due, on the driver's clock; `.never` when there is none.
    package var nextDeadline: Instant { executor.state.deadlines.next }

    /// What the loop has done since it was made.
    package var statistics: LoopStatistics { executor.state.statistics }

    /// Makes one turn; throws what the driver's wait throws.
    package func turn() throws(Errno) { _ = try executor.turn { false } }

    /// Cancels what was spawned and resumes whoever is parked with `.loopEnded`.
    package func beginEnding() { executor.beginEnding() }

    /// Whether every task that was spawned has ended.
    package var isChildless: Bool { executor.isChildless }

    /// Closes every descriptor and lets the driver go.
    package func finishEnding() { executor.finishEnding() }
}
