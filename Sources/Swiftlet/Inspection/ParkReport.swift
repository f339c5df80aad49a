import Drivers
import Syscalls

/// What one task of a loop waits for: in which call, on what, since when and until when.
///
/// It prints as one line:
///
///     'chat' at Chat/Client.swift:12 waits to read from 10.0.0.1:7788, descriptor 5: 2.0 seconds
///     so far, 3.0 seconds more at most
public struct ParkReport: Sendable, CustomStringConvertible {
    /// What the task is called: the name that it was spawned with, or "handler of" the peer that it
    /// serves; nil for other tasks.
    public let name: String?
    /// The call in which it is parked, or by which it was spawned: "Chat/Client.swift:12".
    public let place: String
    /// What it waits for, as it follows the word "waits": "to read from 10.0.0.1:7788, descriptor
    /// 5"; nil when the loop cannot see that: another task, an actor, a stream, another thread.
    public let purpose: String?
    /// How long it has waited, counted from the turn in which it parked; nil when the loop cannot
    /// see that.
    public let waited: Duration?
    /// How long it is still going to wait at most; nil for ever.
    public let remaining: Duration?
    /// The meeting point that it waits at, if it waits for other tasks.
    var point: ObjectIdentifier?

    /// All of it as one line.
    public var description: String {
        let task = name.map { "'\($0)'" } ?? "a task"
        guard let purpose, let waited else {
            return "\(task), spawned at \(place), waits for something that the loop cannot see"
        }
        let end = remaining.map { ", \($0) more at most" } ?? ""
        return "\(task) at \(place) waits \(purpose): \(waited) so far\(end)"
    }
}

extension EventLoop {
    /// What the tasks of this loop wait for: all that are parked in a call of this library, and
    /// those that were spawned and wait for something else. The running task and those that are
    /// about to run are left out; one that has just called `Task.yield` may be told as waiting.
    ///
    /// Not seen are the body of `run`, and child tasks, while they wait for something else: another
    /// task, a stream, `Task.sleep`.
    ///
    /// To find out why nothing happens. It takes as long as the loop has tasks, with some system
    /// calls for each.
    public var parkReports: [ParkReport] {
        get async {
            let executor = executor
            return await executor.perform {
                // On a loop that has ended no task waits.
                executor.isCurrent ? executor.parkReports() : []
            }
        }
    }
}

// Reports are put together only when they are asked for, so that may be slow: it looks at every
// parked task, and asks the kernel for addresses.
extension LoopExecutor {
    /// What every task waits for that is parked here, or that was spawned here and is not runnable:
    /// by descriptor, then sleepers by their deadline, then those at meeting points
    /// in the order in which they came, then the others in the order of their start.
    ///
    /// The caller is on the loop's thread, or keeps the loop from turning.
    func parkReports() -> [ParkReport] { parkReports(naming: taskNames()) }

    /// As above, with names that are known already.
    func parkReports(naming names: TaskNames) -> [ParkReport] {
        var known = runnableTasks
        var reports: [ParkReport] = []
        for spot in state.lot.all {
            let job = spot.parked.job
            let timer = spot.parked.timer
            let deadline = timer == .none ? nil : state.deadlines.deadline(of: timer)
            let purpose = purpose(of: spot.direction, on: spot.descriptor)
            known.insert(job.task)
            reports.append(report(of: job.task, names, spot.stay, purpose, until: deadline))
        }
        for (deadline, due) in state.deadlines.all {
            guard case .sleep(let sleeper?) = due else { continue }
            let job = sleeper.job
            let purpose = state.isEnding ? "although the loop is ending" : sleeper.awaited.purpose
            known.insert(job.task)
            reports.append(report(of: job.task, names, sleeper.stay, purpose, until: deadline))
        }
        for waiter in state.waiters.waiting.filter(\.isWaiting).sorted(by: {
            $0.record.serial < $1.record.serial
        }) {
            known.insert(waiter.record.task)
            reports.append(report(of: waiter, names))
        }
        for child in children.withLock({ $0.all }) where !known.contains(child.task) {
            reports.append(
                ParkReport(
                    name: child.name, place: child.call.place, purpose: nil, waited: nil,
                    remaining: nil))
        }
        return reports
    }

    /// The names of tasks: those that were spawned with one, those that serve a connection, and
    /// what was noted when they parked.
    func taskNames() -> TaskNames {
        var names = state.names
        for (task, id) in state.table.owned {
            // A connection that the kernel has given up has no address any more.
            let address = try? sockets.remoteAddress(id.descriptor)
            names[TaskID(of: task)] = address.map { "handler of \($0)" } ?? "handler"
        }
        for child in children.withLock({ $0.all }) {
            if let name = child.name { names[TaskID(of: child.task)] = name }
        }
        return names
    }

    /// The running task and those that are going to run without waiting for anything.
    private var runnableTasks: Set<UInt> {
        var tasks = Set(state.runQueue.all.map(\.job.task))
        tasks.formUnion(postedTasks)
        // Those of the batch before the running one have run.
        if isCurrent { tasks.formUnion(state.batch.map(\.job.task).drop { $0 != state.task }) }
        return tasks
    }

    private func report(of waiter: Waiter, _ names: TaskNames) -> ParkReport {
        let record = waiter.record
        let deadline = record.timer == .none ? nil : state.deadlines.deadline(of: record.timer)
        let point = waiter.point
        let purpose = point?.purpose(of: record.operation, names) ?? ""
        let stay = Stay(call: record.call, since: record.since)
        var report = report(of: record.task, names, stay, purpose, until: deadline)
        report.point = point.map { ObjectIdentifier($0) }
        return report
    }

    private func report(
        of task: UInt, _ names: TaskNames, _ stay: Stay, _ purpose: String,
        until deadline: Instant?
    ) -> ParkReport {
        ParkReport(
            name: names[TaskID(of: task)], place: stay.call.place, purpose: purpose,
            waited: stay.since.duration(to: now),
            remaining: deadline.map { max(.zero, now.duration(to: $0)) })
    }

    /// What a task waits for that is parked on a descriptor.
    private func purpose(of direction: Direction, on descriptor: RawDescriptor) -> String {
        let target = state.targets[descriptor]
        let isListening = state.table.isListening(descriptor)
        let words =
            switch direction {
            case .read: isListening ? "to accept on" : "to read from"
            case .write: target == nil ? "to write to" : "to connect to"
            }
        var address = target
        if address == nil {
            // What is no socket has no address, nor has a connection that the kernel has given up.
            address =
                try? isListening
                ? sockets.localAddress(descriptor) : sockets.remoteAddress(descriptor)
        }
        let place = address.map { "\($0), " } ?? ""
        return "\(words) \(place)\(descriptor)"
    }
}

// Errors that no code handles.
extension LoopExecutor {
    /// Counts an error of a task, and says it: once a second at most, or to the witness.
    func note(_ error: any Error, of name: String, in call: Call) {
        // A loop that has ended says nothing more.
        guard isCurrent else { return }
        state.statistics.unhandledErrors += 1
        if let witness = state.witness {
            return witness.saw(.failed(name: name, in: call, with: error))
        }
        guard now >= state.nextComplaint else { return state.errorsUnsaid += 1 }
        log(.unhandled(error, of: name, at: call.place, after: state.errorsUnsaid))
        state.nextComplaint = now.advanced(by: .seconds(1))
        state.errorsUnsaid = 0
    }
}

/// What tasks are called that have a name.
typealias TaskNames = [TaskID: String]

/// The name of a source file, as `#fileID` gives it.
///
/// Calls that may park their task take it as `file`, with a `line`, so that reports say where the
/// call stands; leave both out.
///
/// It is made of a literal only, which stays where it is while the program runs. So it is one word,
/// and passing it with every call costs next to nothing.
@frozen
public struct SourceFile: ExpressibleByStringLiteral, Sendable {
    /// Where the text begins that ends with a zero; 0 when there is none.
    @usableFromInline let address: UInt

    /// The name that a literal spells.
    @inlinable
    public init(stringLiteral name: StaticString) {
        // A literal of a single letter may be no pointer; no file is called so.
        address = name.hasPointerRepresentation ? UInt(bitPattern: name.utf8Start) : 0
    }
}

/// The call in which a task is parked, or by which it was spawned: where it stands in the source.
@usableFromInline
package struct Call: Sendable {
    @usableFromInline let file: SourceFile
    @usableFromInline let line: UInt32

    @inlinable
    @inline(__always)
    init(_ file: SourceFile, _ line: UInt32) {
        self.file = file
        self.line = line
    }

    /// Where it stands: "Chat/Client.swift:12".
    package var place: String {
        guard let text = UnsafePointer<UInt8>(bitPattern: file.address) else {
            return "line \(line)"
        }
        return "\(String(cString: text)):\(line)"
    }
}

/// What a report tells of a parked task beside what it is parked on.
struct Stay: Sendable {
    let call: Call
    /// When the turn began in which it parked.
    let since: Instant
}
