import Drivers
import Statistics
import Syscalls

/// Opens a worker's connections: all of them at the start, and later those that are to be opened
/// again.
///
/// At the start it goes as fast as the plan's rate, the limit on attempts and the server allow:
/// where the server listens on this machine, its queue is kept short. Each worker opens its share
/// at its share of the rate, so that all of them end together. Every attempt is counted, and one
/// that fails has its row among the errors.
struct Opening {
    /// More attempts than that at a time, over all workers, would overflow the backlog of a usual
    /// server, and an overflow looks like a second of latency.
    static let attemptsAtOnce = 512
    /// Local addresses that are tried for one connection when there are no ports.
    private static let addressesAtOnce = 16

    private let plan: LoadPlan
    private let state: RunState
    private let started: Instant
    /// Nanoseconds between two attempts of this worker; 0 for no limit.
    private let interval: Double
    private let attemptsAllowed: Int
    private let total: Int
    private var sources: Sources
    private var next = 0
    private(set) var attemptsOpen = 0
    private var pace: QueuePace
    /// Since when a Unix listener's queue is full.
    private var fullSince: Instant?
    /// Set when no more attempts are to begin.
    private var isStopped = false

    /// Why an attempt came to nothing.
    private struct Refusal: Error {
        var phase: ErrorRow.Phase
        var errno: Errno

        /// Whether another local address could do. For datagrams, connect says `EAGAIN` there.
        var isForWantOfPorts: Bool {
            phase == .connect
                ? errno == .addressNotAvailable || errno == .wouldBlock : errno == .addressInUse
        }
    }

    init(state: RunState, worker: Int, count: Int, from now: Instant) {
        self.state = state
        plan = state.plan
        sources = state.sources
        started = now
        total = count
        let share = Double(count) / Double(plan.connections + plan.idle)
        interval = plan.connectRate.map { 1e9 / ($0 * share) } ?? 0
        let attempts = Statistics.share(
            of: Opening.attemptsAtOnce, for: worker, among: state.desks.count)
        attemptsAllowed = max(1, attempts.count)
        pace = QueuePace(among: state.desks.count, from: now)
    }

    // When.

    /// When the next attempt of the start may begin; never when none is left or too many are open.
    var due: Instant {
        if isStopped || next == total || attemptsOpen >= attemptsAllowed { return .never }
        let planned = started.advanced(byNanoseconds: Int64(Double(next) * interval))
        return pace.isSpent ? max(planned, pace.nextLook) : planned
    }

    /// Begins no further attempt.
    mutating func stop() { isStopped = true }

    /// Begins every attempt of the start that is due.
    mutating func openDue(at now: Instant, in exchange: inout Exchange) {
        while due <= now {
            guard !pace.isSpent else {
                pace.take(lookAtQueue(), at: now)
                continue
            }
            pace.spend()
            if begin(next, at: now, in: &exchange) { next += 1 } else { pace.rest(at: now) }
        }
    }

    /// The queue that the connections go through, where it can be seen.
    private func lookAtQueue() -> ListenQueue? {
        let target = plan.target
        // A Unix socket says by itself when its queue is full, and one for datagrams has none.
        let isTCP = plan.socket == .stream && !target.isUnix
        return target.isLoopback && isTCP ? ListenQueue.look(at: target) : nil
    }

    /// When the next connection is to be opened again; never while too many attempts are open.
    @inline(__always)
    func reopeningDue(in exchange: borrowing Exchange) -> Int64 {
        !isStopped && attemptsOpen < attemptsAllowed ? exchange.vacancies.next : .max
    }

    /// Opens the connections again whose time has come.
    mutating func reopenDue(at now: Int64, in exchange: inout Exchange) {
        while reopeningDue(in: exchange) <= now, let index = exchange.vacancies.take(dueAt: now) {
            guard exchange.prepareReopening(of: index, at: now) else { continue }
            if begin(index, at: Instant(nanoseconds: now), in: &exchange) { continue }
            exchange.vacancies.add(index, due: now + QueuePace.pause.wholeNanoseconds)
        }
    }

    // An attempt.

    /// Tries to open a connection, from other addresses too when the ports of one are used up.
    ///
    /// False when the queue of a Unix listener is full: nothing tells when that is over, so the
    /// attempt does not count and is to be made again (connect(2)).
    private mutating func begin(
        _ index: Int, at now: Instant, in exchange: inout Exchange
    ) -> Bool {
        var place = sources.place(forConnection: exchange.table.number(of: index))
        for _ in 0..<min(sources.most, Opening.addressesAtOnce) {
            exchange.tally.totals.connects.tried += 1
            do throws(Refusal) {
                try connect(index, from: sources[place], in: &exchange)
                fullSince = nil
                return true
            } catch {
                if error.errno == .wouldBlock, plan.target.isUnix, isPatient(at: now) {
                    exchange.tally.totals.connects.tried -= 1
                    return false
                }
                note(error.phase, error.errno.name, on: index, in: &exchange)
                guard error.isForWantOfPorts else { break }
                exchange.tally.totals.connects.portShortages += 1
                place = sources.place(afterShortageAt: place)
            }
        }
        noteFailure(of: index, in: &exchange)
        return true
    }

    /// Whether a full queue is waited for still: no longer than an attempt may take.
    private mutating func isPatient(at now: Instant) -> Bool {
        let since = fullSince ?? now
        fullSince = since
        return now < since.advanced(by: plan.connectTimeout)
    }

    private mutating func connect(
        _ index: Int,
        from source: SocketAddress?,
        in exchange: inout Exchange
    ) throws(Refusal) {
        var phase = ErrorRow.Phase.socket
        do throws(Errno) {
            let socket = try RawDescriptor.socket(plan.socket, family: plan.target.family)
            exchange.table.adopt(socket, at: index, since: Instant.now.nanoseconds)
            attemptsOpen += 1
            try prepare(socket)
            if exchange.table.connections[index].isSlow, let slow = plan.slowRead {
                // The kernel is not to read in its place.
                try socket.setOption(.receiveBuffer, to: Exchange.sliceBytes(slow))
            }
            if let source { try socket.bind(toSource: source) }
            phase = .connect
            if try socket.connect(to: plan.target) {
                try complete(index, in: &exchange)
            } else {
                try exchange.table.watch(index, for: .writable)
            }
        } catch {
            abandon(index, in: &exchange)
            throw Refusal(phase: phase, errno: error)
        }
    }

    /// Bytes that the kernel is to keep of answers that are datagrams; it gives as many as the
    /// machine allows (`net.core.rmem_max`), and what does not fit is lost.
    private static let datagramBuffer = 1 << 20

    /// Sets what is usual for a socket of its kind.
    private func prepare(_ socket: RawDescriptor) throws(Errno) {
        switch plan.socket {
        case .stream: if !plan.target.isUnix { try socket.setOption(.noDelay, to: 1) }
        case .datagram: try socket.setOption(.receiveBuffer, to: Opening.datagramBuffer)
        }
    }

    /// Looks how an attempt went whose socket is ready.
    mutating func finish(_ index: Int, in exchange: inout Exchange) {
        do throws(Errno) {
            if let error = try exchange.table.connections[index].descriptor.takeError() {
                throw error
            }
            try complete(index, in: &exchange)
        } catch {
            fail(index, error.name, in: &exchange)
        }
    }

    private mutating func complete(_ index: Int, in exchange: inout Exchange) throws(Errno) {
        let socket = exchange.table.connections[index].descriptor
        // Nothing listens, and the kernel chose the target's own port for our end: the socket is
        // connected to itself.
        if try socket.localAddress().port == plan.target.port,
            try socket.localAddress() == socket.remoteAddress()
        {
            exchange.tally.totals.connects.selfConnects += 1
            throw .connectionRefused
        }
        try exchange.table.watch(index, for: .readable)
        let now = Instant.now.nanoseconds
        let connection = exchange.table.connections + index
        exchange.tally.totals.connectTimes.record(now - connection.pointee.since)
        exchange.tally.totals.connects.ok += 1
        exchange.lastUp = now
        attemptsOpen -= 1
        let wasUp = connection.pointee.wasUp
        connection.pointee.renew(quota: exchange.quota)
        exchange.table.markUp(index, since: now)
        if wasUp { exchange.useReopened(index) } else { state.countConnectionUp() }
    }

    // Attempts that come to nothing.

    /// Gives up the attempts that take too long.
    mutating func failOverdue(at now: Instant, in exchange: inout Exchange) {
        guard attemptsOpen > 0 else { return }
        let latest = now.advanced(byNanoseconds: -plan.connectTimeout.wholeNanoseconds).nanoseconds
        for index in 0..<next where exchange.table.connections[index].state == .connecting {
            if exchange.table.connections[index].since <= latest {
                fail(index, "timeout", in: &exchange)
            }
        }
    }

    /// Gives up all attempts because the run is over.
    mutating func cancelAll(in exchange: inout Exchange) {
        stop()
        for index in 0..<next where exchange.table.connections[index].state == .connecting {
            abandon(index, in: &exchange)
            exchange.tally.totals.connects.cancelled += 1
        }
    }

    private mutating func fail(_ index: Int, _ name: String, in exchange: inout Exchange) {
        abandon(index, in: &exchange)
        note(.connect, name, on: index, in: &exchange)
        noteFailure(of: index, in: &exchange)
    }

    private mutating func abandon(_ index: Int, in exchange: inout Exchange) {
        guard exchange.table.connections[index].state == .connecting else { return }
        exchange.table.close(index)
        attemptsOpen -= 1
    }

    private func note(
        _ phase: ErrorRow.Phase, _ name: String, on index: Int, in exchange: inout Exchange
    ) {
        exchange.note(phase, name, on: index)
        exchange.tally.totals.connects.failed += 1
    }

    /// A connection that is not there at the start ends the run; later it is tried again.
    private func noteFailure(of index: Int, in exchange: inout Exchange) {
        guard exchange.table.connections[index].wasUp else { return state.failConnecting() }
        exchange.noteFailedReopening(of: index, at: Instant.now.nanoseconds)
    }
}
