import Generator
import Processes
import Reports
import Syscalls

/// A server with all of its connections, alive beside those of the other arms: loaded for a slice,
/// and then silent until its next one.
///
/// A server that is busy in silence would take from the others what it burns. It is stopped
/// (`SIGSTOP`) between its slices: a stopped process uses no CPU, and its own is read when it
/// already stands and when it stands again, so that all that it does in a slice counts.
final class LiveArm {
    let server: ArmServer
    private var load: HeldLoad?
    /// All of its processes.
    private var tree: ProcessTree
    /// Its processes where they are stopped between slices; else none.
    private var halting: [ProcessTree.Member] = []
    /// What it takes to be there.
    private(set) var presence: [Reading: Double]
    /// Whether memory that its processes share was divided between them.
    let isMemoryDivided: Bool

    /// From this share of a processor on, what a server does in silence would disturb the others.
    private static let silentMax = 0.005

    /// What a slice gave.
    struct Slice {
        var readings: [Reading: Double] = [:]
        /// Those that are known only from below.
        var lowerBounds: Set<Reading> = []
        var doubts: [String] = []
        var answered = 0
    }

    /// Starts a server, looks at its memory, opens its connections, and listens to its silence.
    init(_ start: ArmStart, silence: Duration) throws(ArmFailure) {
        server = try start.server()
        let idle = ProcessTree(of: server.process.id).memory
        load = try start.open(server)
        tree = try start.settle(server)
        let (before, began) = (tree.cpuNanoseconds, Instant.now)
        try start.interrupts.wait(silence)
        let elapsed = Double(max(1, began.nanoseconds(to: .now)))
        let idleShare = Double(tree.cpuNanoseconds - before) / elapsed
        let open = tree.memory
        let size = tree.size
        isMemoryDivided = open.isDivided && idle.isDivided
        presence = [
            .idleMemory: Double(idle.total), .idleCPU: idleShare,
            // More of a program in RAM than before is no connection's. A server that gave memory
            // back meanwhile needed none.
            .connectionMemory: Double(max(0, open.anonymous - idle.anonymous))
                / Double(start.connections),
            .threads: Double(size.threads), .processes: Double(size.processes),
        ]
        if idleShare > LiveArm.silentMax {
            halting = tree.members.compactMap(ProcessTree.Member.init)
            send(signal: ChildProcess.halt)
        }
    }

    /// Whether it is stopped between slices.
    var isHalting: Bool { !halting.isEmpty }

    private func send(signal: CInt) { for member in halting { member.send(signal: signal) } }

    // Slices.

    /// All connections busy.
    func runBusy(for duration: Duration) throws(ArmFailure) -> Slice {
        let (slice, cpu) = try awake { load throws(HeldLoad.Failure) in
            try load.runBusy(for: duration)
        }
        var result = Slice(answered: slice.answered)
        result.noteLost(slice)
        result.readings[.rate] = slice.rate
        result.take(.cpu, cpu)
        // The generator had no time to spare, and the server had.
        if slice.cpu > 0.9 * slice.seconds, (cpu ?? 0) < 0.9 * slice.seconds {
            result.lowerBounds = [.rate]
        }
        return result
    }

    /// The same while its context switches are counted, which takes time of its own.
    func runCounting(for duration: Duration) throws(ArmFailure) -> Slice {
        var switches = ContextSwitches(of: tree)
        switches.begin()
        var slice = try runBusy(for: duration)
        slice.readings = [:]
        if let count = switches.sinceBeginning {
            slice.readings[.switches] = count / Double(max(1, slice.answered))
        }
        return slice
    }

    /// Every connection at a rate that is the same for all arms.
    func runFixed(_ rate: Double, for duration: Duration, seed: UInt64) throws(ArmFailure) -> Slice
    {
        let (slice, _) = try awake { load throws(HeldLoad.Failure) in
            try load.runPlanned(rate: rate, on: .max, for: duration, seed: seed)
        }
        var result = Slice(answered: slice.answered)
        result.noteLost(slice)
        result.take(.p50, at: 0.5, of: slice)
        result.take(.p99, at: 0.99, of: slice)
        return result
    }

    /// Most connections silent, a few talk at a rate that is the same for all arms.
    func runSparse(
        _ rate: Double, on count: Int, for duration: Duration, seed: UInt64
    ) throws(ArmFailure) -> Slice {
        let (slice, cpu) = try awake { load throws(HeldLoad.Failure) in
            try load.runPlanned(rate: rate, on: count, for: duration, seed: seed)
        }
        var result = Slice(answered: slice.answered)
        result.noteLost(slice)
        result.take(.sparseCPU, cpu)
        result.take(.sparseP99, at: 0.99, of: slice)
        return result
    }

    /// Runs a slice, and says how much CPU the server took for it, in seconds: nil where processes
    /// came or went, as those take their CPU time with them, and where the clock did not move.
    private func awake(
        _ run: (HeldLoad) throws(HeldLoad.Failure) -> HeldLoad.Slice
    ) throws(ArmFailure) -> (HeldLoad.Slice, cpu: Double?) {
        let (tree, before) = (tree, tree.cpuNanoseconds)
        send(signal: ChildProcess.goOn)
        let slice = try server.explaining { () throws(HeldLoad.Failure) in
            guard let load else { return HeldLoad.Slice() }
            return try run(load)
        }
        send(signal: ChildProcess.halt)
        // The look gives the server time to sleep: the clock of a process that runs is behind.
        let isUnchanged = isUnchanged()
        let cpu = tree.cpuNanoseconds - before
        return (slice, cpu: isUnchanged && cpu > 0 ? Double(cpu) / 1e9 : nil)
    }

    /// Looks whether its processes are still the same; else goes on with those that are there.
    private func isUnchanged() -> Bool {
        let now = ProcessTree(of: server.process.id)
        if now == tree { return true }
        tree = now
        if isHalting {
            halting = tree.members.compactMap(ProcessTree.Member.init)
            send(signal: ChildProcess.halt)
        }
        return false
    }

    /// Its processes.
    var processes: [CInt] { tree.members }

    /// Closes its connections and stops it.
    func stop() throws(ArmFailure) -> ArmServer.Ended {
        load = nil
        send(signal: ChildProcess.goOn)
        return try server.stop()
    }
}

extension LiveArm.Slice {
    /// Doubts a slice in which datagrams were lost: their connections were silent from then on.
    fileprivate mutating func noteLost(_ slice: HeldLoad.Slice) {
        let share = Double(slice.lost) / Double(max(1, slice.lost + slice.answered))
        if share > 0.001 { doubts.append("more than 0.1 % of the datagrams were lost") }
    }

    /// Keeps CPU time, in seconds, for each message; none that is not known.
    fileprivate mutating func take(_ reading: Reading, _ cpu: Double?) {
        if let cpu {
            readings[reading] = cpu / Double(max(1, answered))
        } else {
            doubts.append(
                "the CPU time of a slice is not known: processes came or went, or the clock stood")
        }
    }

    /// Keeps a quantile of the response, in seconds; one that depends on requests that were given
    /// up is known only from below.
    fileprivate mutating func take(
        _ reading: Reading, at quantile: Double, of slice: HeldLoad.Slice
    ) {
        guard let value = slice.response.value(at: quantile) else { return }
        readings[reading] = Double(value.nanoseconds) / 1e9
        if value.isLowerBound { lowerBounds.insert(reading) }
        let doubt = "the generator sent more than 5 % of the requests late"
        if slice.late > 0.05, !doubts.contains(doubt) { doubts.append(doubt) }
    }
}

/// How a server of an arm is started and connected, for the proof and for its life.
struct ArmStart {
    let contender: Contender
    let transport: Transport
    let connections: Int
    let size: Int
    let seed: UInt64
    /// How long a server may take until it serves.
    let timeout: Duration
    let placement: Placement
    let interrupts: Interrupts
    let lookout: Lookout

    /// How long opening all connections and the first answer on the last may take.
    private static let opening = Duration.seconds(30)
    /// How long the last answer of a slice may take: on a machine that does not keep up with the
    /// fixed rate, all that was asked is still answered before the next slice.
    private static let answer = Duration.seconds(30)
    /// The same where it may be lost: then the slice ends so much later.
    private static let datagramAnswer = Duration.milliseconds(200)

    /// Starts a process.
    func server() throws(ArmFailure) -> ArmServer {
        let server = try placement.starting { () throws(ArmFailure) in
            try ArmServer.start(contender, over: transport, within: timeout, interrupts)
        }
        lookout.add(server.process)
        return server
    }

    /// Opens all connections.
    func open(_ server: ArmServer) throws(ArmFailure) -> HeldLoad {
        try interrupts.check()
        var plan = transport.plan
        plan.target = server.process.address
        plan.connections = connections
        plan.size = .fixed(size)
        plan.seed = seed
        plan.connectTimeout = ArmStart.opening
        plan.timeout = plan.socket == .stream ? ArmStart.answer : ArmStart.datagramAnswer
        return try server.explaining { () throws(HeldLoad.Failure) in
            try HeldLoad(opening: plan, looking: lookout.look)
        }
    }

    /// Waits until the number of the server's processes and threads holds still, and gives them.
    func settle(_ server: ArmServer) throws(ArmFailure) -> ProcessTree {
        var last = ProcessTree.Size()
        var looks = 0
        for _ in 0..<Self.looksMax where looks < Self.looksAlike {
            try interrupts.wait(Self.look)
            let size = ProcessTree(of: server.process.id).size
            looks = size == last ? looks + 1 : 0
            last = size
        }
        return ProcessTree(of: server.process.id)
    }

    /// Between two looks, how many alike mean that it holds still, and how many there are at most.
    private static let look = Duration.milliseconds(20)
    private static let (looksAlike, looksMax) = (2, 250)

    // Before the slices.

    /// So many times longer a probe is at most, where a server is slow.
    private static let stretchMax = 8

    /// Finds out what the arm can do, in one process, and what its connections take, in another.
    func probe(for duration: Duration) throws(ArmFailure) -> ArmProbe {
        let busy = try live { load throws(HeldLoad.Failure) in
            var slice = try load.runBusy(for: duration)
            // Enough to tell the calls of messages from those of connections.
            for _ in 0..<ArmStart.stretchMax where slice.answered < 4 * connections {
                slice.add(try load.runBusy(for: duration))
            }
            return slice
        }
        let setUp = try live { load throws(HeldLoad.Failure) in try load.runOnce() }
        return ArmProbe(
            rate: busy.slice.rate, cpu: busy.cpu / Double(max(1, busy.slice.answered)),
            callsPerMessage: ServerLife(busy.calls, messages: busy.slice.answered)?
                .callsPerMessage(
                    beyond: ServerLife(setUp.calls, messages: setUp.slice.answered)),
            calls: (busy.calls ?? [:]).merging(setUp.calls ?? [:], uniquingKeysWith: +))
    }

    /// The life of a process: started, connected, loaded once, and stopped.
    private func live(
        _ run: (HeldLoad) throws(HeldLoad.Failure) -> HeldLoad.Slice
    ) throws(ArmFailure) -> (slice: HeldLoad.Slice, cpu: Double, calls: [String: Int]?) {
        let server = try server()
        var load: HeldLoad? = try open(server)
        let tree = ProcessTree(of: server.process.id)
        let before = tree.cpuNanoseconds
        let slice = try server.explaining { () throws(HeldLoad.Failure) in
            guard let load else { return HeldLoad.Slice() }
            return try run(load)
        }
        let cpu = Double(tree.cpuNanoseconds - before) / 1e9
        // Closes its connections.
        load = nil
        return (slice, cpu, try server.stop().calls)
    }
}

/// What an arm showed before the slices.
struct ArmProbe: Sendable {
    /// Answers per second of a short busy load.
    var rate: Double
    /// CPU time of the server for a message, in seconds.
    var cpu = 0.0
    /// System calls for a message, by the server's own count.
    var callsPerMessage: Double?
    /// What its processes counted, together.
    var calls: [String: Int] = [:]
}

/// What one server process counted from its start to its end: system calls, for so many messages.
struct ServerLife: Sendable, Equatable {
    var calls: Int
    var messages: Int

    /// Nil for a server that does not count.
    init?(_ calls: [String: Int]?, messages: Int) {
        guard let calls else { return nil }
        self.calls = calls.values.reduce(0, +)
        self.messages = messages
    }

    /// System calls for one message more: what this life had more than a short one with the same
    /// connections, whose opening and closing so is in neither.
    func callsPerMessage(beyond short: ServerLife?) -> Double? {
        guard let short, messages > 2 * short.messages, calls >= short.calls else { return nil }
        return Double(calls - short.calls) / Double(messages - short.messages)
    }
}
