import Drivers
import Statistics
import Syscalls

/// Opens a worker's connections as fast as the plan's rate and the limit on attempts allow.
///
/// Each worker opens its share at its share of the rate, so that all of them end together.
struct Opening {
    /// More attempts than that at a time, over all workers, would overflow the backlog of a usual
    /// server, and an overflow looks like a second of latency.
    static let attemptsAtOnce = 512

    private let target: SocketAddress
    private let timeout: Duration
    private let started: Instant
    /// Nanoseconds between two attempts of this worker; 0 for no limit.
    private let interval: Double
    private let attemptsAllowed: Int
    private let total: Int
    private var next = 0
    private(set) var attemptsOpen = 0
    /// Set when no more attempts are to begin.
    private var isStopped = false

    init(plan: LoadPlan, worker: Int, of workers: Int, count: Int, from now: Instant) {
        target = plan.target
        timeout = plan.connectTimeout
        started = now
        total = count
        let share = Double(count) / Double(plan.connections)
        interval = plan.connectRate.map { 1e9 / ($0 * share) } ?? 0
        let attempts = Statistics.share(of: Opening.attemptsAtOnce, for: worker, among: workers)
        attemptsAllowed = max(1, attempts.count)
    }

    /// When the next attempt may begin; never when none is left or too many are open.
    var due: Instant {
        if isStopped || next == total || attemptsOpen >= attemptsAllowed { return .never }
        return started.advanced(byNanoseconds: Int64(Double(next) * interval))
    }

    /// Begins no further attempt.
    mutating func stop() { isStopped = true }

    /// Begins every attempt that is due; returns whether one failed at once.
    mutating func openDue(at now: Instant, in exchange: inout Exchange, _ state: RunState) {
        while due <= now {
            begin(next, in: &exchange, state)
            next += 1
        }
    }

    private mutating func begin(_ index: Int, in exchange: inout Exchange, _ state: RunState) {
        exchange.tally.connects.tried += 1
        let socket: RawDescriptor
        do throws(Errno) {
            socket = try .streamSocket(family: target.family)
        } catch {
            return fail(index, .socket, error.name, in: &exchange, state)
        }
        exchange.table.adopt(socket, at: index, opened: Instant.now.nanoseconds)
        attemptsOpen += 1
        do throws(Errno) {
            try socket.setOption(.noDelay, to: 1)
            if try socket.connect(to: target) {
                try complete(index, in: &exchange, state)
            } else {
                try exchange.table.watch(index, for: .writable)
            }
        } catch {
            end(index, .connect, error.name, in: &exchange, state)
        }
    }

    /// Looks how an attempt went whose socket is ready.
    mutating func finish(_ index: Int, in exchange: inout Exchange, _ state: RunState) {
        do throws(Errno) {
            if let error = try exchange.table.connections[index].descriptor.takeError() {
                throw error
            }
            try complete(index, in: &exchange, state)
        } catch {
            end(index, .connect, error.name, in: &exchange, state)
        }
    }

    private mutating func complete(
        _ index: Int,
        in exchange: inout Exchange,
        _ state: RunState
    ) throws(Errno) {
        let socket = exchange.table.connections[index].descriptor
        // Nobody listens, and the kernel chose the target's own port for our end: we met ourselves.
        if try socket.localAddress().port == target.port,
            try socket.localAddress() == socket.remoteAddress()
        {
            throw .connectionRefused
        }
        try exchange.table.watch(index, for: .readable)
        exchange.tally.connectTimes.record(
            Instant.now.nanoseconds - exchange.table.connections[index].opened
        )
        exchange.tally.connects.ok += 1
        exchange.table.isUp(index)
        attemptsOpen -= 1
        state.connectionIsUp()
    }

    /// Gives up the attempts that take too long.
    mutating func failOverdue(at now: Instant, in exchange: inout Exchange, _ state: RunState) {
        guard attemptsOpen > 0 else { return }
        let latest = now.advanced(byNanoseconds: -timeout.wholeNanoseconds).nanoseconds
        for index in 0..<next where exchange.table.connections[index].state == .connecting {
            if exchange.table.connections[index].opened <= latest {
                end(index, .connect, "timeout", in: &exchange, state)
            }
        }
    }

    /// Gives up all attempts because the run is over.
    mutating func cancelAll(in exchange: inout Exchange) {
        stop()
        for index in 0..<next where exchange.table.connections[index].state == .connecting {
            exchange.table.close(index)
            exchange.tally.connects.cancelled += 1
            attemptsOpen -= 1
        }
    }

    private mutating func end(
        _ index: Int,
        _ phase: ErrorRow.Phase,
        _ name: String,
        in exchange: inout Exchange,
        _ state: RunState
    ) {
        exchange.table.close(index)
        attemptsOpen -= 1
        fail(index, phase, name, in: &exchange, state)
    }

    private func fail(
        _ index: Int,
        _ phase: ErrorRow.Phase,
        _ name: String,
        in exchange: inout Exchange,
        _ state: RunState
    ) {
        exchange.note(phase, name, on: index)
        exchange.tally.connects.failed += 1
        state.connectHasFailed()
    }
}
