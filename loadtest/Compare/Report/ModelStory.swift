/// Why each model behaves as it does, a paragraph each: what it pays for when everybody talks, and
/// what when hardly anybody does.
enum ModelStory {
    /// Of a driver where the model is the coroutine, which has a paragraph of its own. Nil for
    /// somebody else's server, of which nothing is known here.
    static func paragraph(of kind: CompareRecord.Arm.Kind) -> String? {
        switch kind {
        case .foreign: nil
        case .bundled("coroutine", let driver): drivers[driver]
        case .bundled(let model, _): models[model]
        }
    }

    static let coroutine =
        "One thread, and a handler for each connection that reads as if it blocked. Where a loop "
        + "written by hand calls the code for a ready descriptor, this one resumes a parked task: "
        + "that is the whole difference, and what it costs is the line about looking blocking."

    private static let drivers = [
        "epoll":
            "Readiness comes from epoll, so silent connections cost nothing; a steady echo is one "
            + "recv and one send, and the wait is shared by all that is ready.",
        "poll":
            "Readiness comes from poll, which is handed every descriptor at each wait. When "
            + "everybody talks, many are ready and share that price; when few do, each message "
            + "pays for all the silent ones.",
        "select":
            "Readiness comes from select, which goes through a bit for every descriptor number up "
            + "to the highest. The price is that of poll: shared when everybody talks, and paid "
            + "for the silent ones when few do.",
        "io_uring":
            "Readiness comes from io_uring as completions of poll requests, submitted together "
            + "with the wait. It saves system calls for asking; the bytes still go through recv "
            + "and send.",
    ]

    private static let models = [
        "iterative":
            "Accepts one client, serves it to its end, and accepts the next. Nothing is cheaper "
            + "for one message of one client: two system calls that block, and no question of who "
            + "is ready. The second client waits until the first has left, which is why it is "
            + "measured with one connection.",
        "fork":
            "A process for each connection. The code is as simple as that of one client. Each "
            + "connection pays for page tables, a stack and a kernel's process; each message for "
            + "a context switch into another address space.",
        "threads":
            "A thread for each connection, in one address space. A switch costs less than between "
            + "processes, and memory is a stack and what the kernel keeps for a thread. When "
            + "everybody talks, nearly each message wakes another thread; silent connections cost "
            + "memory and no CPU.",
        "sweep":
            "Tries every socket in turn without asking who is ready, and pauses shortly when "
            + "nothing moved. When everybody talks, hardly a try is in vain. When nobody does, it "
            + "burns CPU for nothing, and a message waits for the pause to end.",
        "select":
            "A loop written by hand over select. The kernel and the loop go through a bit for "
            + "every descriptor number at each wait: cheap where most are ready, and paid for "
            + "silence where they are not. Numbers above its set need a larger one.",
        "poll":
            "A loop written by hand over poll. The kernel looks at every descriptor at each wait, "
            + "and the loop at every answer. When everybody talks the price is shared by many "
            + "messages; when few do, each message pays for all the silent connections.",
        "epoll":
            "A loop written by hand over epoll, level-triggered. The kernel keeps the list of who "
            + "is interesting, and a wait returns who is ready: the price follows what talks, not "
            + "what is there.",
        "epoll-et":
            "A loop written by hand over epoll, edge-triggered: a descriptor is reported when "
            + "something arrives, so it has to be read until it is dry, and that last read in vain "
            + "costs a system call. A bound keeps one client from starving the others.",
        "io_uring":
            "A loop over completions: one multishot request accepts, one receives for each "
            + "connection into buffers that the kernel picks, and answers are submitted in "
            + "batches with the wait. It makes few system calls a message; the work inside of "
            + "them, most of it the network's, stays.",
    ]
}
