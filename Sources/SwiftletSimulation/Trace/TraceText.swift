import Drivers
import Swiftlet
import Syscalls

// A trace as text, a line for each event: the time, the host, and what happened.
//
//       1.250000000 client   task 3 is parked: to read from descriptor 5
extension Trace {
    /// The events that are kept, a line each.
    func text(hosts: [String]) -> [String] {
        let width = hosts.map(\.count).max() ?? 0
        return lines.map { line in
            let name = hosts[line.host.index]
            let padding = String(repeating: " ", count: width - name.count)
            return "\(line.time.asSeconds) \(name)\(padding)  \(words(of: line.event, hosts))"
        }
    }

    private func words(of event: Event, _ hosts: [String]) -> String {
        switch event {
        case .loop(let step): words(of: step)
        case .network(let step): step.text(hosts: hosts)
        case .fault(let step): step.text(hosts: hosts)
        case .host(let step): step.text(hosts: hosts)
        }
    }

    private func words(of step: LoopStep) -> String {
        switch step {
        case .ran(let task): "\(name(task)) runs"
        case .parked(let task, let cause, let deadline, let call, _):
            "\(name(task)) is parked at \(call.place): \(cause.text)"
                + (deadline == .never ? "" : ", until \(deadline.asSeconds)")
        case .unparked(let task, let wakeup): "\(name(task)) goes on: \(wakeup.text)"
        case .posted(let task): "\(name(task)) was resumed from outside of the host"
        }
    }

    private func name(_ task: TaskID) -> String {
        let known = tasks.known(task)
        let number = "task \(known?.number ?? 0)"
        return known?.name.map { "\(number) '\($0)'" } ?? number
    }
}

extension LoopStep {
    /// Adds what tells this step from others to a fingerprint.
    func mix(into digest: inout TraceDigest, numbering tasks: inout TaskNumbers) {
        switch self {
        case .ran(let task): digest.add(1, tasks.number(of: task))
        case .parked(let task, let place, let deadline, _, let name):
            digest.add(2, tasks.number(of: task))
            if let name { tasks.name(task, name) }
            digest.add(deadline.nanoseconds)
            if case .descriptor(let descriptor, let direction) = place {
                digest.add(Int(descriptor.number), direction == .read ? 1 : 2)
            }
        case .unparked(let task, let wakeup):
            digest.add(3, tasks.number(of: task))
            digest.add(wakeup.code)
        case .posted(let task): digest.add(4, tasks.number(of: task))
        }
    }
}

extension ParkedOn {
    fileprivate var text: String {
        switch self {
        case .descriptor(let descriptor, .read): "to read from descriptor \(descriptor.number)"
        case .descriptor(let descriptor, .write): "to write to descriptor \(descriptor.number)"
        case .sleep: "to sleep"
        }
    }
}

extension Wakeup {
    fileprivate var text: String {
        switch self {
        case .ready: "ready"
        case .timedOut: "its time has come"
        case .cancelled: "cancelled"
        case .closed: "closed"
        case .loopEnded: "the loop ends"
        case .busy: "another task is parked there"
        case .refused(let errno): "refused, \(errno)"
        }
    }

    fileprivate var code: Int {
        switch self {
        case .ready: 0
        case .timedOut: 1
        case .cancelled: 2
        case .closed: 3
        case .loopEnded: 4
        case .busy: 5
        case .refused(let errno): 1000 + Int(errno.rawValue)
        }
    }
}

extension Instant {
    /// The instant as seconds of the world, with all of its nine digits: "1.250000000".
    var asSeconds: String { nanoseconds.asSeconds }
}

extension Int64 {
    /// Nanoseconds as seconds with nine digits.
    fileprivate var asSeconds: String {
        let digits = String(magnitude % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - digits.count)
        return "\(self < 0 ? "-" : "")\(magnitude / 1_000_000_000).\(zeros)\(digits)"
    }
}
