import Syscalls

// The door between a task and the loop, and why a task comes out of it.

#if DEBUG
    /// How a parked task goes on. Checked in debug builds, so that a double or a missing resume
    /// traps.
    typealias ParkContinuation = CheckedContinuation<Wakeup, Never>
#else
    /// How a parked task goes on. Unchecked in release builds: the check allocates at every park.
    typealias ParkContinuation = UnsafeContinuation<Wakeup, Never>
#endif

/// Why a parked task goes on.
enum Wakeup: Sendable {
    /// The descriptor may make progress.
    case ready
    /// The deadline passed: the good end of a sleep, the bad one of a park.
    case timedOut
    case cancelled
    case closed
    case loopEnded
    case busy
    /// The driver cannot watch the descriptor.
    case refused(Errno)

    /// The reason to throw; nil for `.ready`.
    var reason: IOError.Reason? {
        switch self {
        case .ready: nil
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .closed: .closed
        case .loopEnded: .loopEnded
        case .busy: .busy
        case .refused(let errno): .system(errno)
        }
    }
}

// The only door between a task and the loop: a task goes to sleep here and nowhere else.
//
// The order matters. The ticket is made first; a cancellation that comes at any moment from any
// thread posts that ticket; and because the loop's thread is here, the post is read only after the
// task has parked. So a cancellation is never lost, and one that comes too late finds that nobody
// holds the ticket.
extension LoopExecutor {
    /// Suspends the calling task until `descriptor` may make progress in `direction`.
    ///
    /// The caller is on the loop's thread.
    @inline(never)
    nonisolated(nonsending)
        func park(
            on descriptor: RawDescriptor, for direction: Direction, until deadline: Instant
        ) async -> Wakeup
    {
        // After the end this is no longer the loop's thread, and nothing may change.
        if state.isEnding { return .loopEnded }
        let ticket = state.lot.makeTicket(for: direction, of: descriptor)
        return await withTaskCancellationHandler {
            await withParkContinuation { continuation in
                admit(continuation, with: ticket, until: deadline, isOwner: false)
            }
        } onCancel: {
            post(.cancelPark(ticket))
        }
    }

    /// As `park`, for the task that owns the socket: its cancellation is passed on by its server,
    /// and registering for it at each park would be a tenth of what the runtime costs.
    @inline(__always)
    nonisolated(nonsending)
        func parkOwner(
            on descriptor: RawDescriptor, for direction: Direction, until deadline: Instant
        ) async -> Wakeup
    {
        if state.isEnding { return .loopEnded }
        let ticket = state.lot.makeTicket(for: direction, of: descriptor)
        return await withParkContinuation { continuation in
            admit(continuation, with: ticket, until: deadline, isOwner: true)
        }
    }

    private func admit(
        _ continuation: ParkContinuation,
        with ticket: Ticket,
        until deadline: Instant,
        isOwner: Bool
    ) {
        state.statistics.parks += 1
        let timer = deadline == .never ? nil : state.deadlines.insert(.park(ticket), at: deadline)
        let parked = ParkedTask(continuation: continuation, timer: timer, isOwner: isOwner)
        switch state.lot.park(parked, with: ticket) {
        case .parked:
            break
        case .install(let interest):
            do throws(Errno) {
                try set(interest, in: ticket.descriptor)
            } catch {
                _ = state.lot.refuse(ticket)
                turnAway(continuation, timer, .refused(error))
            }
        case .busy:
            turnAway(continuation, timer, .busy)
        }
    }

    private func turnAway(
        _ continuation: ParkContinuation, _ timer: DeadlineQueue<Due>.Token?, _ wakeup: Wakeup
    ) {
        if let timer { _ = state.deadlines.remove(timer) }
        continuation.resume(returning: wakeup)
    }

    /// Suspends the calling task until `deadline`. The caller is on the loop's thread.
    nonisolated(nonsending)
        func sleep(until deadline: Instant) async -> Wakeup
    {
        if state.isEnding { return .loopEnded }
        let token = state.deadlines.insert(.sleep(nil), at: deadline)
        return await withTaskCancellationHandler {
            await withParkContinuation { continuation in
                if !state.deadlines.replace(token, with: .sleep(continuation)) {
                    continuation.resume(returning: .loopEnded)
                }
            }
        } onCancel: {
            post(.cancelSleep(token))
        }
    }
}

@inline(__always)
nonisolated(nonsending)
    private func withParkContinuation(_ body: (ParkContinuation) -> Void) async -> Wakeup
{
    #if DEBUG
        await withCheckedContinuation(body)
    #else
        await withUnsafeContinuation(body)
    #endif
}
