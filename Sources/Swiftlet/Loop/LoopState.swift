import Drivers
import Syscalls

/// Everything of a loop that belongs to its thread.
///
/// One struct behind one pointer, so that "belongs to the loop's thread" is a property of the whole
/// and not of each field, and so that reaching a field costs a load and no dynamic check of
/// exclusive access.
struct LoopState: ~Copyable {
    /// Nil when the loop has ended.
    var driver: (any Driver)?
    var runQueue = RunQueue<Runnable>()
    /// The jobs of this turn.
    var batch: [Runnable] = []
    /// The loop inside whose turn the same thread turns this one; nil when there is none.
    var outer: UnsafeMutableRawPointer?
    /// The task whose job is running.
    var task: UInt = 0
    /// Where the sockets connect to that are not connected yet; looked up, never listed.
    var targets: [RawDescriptor: SocketAddress] = [:]
    /// The files of its Unix listeners.
    var socketFiles: [RawDescriptor: SocketFile] = [:]
    /// Why the running task goes on, if it was suspended at the gate.
    var wakeup: Wakeup = nil
    /// What the running task is about to be suspended for.
    var suspension = Suspension.none
    /// The call in which it is about to be.
    var call = Call("", 0)
    /// Its name, and those of the tasks that are parked: noted only where a witness watches.
    var name: String?
    var names: TaskNames = [:]
    var lot = ParkingLot<ParkedTask>()
    var deadlines = DeadlineQueue<Due>()
    /// The tasks that wait at meeting points.
    var waiters = WaiterTable()
    /// The tasks in `Task.sleep`, and the deadlines that wake them.
    var naps: [UInt: DeadlineQueue<Due>.Token] = [:]
    /// What the last wait found, in memory that every wait uses again.
    var ready: [Readiness] = []
    var table = SocketTable()
    var buffers = BufferPool()
    var statistics = LoopStatistics()
    /// How many calls of `select` began here, so that each of their choices has its turn.
    var selections: UInt = 0
    /// Completions at once that the running job may still have.
    var budget = LoopExecutor.completionsPerJob
    var jobsSinceLook = 0
    /// How many of those that run next were made runnable by the jobs of the last batch, and when
    /// the look before that batch ended.
    var leftByJobs = (count: 0, since: Instant.past)
    /// Whether `observe` is to be called for each job.
    var isObserved: Bool { witness != nil || measuresDelays }
    /// Whether it is measured how long each job waits for the thread.
    var measuresDelays = false
    /// The clock as it was when the last wait ended; read once a turn.
    var turnStart: Instant
    var lookout = Lookout()
    /// When an error that no code handles may be said again, and how many were not said meanwhile.
    var nextComplaint = Instant.past
    var errorsUnsaid = 0
    var isEnding = false
    /// Whether the driver is to be told what is used up.
    let driverHeedsUse: Bool
    /// What watches the loop and orders what it does; nil outside of a simulation.
    let witness: (any LoopWitness)?

    /// What is to be told of the task that parks now.
    var stay: Stay { Stay(call: call, since: turnStart) }

    init(driver: any Driver, witness: (any LoopWitness)?) {
        self.driver = driver
        driverHeedsUse = driver.heedsUse
        self.witness = witness
        turnStart = driver.now
    }
}

/// Knows until when all that was ready has been told, so that nothing expires that is ready.
///
/// A driver may tell a part now and the rest later. A look that tells fewer than it must at least
/// has told all. When there is always more, all that was ready at the beginning of a round has been
/// told by the time that as many were told as there are descriptors.
struct Lookout {
    /// What a look tells at least, if that many are ready: see the contract of `Driver`.
    static let leastPerLook = 256

    /// What was ready before this instant has been told.
    private(set) var clearUntil = Instant.past
    private var roundStart = Instant.past
    private var told = 0

    /// Notes that a wait, which was a look or not, began at an instant and told so many.
    mutating func note(
        _ isLook: Bool, at start: Instant, finding count: Int, amongAtMost descriptors: Int
    ) {
        if told == 0 { roundStart = start }
        told += count
        if isLook, count < Lookout.leastPerLook {
            clearUntil = start
        } else if told > descriptors {
            clearUntil = roundStart
        } else {
            return
        }
        told = 0
    }
}

/// A job that can run, and why its task goes on.
struct Runnable {
    let job: Job
    let wakeup: Wakeup
}

/// What a task that goes to the gate waits for.
enum Suspension {
    case none
    case park(Ticket, until: Instant)
    case sleep(DeadlineQueue<Due>.Token, Awaited)
    case wait(Waiter)
}

/// What a task sleeps for, beside its deadline.
enum Awaited {
    /// Nothing else.
    case time
    /// Work that another thread does.
    case work

    /// As it follows the word "waits".
    var purpose: String {
        switch self {
        case .time: "for its time to come"
        case .work: "for a thread to do its work"
        }
    }
}

/// A task that is parked on a descriptor: how to go on with it, and the deadline that it parked
/// with.
struct ParkedTask {
    let job: Job
    let timer: DeadlineQueue<Due>.Token
}

/// A sleeping task.
struct Sleeper {
    let job: Job
    let stay: Stay
    let awaited: Awaited
}

/// What is due at a deadline.
enum Due {
    /// A park on a descriptor times out.
    case park(Ticket)
    /// A sleep is over; nil between its reservation and its suspension.
    case sleep(Sleeper?)
    /// A wait at a meeting point times out.
    case wait(Waiter)
    /// A timer of the standard library's `Task.sleep`, and the task that sleeps.
    case timer(Job, of: UInt)
    /// What a loop that is ending still waits for is said, for the first time or after so long.
    case reminder(Duration)
}

/// What is runnable, in the order in which it became so.
///
///     waiting   [ item item item … ]     what came since the batch was taken
///     batch     [ item item … ]          what runs now, in memory that the next batch uses again
///
/// Two arrays that change places: taking a batch takes all that waits, and what becomes runnable
/// meanwhile waits for the next one. Nothing is allocated once both are as long as a batch gets.
struct RunQueue<Item> {
    private var waiting: [Item] = []

    /// How many wait.
    var count: Int { waiting.count }
    var isEmpty: Bool { waiting.isEmpty }

    /// All that wait, in their order.
    var all: [Item] { waiting }

    /// Puts an item at the end.
    mutating func enqueue(_ item: Item) { waiting.append(item) }

    /// Takes everything that waits, and leaves the memory of `batch` to what comes.
    mutating func takeAll(into batch: inout [Item]) {
        batch.removeAll(keepingCapacity: true)
        swap(&waiting, &batch)
    }

    /// Puts back the end of a batch, from an index on, before what waits.
    mutating func putBack(from start: Int, of batch: inout [Item]) {
        waiting.insert(contentsOf: batch[start...], at: 0)
        batch.removeSubrange(start...)
    }
}
