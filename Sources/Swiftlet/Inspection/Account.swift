import Syscalls

/// What inspection tells of one thing: what it is, what it is called, and its figures.
///
/// Each kind of thing lists its figures once; from that list text, JSON and metrics are written.
struct Account: Sendable {
    /// Of all accounts of one inspection, this thing's own.
    let identity: ObjectIdentifier
    /// "semaphore", "server".
    let kind: String
    /// What tells it from others of its kind, by the name that the label of its metrics has.
    let label: Label
    /// Where it was made; nil where that is not known.
    var place: String?
    /// Whether it is told as a metric, too: what has no name has no series that goes on.
    var isNamed = true
    var figures: [Figure]
    /// The tasks that hold what it gives out, as far as they are told.
    var holders: [String] = []

    struct Label: Sendable {
        let key: String
        let value: String
    }

    /// An account of what tasks wait at.
    init(
        of point: any MeetingPoint, _ kind: String, _ name: String?, _ call: Call,
        _ figures: [Figure], holders: [String] = []
    ) {
        identity = ObjectIdentifier(point)
        self.kind = kind
        label = Label(key: "name", value: name ?? call.place)
        place = call.place
        isNamed = name != nil
        self.figures = figures
        self.holders = holders
    }

    init(of thing: AnyObject, _ kind: String, _ label: Label, _ figures: [Figure]) {
        identity = ObjectIdentifier(thing)
        self.kind = kind
        self.label = label
        self.figures = figures
    }
}

/// One number of an account, or a histogram.
struct Figure: Sendable {
    /// In small letters, with the unit last: "read_bytes", "idle_timeout_seconds".
    let name: String
    /// Of a histogram, how many were counted.
    let value: Double
    /// What it counts or measures, as a sentence.
    let help: String
    /// Whether it only ever grows.
    var isTotal = false
    /// How long something took, in nanoseconds; nil where the figure is one number.
    var histogram: LatencyHistogram?

    init(_ name: String, _ value: Int, _ help: String) {
        self.name = name
        self.value = Double(value)
        self.help = help
    }

    init(_ name: String, _ value: Duration, _ help: String) {
        self.name = name
        self.value = value / .seconds(1)
        self.help = help
    }

    init(_ name: String, _ histogram: LatencyHistogram, _ help: String) {
        self.init(name, histogram.count, help)
        self.histogram = histogram
    }

    /// A number that only ever grows.
    static func total(_ name: String, _ value: Int, _ help: String) -> Figure {
        var figure = Figure(name, value, help)
        figure.isTotal = true
        return figure
    }
}

/// What keeps an account of itself.
protocol Accountable: AnyObject, Sendable {
    /// The account as it stands; `names` are those of tasks. From any thread.
    func account(_ names: TaskNames) -> Account
}

extension LoopStatistics {
    /// What the loop has done, a figure for each counter.
    var figures: [Figure] {
        [
            .total("turns", turns, "Passes of the loop."),
            .total("waits", waits, "Waits of the driver, each one system call."),
            .total("jobs", jobs, "Jobs run: what a task does between two suspensions."),
            .total("posted_jobs", postedJobs, "Jobs that other threads handed to the loop."),
            .total("connections", connections, "Connections that servers were given."),
            .total("parks", parks, "Tasks parked on a descriptor."),
            .total("spurious_wakes", spuriousWakes, "Readiness with no task parked on it."),
            .total("would_blocks", wouldBlocks, "Socket calls that had nothing to do."),
            .total("interest_changes", interestChanges, "Interest given to the driver or back."),
            .total("receives", receives, "Calls that received or tried to receive."),
            .total("sends", sends, "Calls that sent or tried to send."),
            .total("unhandled_errors", unhandledErrors, "Errors that no code handled."),
            .total("read_bytes", bytesRead, "Bytes received by connections."),
            .total("written_bytes", bytesWritten, "Bytes that the kernel took of connections."),
            Figure(
                "longest_turn_seconds", .nanoseconds(longestTurn),
                "The longest time without a look at the descriptors."),
            Figure("turn_seconds", turnLengths, "Time without a look at the descriptors."),
            Figure(
                "delay_seconds", delays,
                "Time that jobs waited for the thread, since EventLoop.measureDelays was called."),
        ]
    }
}
