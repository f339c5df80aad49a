import Syscalls

/// What other threads hand to a loop, until the loop takes it.
///
/// A plain value: its owner guards it with a lock, under which it also wakes the driver when told
/// to. One wake is enough until the loop has looked, so a thread that finds one pending adds and
/// goes. Because adding, waking and taking happen under the same lock, nothing is left lying
/// between the loop's last look and its wait.
struct Inbox {
    /// What may be asked of the loop.
    enum Request {
        case cancelPark(Ticket)
        /// Every task that serves a connection of this server is cancelled.
        case cancelHandlers(ObjectIdentifier)
        /// Every task that serves a connection of this server reads to the end of what is there.
        case endIdleReads(ObjectIdentifier)
        case cancelSleep(DeadlineQueue<Due>.Token)
        /// What a sleeping task waits for has come.
        case endSleep(DeadlineQueue<Due>.Token)
        case close(SocketID)
        /// A file that was closed: the task that is parked on it goes on.
        case endPark(OpenFile)
        case timer(Job, Duration)
        /// Another thread wants to know how the loop is.
        case inspect(Inquiry)
    }

    /// What came since the loop last looked.
    struct Mail {
        var jobs: [Job] = []
        var requests: [Request] = []
    }

    /// What adding asks the owner to do.
    enum Admission {
        /// The loop has ended: nothing was added.
        case closed
        /// The driver must be woken.
        case wake
        /// The loop looks by itself.
        case quiet
    }

    /// What is to be taken.
    private(set) var mail = Mail()
    private var isWakePending = false
    private var isClosed = false

    /// Adds a job from another thread.
    mutating func add(_ job: Job) -> Admission {
        if isClosed { return .closed }
        mail.jobs.append(job)
        return requestWake()
    }

    /// Adds a request. The loop's own thread needs no wake: it looks before it waits.
    mutating func add(_ request: Request, fromLoop: Bool) -> Admission {
        if isClosed { return .closed }
        mail.requests.append(request)
        return fromLoop ? .quiet : requestWake()
    }

    /// Asks for a wake, if none is under way.
    mutating func requestWake() -> Admission {
        if isClosed { return .closed }
        if isWakePending { return .quiet }
        isWakePending = true
        return .wake
    }

    /// Takes everything that came.
    mutating func take() -> Mail {
        isWakePending = false
        defer { mail = Mail() }
        return mail
    }

    /// Takes what is left; from now on nothing can be added.
    mutating func close() -> Mail {
        isClosed = true
        return take()
    }
}
