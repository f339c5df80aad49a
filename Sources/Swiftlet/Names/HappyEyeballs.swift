import Drivers
import Syscalls

/// Connects to the first of several addresses that answers (RFC 8305, "Happy Eyeballs").
///
///     0 ms      first address       ─────────────── no answer ──────────…   closed
///     250 ms    second address         ── refused
///               third address            ───── up: it is this one
///
/// Families take turns, beginning with that of the first address. The next attempt begins 250 ms
/// after the one before it, or as soon as that has failed. The first that is up wins, and the
/// others are closed. The RFC sets no limit to how many are open: here it is 16, and then the next
/// one begins when one has failed, because a name may have hundreds of addresses. Where there are
/// more than 16, each attempt has 10 s: one that nobody answers would be open for two minutes.
struct HappyEyeballs {
    /// Between the beginnings of two attempts (RFC 8305, section 5).
    static let delay = Duration.milliseconds(250)
    /// Attempts that are open at a time.
    static let openMax = 16
    /// What an attempt has where others wait for its place: until the kernel has asked four times
    /// (tcp(7), `tcp_syn_retries`).
    static let patience = Duration.seconds(10)

    let loop: LoopExecutor
    /// What the addresses were found for, "example.org:443"; for errors.
    let name: String
    let type: ConnectionType
    let beginning: Connection.Beginning
    let deadline: Instant
    let call: Call

    private enum Step: Sendable {
        case up(Connection)
        case failed(IOError)
        /// The attempt of this place has had its time alone.
        case delayed(Int)
    }

    /// Makes the attempts; throws the error of the first address, with those of all.
    func connect(to addresses: [SocketAddress]) async throws(IOError) -> Connection {
        let addresses = HappyEyeballs.ordered(addresses)
        let (winner, failures) = await withTaskGroup(of: Step.self) { group in
            var begun = 0
            var failures: [IOError] = []
            var winner: Connection?
            begin(addresses, &begun, failures.count, in: &group)
            while let step = await group.next() {
                switch step {
                case .up(let connection):
                    if winner == nil { winner = connection } else { connection.close() }
                    group.cancelAll()
                case .failed(let error):
                    failures.append(error)
                    if failures.count == addresses.count { group.cancelAll() }
                    if winner == nil {
                        begin(addresses, &begun, failures.count, in: &group)
                    }
                case .delayed(let place):
                    if winner == nil, place == begun {
                        begin(addresses, &begun, failures.count, in: &group)
                    }
                }
            }
            return (winner, failures)
        }
        if let winner { return winner }
        throw failure(failures, of: addresses)
    }

    /// Begins the next attempt, if there is one left and the task still wants it.
    private func begin(
        _ addresses: [SocketAddress], _ begun: inout Int, _ ended: Int,
        in group: inout TaskGroup<Step>
    ) {
        let hasTime = begun == 0 || !group.isCancelled && loop.now < deadline
        guard begun < addresses.count, begun - ended < HappyEyeballs.openMax, hasTime else {
            return
        }
        let address = addresses[begun]
        begun += 1
        let place = begun
        let isAwaited = addresses.count > HappyEyeballs.openMax
        let patience = isAwaited ? loop.now.advanced(by: HappyEyeballs.patience) : .never
        let limit = min(deadline, patience)
        group.addTask(executorPreference: loop) { [loop, type, beginning, deadline, call] in
            do throws(IOError) {
                return .up(
                    try await Connection.open(
                        to: address, as: type, beginning, on: loop, until: limit, in: call))
            } catch {
                // As the kernel says it, later.
                let isOver = error.reason == .timedOut && limit < deadline
                return .failed(
                    isOver ? IOError(.connect, .system(.timedOut), at: address) : error)
            }
        }
        guard place < addresses.count else { return }
        group.addTask(executorPreference: loop) { [loop, call] in
            let wakeup = await loop.sleep(
                until: min(deadline, loop.now.advanced(by: HappyEyeballs.delay)), in: call)
            // One that was cut short begins nothing.
            return .delayed(wakeup == .timedOut ? place : 0)
        }
    }

    /// The error of all attempts: that of the first address, unless one was cut short.
    private func failure(_ failures: [IOError], of addresses: [SocketAddress]) -> IOError {
        let cut = failures.first { $0.reason == .cancelled || $0.reason == .timedOut }
        let first = failures.first { $0.address == addresses.first }
        let reason = (cut ?? first ?? failures.first)?.reason ?? .cancelled
        return IOError(.connect, reason, name: name, attempts: failures)
    }

    /// The addresses with their families by turns, each family in its order.
    static func ordered(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        var own = addresses.filter { $0.isIPv6 == first.isIPv6 }[...]
        var other = addresses.filter { $0.isIPv6 != first.isIPv6 }[...]
        var ordered: [SocketAddress] = []
        while ordered.count < addresses.count {
            if let next = own.popFirst() { ordered.append(next) }
            if let next = other.popFirst() { ordered.append(next) }
        }
        return ordered
    }
}
