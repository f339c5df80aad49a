import Swiftlet
import Synchronization
import Syscalls

/// Turns the loops of all hosts on one thread, lets the kernel's events happen, and moves the clock
/// when there is nothing else to do.
///
///     choose one of: the event that is due, a loop that has work     (by the seed)
///     let it happen, or turn the loop once
///     nothing to choose from: move the clock to the next event or deadline
///     none either: the world stands still
///
/// A host has one loop while it is up. One that crashed leaves a loop behind, which is turned until
/// what ran on it has ended.
final class Scheduler: Sendable {
    let kernel: SharedKernel
    let choices: SharedRandom
    private let loops = Mutex<[HostLoop]>([])
    /// What can come next, as places among the loops, and -1 for the event; in memory that each
    /// choice uses again.
    private let candidates = Mutex<[Int]>([])
    /// Those of all loops that there ever were.
    private let wakeFlags = Mutex<[WakeFlag]>([])
    /// Crashes hosts and starts them again when a fault says so.
    private let power = Mutex<(@Sendable (PowerChange) -> Void)?>(nil)
    /// The first error of a host that ends the run.
    private let failure = Mutex<SimulationFailure.Reason?>(nil)
    /// Whether one that no code handles does.
    let failsOnUnhandledErrors = Mutex(true)
    /// Whether all hosts are ending, and their programs may throw what they like.
    private let isFinishing = Mutex(false)

    init(_ kernel: SharedKernel, choices: SharedRandom) {
        self.kernel = kernel
        self.choices = choices
    }

    /// Calls `body` for each change of a host's power that a fault asks for.
    func onPowerChange(_ body: @escaping @Sendable (PowerChange) -> Void) {
        power.withLock { $0 = body }
    }

    /// What comes next.
    private enum Choice: Sendable {
        case event
        /// A turn of a loop of a host, whose clock shows an instant, with the turns that it has
        /// made while the clock of the world stood still.
        case turn(SteppedLoop, of: HostID, at: Instant, turns: Int)
    }

    // MARK: Loops

    /// Gives a host a loop over a driver and sockets of its own.
    func addLoop(of host: HostID, _ awaited: AwaitedPorts) -> SteppedLoop {
        let wakes = WakeFlag()
        let loop = SteppedLoop(
            driver: SimulatedDriver(of: host, in: kernel, wakes: wakes),
            sockets: SimulatedSockets(of: host, in: kernel, awaited: awaited),
            witness: HostWitness(of: host, in: self))
        wakeFlags.withLock { $0.append(wakes) }
        loops.withLock { $0.append(HostLoop(host: host, loop: loop, wakes: wakes)) }
        return loop
    }

    /// Lets the loop of a host end: what was spawned is cancelled, what is parked goes on.
    func beginEnding(loopOf host: HostID) {
        let ending = loops.withLock { loops -> SteppedLoop? in
            guard let index = loops.firstIndex(where: { $0.host == host && !$0.isEnding }) else {
                return nil
            }
            loops[index].isEnding = true
            return loops[index].loop
        }
        // Handlers of cancellation are code of the host, and see its clock.
        let now = kernel.use { $0.now(on: host) }
        ShownClock.show(now) { ending?.beginEnding() }
    }

    /// Notes that the program of a host threw an error; the run ends.
    func fail(_ host: String, _ error: any Error) { fail(.hostThrew(host: host, error)) }

    private func fail(_ reason: SimulationFailure.Reason) {
        guard !isFinishing.withLock({ $0 }) else { return }
        failure.withLock { $0 = $0 ?? reason }
    }

    /// Notes that a task threw an error that no code handles; the run ends, unless it allows that.
    func noteUnhandled(_ error: any Error, of task: String, at place: String) {
        // A host that has crashed lets nothing succeed any more.
        guard failsOnUnhandledErrors.withLock({ $0 }), !(error is HandedOn),
            let entry = EventLoop.current.flatMap(entry(of:)), !entry.isEnding
        else { return }
        let host = kernel.use { $0.hosts[entry.host].name }
        fail(.unhandled(host: host, task: task, place: place, error))
    }

    /// Whether the body has ended, and every host with it.
    var isEnding: Bool { isFinishing.withLock { $0 } }

    /// The loops of hosts in the order in which they started, also of those that have crashed.
    var all: [HostLoop] { loops.withLock { $0 } }

    /// The host that a loop belongs to, or belonged to before it crashed.
    func host(of loop: EventLoop) -> HostID? {
        entry(of: loop)?.host
    }

    private func entry(of loop: EventLoop) -> HostLoop? {
        loops.withLock { loops in
            loops.first { $0.loop.loop.taskExecutor === loop.taskExecutor }
        }
    }

    /// How often another thread woke a loop.
    var wakesFromOutside: Int { wakeFlags.withLock { $0 }.reduce(0) { $0 + $1.raisedOutside } }

    // MARK: Steps

    /// Why the world stopped.
    enum Stop {
        case done, standsStill
        /// The loop of a host turns and turns, and the clock does not move.
        case turnsInPlace(HostID)
        /// The clock has come to the limit.
        case timeIsOver
        case failed(SimulationFailure.Reason)
    }

    /// Steps until `isDone`.
    func run(until isDone: () -> Bool, limits: Limits) -> Stop {
        while !isDone() {
            if let reason = failure.withLock({ $0 }) { return .failed(reason) }
            for change in kernel.use({ $0.faults.takePowerChanges() }) {
                power.withLock { $0 }?(change)
            }
            switch choose() {
            case nil:
                guard jump() else { return .standsStill }
                if kernel.use({ $0.now }) > limits.time { return .timeIsOver }
            case .event: _ = kernel.use { $0.happen() }
            case .turn(_, let host, _, let turns) where turns >= limits.turns:
                return .turnsInPlace(host)
            case .turn(let loop, _, let now, _): turn(loop, at: now)
            }
        }
        return failure.withLock { $0 }.map(Stop.failed) ?? .done
    }

    /// Steps while a loop has work or the clock something to come, until every spawned task has
    /// ended.
    func finish(limits: Limits) -> Stop {
        isFinishing.withLock { $0 = true }
        failure.withLock { $0 = nil }
        // The ending has turns of its own, also after a livelock.
        loops.withLock { for place in $0.indices { $0[place].forgetTurns() } }
        // No machine starts again at the end, whatever fault ends with the world.
        power.withLock { $0 = nil }
        for entry in all where !entry.isEnding { beginEnding(loopOf: entry.host) }
        return run(until: { self.all.allSatisfy(\.isOver) }, limits: limits)
    }

    /// Closes what the loops hold; nothing runs any more.
    ///
    /// None is closed before: a task of another host may still come back to one that crashed.
    func close() {
        let last = loops.withLock { loops in
            defer { loops = [] }
            return loops
        }
        Self.abandoned.withLock { $0 += last.filter { !$0.isOver }.map(\.loop) }
        for entry in last { entry.loop.finishEnding() }
    }

    /// Loops of worlds that failed, with the tasks that would not end. No task can be taken away,
    /// so its memory stays: here, where a leak checker sees that it is known.
    private static let abandoned = Mutex<[SteppedLoop]>([])

    private func turn(_ loop: SteppedLoop, at now: Instant) {
        do throws(Errno) {
            try ShownClock.show(now) { () throws(Errno) in try loop.turn() }
        } catch {
            preconditionFailure("the simulated driver never fails, and failed: \(error)")
        }
    }

    /// One of all that can come next, each as likely as any other; nil when there is nothing.
    private func choose() -> Choice? {
        loops.withLock { loops in
            candidates.withLock { candidates in
                kernel.use { kernel in
                    candidates.removeAll(keepingCapacity: true)
                    if kernel.nextEvent <= kernel.now { candidates.append(-1) }
                    for index in loops.indices where loops[index].findWork(in: &kernel) {
                        candidates.append(index)
                    }
                    guard candidates.count > 0 else { return nil }
                    let chosen = candidates[
                        candidates.count == 1 ? 0 : choices.number(below: candidates.count)]
                    guard chosen >= 0 else { return .event }
                    let turns = loops[chosen].countTurn(at: kernel.now, kernel.segmentCount)
                    let entry = loops[chosen]
                    return .turn(
                        entry.loop, of: entry.host, at: kernel.now(on: entry.host), turns: turns)
                }
            }
        }
    }

    /// Moves the clock to what comes next; false when nothing does.
    private func jump() -> Bool {
        loops.withLock { loops in
            kernel.use { kernel in
                var next = kernel.nextEvent
                for entry in loops where entry.loop.nextDeadline != .never {
                    let due = kernel.worldInstant(of: entry.loop.nextDeadline, on: entry.host)
                    next = min(next, due)
                }
                guard next != .never else { return false }
                kernel.move(to: next)
                return true
            }
        }
    }
}

/// How far a world goes before it fails.
struct Limits {
    /// Turns of one loop without a move of the clock.
    var turns: Int
    var time: Instant
}

/// One loop of a host.
struct HostLoop: Sendable {
    let host: HostID
    let loop: SteppedLoop
    let wakes: WakeFlag
    var isEnding = false
    /// Tenths of turns that it has made at an instant of the world, and how many segments had been
    /// sent and taken in the world when it made the last one.
    private var tenths = 0
    private var instant = Instant(nanoseconds: 0)
    private var segments = 0

    init(host: HostID, loop: SteppedLoop, wakes: WakeFlag) {
        self.host = host
        self.loop = loop
        self.wakes = wakes
    }

    /// Counts a turn that is made now, and says how many the clock has stood still for. A turn
    /// counts a tenth when a segment was sent or taken since the last one.
    mutating func countTurn(at now: Instant, _ segments: Int) -> Int {
        if now != instant { tenths = 0 }
        tenths += segments == self.segments ? 10 : 1
        instant = now
        self.segments = segments
        return tenths / 10
    }

    mutating func forgetTurns() { tenths = 0 }

    /// Whether nothing of it is left: no task, no job, no deadline.
    var isOver: Bool {
        isEnding && !loop.hasWork && !wakes.isRaised && loop.nextDeadline == .never
            && loop.isChildless
    }

    /// Looks whether a turn would do something.
    func findWork(in kernel: inout Kernel) -> Bool {
        if loop.hasWork || wakes.isRaised { return true }
        if loop.nextDeadline <= kernel.now(on: host) { return true }
        return !isEnding && kernel.findReadiness(on: host)
    }
}
