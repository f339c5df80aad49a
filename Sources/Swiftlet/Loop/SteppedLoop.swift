import Drivers
import Syscalls

/// An event loop that its owner turns, one step at a time, on a thread that turns others too.
///
/// A simulation has one for each host. It is the thread's own only while it is turned. So what the
/// task of another host asks of it comes as it would from another thread, through the inbox and
/// with a wake; its owner turns it when its driver was woken, and not because it may look
/// inside.
///
/// Everything here is called on the one thread that made it.
package struct SteppedLoop: Sendable {
    private let executor: LoopExecutor
    /// The loop as its tasks see it.
    package let loop: EventLoop

    /// Makes a loop whose driver's waits must not block.
    package init(driver: any Driver, sockets: any Sockets, witness: (any LoopWitness)?) {
        executor = LoopExecutor(
            driver: driver, sockets: sockets, witness: witness, log: LoopMessage.say)
        loop = EventLoop(executor: executor, executors: [executor])
    }

    /// Whether a turn would run jobs or unpark a task, whatever the driver says.
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

    /// Cancels what was spawned and resumes what is parked with `.loopEnded`.
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

/// What watches a loop and decides what it leaves open: a simulation.
///
/// A loop without one runs its jobs in the order in which they became runnable, and says nothing.
package protocol LoopWitness: AnyObject {
    /// A number from 0 up to but not including `bound`, which is at least 1: what comes next where
    /// the order is free.
    func choose(below bound: Int) -> Int

    /// How many nanoseconds a sleep of the standard library lasts, of which `delay` is left by the
    /// clock that it was made from.
    func settle(_ delay: Int64) -> Int64

    /// Hears of a step of the loop, on the loop's thread.
    func saw(_ step: LoopStep)
}

/// The identity of a task: a number that no other task of the process ever has.
package struct TaskID: Hashable, Sendable {
    /// The number that the standard library gave it.
    package let number: UInt64
}

/// What a loop does with a task.
package enum LoopStep: Sendable {
    /// A job of the task runs.
    case ran(TaskID)
    /// The task came to the gate and is suspended, in a call; its name if it has one.
    ///
    /// A call is the address of a text: its `place` is what is the same in every run.
    case parked(TaskID, on: ParkedOn, until: Instant, in: Call, name: String?)
    /// What the task waited for has come, or will never come: it is runnable.
    case unparked(TaskID, because: Wakeup)
    /// A job of the task came through the inbox: from another host, or from another thread.
    case posted(TaskID)
    /// A task that was started in a call ended with an error that no code handles.
    case failed(name: String, in: Call, with: any Error)
}

/// What a task that is suspended at the gate waits for.
package enum ParkedOn: Sendable {
    case descriptor(RawDescriptor, Direction)
    /// A listener, for a connection.
    case listener(RawDescriptor)
    case sleep
    /// What tasks wait at for one another, in an operation.
    case meetingPoint(IOError.Operation)
}

extension LoopWitness {
    /// As long as it says.
    package func settle(_ delay: Int64) -> Int64 { delay }
}

extension LoopExecutor {
    /// Puts the batch in the order that the witness chooses, and now and then leaves a part of it
    /// to the next turn, so that what becomes runnable meanwhile can come first.
    func rearrange(by witness: any LoopWitness) {
        guard state.batch.count > 1 else { return }
        for last in stride(from: state.batch.count - 1, to: 0, by: -1) {
            state.batch.swapAt(last, witness.choose(below: last + 1))
        }
        guard witness.choose(below: 4) == 0 else { return }
        let kept = 1 + witness.choose(below: state.batch.count - 1)
        state.runQueue.putBack(from: kept, of: &state.batch)
    }
}
