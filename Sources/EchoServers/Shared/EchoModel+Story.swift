import Drivers

// What is known of each model beside how it serves: the system call that proves it, and why it
// behaves as it does. `loadtest compare` tells it.

extension EchoModel {
    /// The call that this model stands for, which its counters must show: the wait of its loop, or
    /// what stands in its place.
    package func ownCall(over driver: DriverKind) -> String {
        switch self {
        case .coroutine: driver.waitCall
        case .iterative, .sweep: "recv"
        case .fork: "fork"
        case .threads: "pthread_create"
        case .select: DriverKind.select.waitCall
        case .poll: DriverKind.poll.waitCall
        case .epoll, .epollEdge: DriverKind.epoll.waitCall
        case .ioUring: DriverKind.ioUring.waitCall
        }
    }

    /// The calls that tell the models apart: all of them receive, and only some do one of these.
    package static let tellingCalls = Set(
        allCases.map { $0.ownCall(over: .poll) } + DriverKind.allCases.map(\.waitCall)
    ).subtracting(["recv"])

    /// Whether each client costs a process or a thread, of which a machine has only so many.
    package var needsTaskForEachClient: Bool { self == .fork || self == .threads }

    /// Why it behaves as it does: what it pays for when all clients talk, and what when hardly one
    /// does.
    package var story: String { EchoModel.stories[self] ?? "" }

    /// The same of a driver of the coroutine.
    package static func story(ofCoroutineOver driver: DriverKind) -> String {
        switch driver {
        case .epoll:
            "Readiness comes from epoll, so silent connections cost nothing; a steady echo is one "
                + "recv and one send, and the wait is shared by all that is ready."
        case .poll:
            "Readiness comes from poll, which is handed every descriptor at each wait. When all "
                + "clients talk, many are ready and share that price; when few do, each message "
                + "pays for all the silent ones."
        case .select:
            "Readiness comes from select, which goes through a bit for every descriptor number "
                + "up to the highest. The price is that of poll: shared when all talk, and "
                + "paid for the silent ones when few do."
        case .ioUring:
            "Readiness comes from io_uring as completions of poll requests, submitted together "
                + "with the wait. It saves system calls for asking; the bytes still go through "
                + "recv and send."
        }
    }

    private static let stories: [EchoModel: String] = [
        .coroutine:
            "One thread, and a handler for each connection that reads as if it blocked. Where a "
            + "loop written by hand calls the code for a ready descriptor, this one resumes a "
            + "parked task: that is the whole difference, and what it costs is the line about "
            + "looking blocking.",
        .iterative:
            "Accepts one client, serves it to its end, and accepts the next. Nothing is cheaper "
            + "for one message of one client: two system calls that block, and no question of "
            + "which client is ready. The second client waits until the first has left, which is "
            + "why it is measured with one connection.",
        .fork:
            "A process for each connection. The code is as simple as that of one client. Each "
            + "connection pays for page tables, a stack and a kernel's process; each message for "
            + "a context switch into another address space.",
        .threads:
            "A thread for each connection, in one address space. A switch costs less than between "
            + "processes, and memory is a stack and what the kernel keeps for a thread. When all "
            + "clients talk, nearly each message wakes another thread; silent connections cost "
            + "memory and no CPU.",
        .sweep:
            "Tries every socket in turn without asking which is ready, and pauses shortly when "
            + "nothing moved. When all clients talk, hardly a try is in vain. When none does, it "
            + "burns CPU for nothing, and a message waits for the pause to end.",
        .select:
            "A loop written by hand over select. The kernel and the loop go through a bit for "
            + "every descriptor number at each wait: cheap where most are ready, and paid for "
            + "silence where they are not. Numbers above its set need a larger one.",
        .poll:
            "A loop written by hand over poll. The kernel looks at every descriptor at each wait, "
            + "and the loop at every answer. When all clients talk the price is shared by many "
            + "messages; when few do, each message pays for all the silent connections.",
        .epoll:
            "A loop written by hand over epoll, level-triggered. The kernel keeps the list of what "
            + "is watched, and a wait returns what is ready: the price follows what talks, not "
            + "what is there.",
        .epollEdge:
            "A loop written by hand over epoll, edge-triggered: a descriptor is reported when "
            + "something arrives, so it has to be read until it is dry, and that last read in vain "
            + "costs a system call. A bound keeps one client from starving the others.",
        .ioUring:
            "A loop over completions: one multishot request accepts, one receives for each "
            + "connection into buffers that the kernel picks, and answers are submitted in "
            + "batches with the wait. It makes few system calls a message; the work inside of "
            + "them, most of it the network's, stays.",
    ]
}
