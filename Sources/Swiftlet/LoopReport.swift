import Drivers
import Syscalls

// Who waits for what is put together only when somebody asks, so it may be slow: it looks at every
// parked task, and asks the kernel for addresses.
extension LoopExecutor {
    /// What every task waits for that is parked here, or that was spawned here and is not runnable:
    /// by descriptor, then sleepers by their deadline, then the others in the order of their start.
    ///
    /// The caller is on the loop's thread, or keeps the loop from turning.
    func parkReports() -> [ParkReport] {
        let children = children.withLock { $0.all }
        let names = names(of: children)
        var known = runnableTasks
        var reports: [ParkReport] = []
        for (descriptor, direction, parked) in state.lot.all {
            known.insert(parked.job.task)
            let name = names[parked.job.task]
            reports.append(report(of: parked, on: descriptor, for: direction, called: name))
        }
        for (deadline, due) in state.deadlines.all {
            guard case .sleep(let sleeper?) = due else { continue }
            known.insert(sleeper.job.task)
            let name = names[sleeper.job.task]
            reports.append(report(of: sleeper, until: deadline, called: name))
        }
        for child in children where !known.contains(child.task) {
            reports.append(
                ParkReport(
                    name: child.name, place: child.call.place, purpose: nil, waited: nil,
                    remaining: nil, task: TaskID(of: child.task)))
        }
        return reports
    }

    /// The names of tasks: those that were spawned with one, those that serve a connection, and
    /// what was noted when they parked.
    private func names(of children: [Children.Child]) -> [UInt: String] {
        var names = state.names
        for (task, id) in state.table.owned {
            // A connection that the kernel has given up has no address any more.
            let address = try? sockets.localAddress(id.descriptor)
            names[task] = address.map { "handler of \($0)" } ?? "handler"
        }
        for child in children { names[child.task] = child.name ?? names[child.task] }
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

    private func report(
        of parked: ParkedTask, on descriptor: RawDescriptor, for direction: Direction,
        called name: String?
    ) -> ParkReport {
        let deadline = parked.timer.map { state.deadlines.deadline(of: $0) }
        return ParkReport(
            name: name, place: parked.call.place,
            purpose: purpose(of: parked.call.operation, on: descriptor, for: direction),
            waited: parked.since.duration(to: now),
            remaining: deadline.map { max(.zero, now.duration(to: $0)) }, task: parked.job.id)
    }

    private func report(
        of sleeper: Sleeper, until deadline: Instant, called name: String?
    ) -> ParkReport {
        ParkReport(
            name: name, place: sleeper.call.place, purpose: "for its time to come",
            waited: sleeper.since.duration(to: now),
            remaining: max(.zero, now.duration(to: deadline)), task: sleeper.job.id)
    }

    private func purpose(
        of operation: IOError.Operation, on descriptor: RawDescriptor, for direction: Direction
    ) -> String {
        // An address that the kernel does not know any more is left out.
        let peer = state.targets[descriptor] ?? (try? sockets.remoteAddress(descriptor))
        let (words, address): (String, SocketAddress?) =
            switch operation {
            case .accept: ("to accept on", try? sockets.localAddress(descriptor))
            case .connect: ("to connect to", peer)
            case .write: ("to write to", peer)
            case .read: ("to read from", peer)
            default: (direction == .read ? "to read from" : "to write to", nil)
            }
        let place = address.map { "\($0), " } ?? ""
        return "\(words) \(place)\(descriptor)"
    }
}
