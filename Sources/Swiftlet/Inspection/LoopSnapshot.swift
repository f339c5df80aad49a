import Drivers
import Glibc
import Syscalls

// What a loop tells of itself, made on its own thread between two batches, because its state is no
// other thread's to read.

/// What inspection asks for: the more, the longer the loop is held up.
enum Detail: Hashable {
    /// Its figures: what that takes does not grow with its tasks.
    case figures
    /// All of its tasks and sockets, too.
    case everything
}

/// A loop at one instant.
struct LoopSnapshot: Sendable {
    var figures: [Figure]
    var tasks: [ParkReport] = []
    var sockets: [SocketReport] = []
    /// What its tasks wait at, whether that has a name or not.
    var points: [any MeetingPoint] = []
    var names: TaskNames = [:]
}

/// An open socket of a loop.
struct SocketReport: Sendable {
    let descriptor: RawDescriptor
    /// "listener", "stream", "sequenced packets", "datagrams"; nil where the kernel does not say.
    let kind: String?
    let localAddress: SocketAddress?
    /// The other end; where it connects to, for one that is not connected yet.
    let remoteAddress: SocketAddress?
    /// Bytes that have come and that no task has read; nil where there are none to read.
    let unreadBytes: Int?
    /// Bytes that were sent and that the peer has not acknowledged.
    let unacknowledgedBytes: Int?
    /// The name of the task that serves it.
    let task: String?
}

extension LoopExecutor {
    /// The loop as it is now. The caller is on the loop's thread.
    func snapshot(_ detail: Detail) -> LoopSnapshot {
        var snapshot = LoopSnapshot(
            figures: statisticsSoFar.figures + [
                Figure("runnable_tasks", state.runQueue.count, "Tasks that can run now."),
                Figure("parked_tasks", state.lot.count, "Tasks that wait for a descriptor."),
                Figure("waiting_tasks", state.waiters.count, "Tasks that wait for other tasks."),
                Figure("open_sockets", state.table.openCount, "Sockets that are open."),
            ])
        guard detail == .everything else { return snapshot }
        snapshot.names = taskNames()
        snapshot.tasks = parkReports(naming: snapshot.names)
        snapshot.sockets = state.table.open.map { report(of: $0, snapshot.names) }
        snapshot.points = state.waiters.waiting.compactMap(\.point)
        return snapshot
    }

    private func report(of id: SocketID, _ names: TaskNames) -> SocketReport {
        let descriptor = id.descriptor
        let isListening = state.table.isListening(descriptor)
        let owner = state.table[id].owner
        // What the kernel does not say of a socket, its report does not say either.
        let type = try? sockets.option(SocketReport.type, of: descriptor)
        let local = try? sockets.localAddress(descriptor)
        let remote = try? sockets.remoteAddress(descriptor)
        // Nor this.
        let unread = isListening ? nil : try? descriptor.unread()
        return SocketReport(
            descriptor: descriptor,
            kind: isListening ? "listener" : type.flatMap(SocketReport.kind),
            localAddress: local,
            remoteAddress: remote ?? state.targets[descriptor],
            unreadBytes: unread.map { $0 + state.table[unread: id].count },
            unacknowledgedBytes: isListening ? nil : waiting(at: descriptor).map(Int.init),
            task: owner == 0 ? nil : names[TaskID(of: owner)])
    }
}

extension SocketReport {
    /// The type of a socket (`SO_TYPE`, socket(7)).
    fileprivate static let type = SocketOption(level: SOL_SOCKET, number: SO_TYPE)

    /// What a socket of a type is called (socket(2)).
    static func kind(ofType number: Int) -> String? {
        switch CInt(number) {
        case CInt(SOCK_STREAM.rawValue): "stream"
        case CInt(SOCK_SEQPACKET.rawValue): "sequenced packets"
        case CInt(SOCK_DGRAM.rawValue): "datagrams"
        case CInt(SOCK_RAW.rawValue): "raw packets"
        default: nil
        }
    }
}

/// A question to a loop, and the answer when it comes; nobody waits for a loop that hangs.
final class Inquiry: Sendable {
    private let detail: Detail
    private let answer = Promise<LoopSnapshot?>(name: "the answer of a loop")
    private let isGivenUp = Latch()

    /// What became of a question.
    enum Answer: Sendable {
        case snapshot(LoopSnapshot)
        /// The loop has not answered in time.
        case none
        /// It has ended, or the task that asks is to end.
        case ended
    }

    init(_ detail: Detail) { self.detail = detail }

    /// Answers for a loop, on its thread; where nobody waits any more, it has better things to do.
    func answer(for loop: LoopExecutor) {
        if !isGivenUp.isSet { answer.fulfill(loop.snapshot(detail)) }
    }

    /// Answers for a loop that has ended.
    func answerForNone() { answer.fulfill(nil) }

    /// Waits for the answer until an instant.
    func answer(until deadline: Instant) async -> Answer {
        do {
            let patience = max(.zero, Instant.now.duration(to: deadline))
            return try await answer.value(timeout: patience).map(Answer.snapshot) ?? .ended
        } catch {
            isGivenUp.set()
            // A task that is to end has nobody to tell.
            return (error as? IOError)?.reason == .timedOut ? .none : .ended
        }
    }
}
