import Drivers
import Swiftlet
import Syscalls

// What a trace is told, each kind of step with its words and with what tells it from others.

/// Something that a trace is told by the simulation itself.
///
/// The same in every run: no address of memory, no number that the process counts.
protocol TraceStep: Sendable {
    /// What happened, as the rest of a line that begins with the time and the host.
    func text(hosts: [String]) -> String
    /// Adds what tells this step from others to the fingerprint.
    func mix(into digest: inout TraceDigest)
}

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
        case .datagram(let step): step.text(hosts: hosts)
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
        case .failed(let name, let call, let error): "'\(name)' at \(call.place) failed: \(error)"
        }
    }

    private func name(_ task: TaskID) -> String {
        let known = tasks.known(task)
        let number = "task \(known?.number ?? 0)"
        return known?.name.map { "\(number) '\($0)'" } ?? number
    }
}

// MARK: Loops

extension LoopStep {
    /// Adds what tells this step from others to a fingerprint.
    func mix(into digest: inout TraceDigest, numbering tasks: inout TaskNumbers) {
        switch self {
        case .ran(let task): digest.add(1, tasks.number(of: task))
        case .parked(let task, let place, let deadline, _, let name):
            digest.add(2, tasks.number(of: task))
            if let name { tasks.name(task, name) }
            digest.add(deadline.nanoseconds)
            switch place {
            case .descriptor(let descriptor, let direction):
                digest.add(Int(descriptor.number), direction == .read ? 1 : 2)
            case .listener(let descriptor): digest.add(Int(descriptor.number), 1)
            case .sleep, .meetingPoint: break
            }
        case .unparked(let task, let wakeup):
            digest.add(3, tasks.number(of: task))
            digest.add(wakeup.code)
        case .posted(let task): digest.add(4, tasks.number(of: task))
        case .failed: digest.add(5)
        }
    }
}

extension ParkedOn {
    fileprivate var text: String {
        switch self {
        case .descriptor(let descriptor, .read): "to read from descriptor \(descriptor.number)"
        case .descriptor(let descriptor, .write): "to write to descriptor \(descriptor.number)"
        case .listener(let descriptor): "to accept on descriptor \(descriptor.number)"
        case .sleep: "to sleep"
        case .meetingPoint(let operation): "to \(operation.rawValue)"
        }
    }
}

extension Wakeup {
    fileprivate var text: String {
        switch self {
        case nil: "ready"
        case .timedOut: "its time has come"
        case .cancelled: "cancelled"
        case .closed: "closed"
        case .loopEnded: "the loop ends"
        case .busy: "another task is parked there"
        case .system(let errno): "refused, \(errno)"
        default: "no reason to park"
        }
    }

    fileprivate var code: Int {
        switch self {
        case nil: 0
        case .timedOut: 1
        case .cancelled: 2
        case .closed: 3
        case .loopEnded: 4
        case .busy: 5
        case .system(let errno): 1000 + Int(errno.rawValue)
        default: 6
        }
    }
}

// MARK: The network

/// What a trace tells of the network: what became of a segment of a connection, seen by a host.
struct NetworkStep: TraceStep, Equatable {
    enum Fate: Int, Sendable {
        case sent
        /// It waits for a partition to heal, or for a machine that is down.
        case held
        case arrived
        /// It came to nothing: the machine was down.
        case lost
    }

    let fate: Fate
    let segment: Segment
    /// The connection's number in the order in which they were begun, from 1.
    let connection: Int
    /// The other host.
    let other: HostID
}

extension NetworkStep {
    /// As in "connection 3: 1448 bytes sent to server".
    func text(hosts: [String]) -> String {
        let preposition = fate == .sent || fate == .held ? "to" : "from"
        return "connection \(connection): \(segment) \(fate) \(preposition) \(hosts[other.index])"
    }

    func mix(into digest: inout TraceDigest) {
        digest.add(fate.rawValue, connection, other.index)
        segment.mix(into: &digest)
    }
}

/// What a trace tells of the network: what became of a datagram, seen by a host.
struct DatagramStep: TraceStep, Equatable {
    enum Fate: Int, Sendable {
        case sent, arrived
        /// It comes to nothing: a fault has it, or the machine was down.
        case lost
        /// The receiver had no room for it.
        case dropped
        /// The sender was told that no socket receives there.
        case refused
    }

    let fate: Fate
    /// Its bytes.
    let count: Int
    /// In the order in which datagrams were sent, from 1.
    let number: Int
    /// The other host.
    let other: HostID

    /// As in "datagram 3: 12 bytes sent to server".
    func text(hosts: [String]) -> String {
        let name = hosts[other.index]
        let words =
            switch fate {
            case .sent: "sent to \(name)"
            case .arrived: "arrived from \(name)"
            case .lost: "lost between here and \(name)"
            case .dropped: "dropped, from \(name)"
            case .refused: "refused by \(name)"
            }
        return "datagram \(number): \(count) bytes \(words)"
    }

    func mix(into digest: inout TraceDigest) {
        digest.add(fate.rawValue, count, number, other.index)
    }
}

extension Segment: CustomStringConvertible {
    /// What it is called in a trace, by the names of RFC 9293.
    var description: String {
        switch self {
        case .synchronize: "SYN"
        case .accept: "SYN-ACK"
        case .bytes(let count): "\(count) bytes"
        case .acknowledge(let count): "ACK of \(count) bytes"
        case .finish: "FIN"
        case .reset: "RST"
        }
    }
}

extension Segment {
    fileprivate func mix(into digest: inout TraceDigest) {
        switch self {
        case .synchronize: digest.add(1)
        case .accept: digest.add(2)
        case .bytes(let count): digest.add(3, count)
        case .acknowledge(let count): digest.add(4, count)
        case .finish: digest.add(5)
        case .reset: digest.add(6)
        }
    }
}

// MARK: Faults

/// What a trace tells of the faults.
enum FaultStep: TraceStep {
    /// A fault came into force.
    case began(FaultRule)
    /// A fault is in force no longer.
    case ended(FaultRule)
    /// So many connections between two hosts were reset.
    case reset(HostID, HostID, connections: Int)

    func text(hosts: [String]) -> String {
        switch self {
        case .began(let rule): "fault \(rule.id.number) begins: \(rule.fault) \(rule.scope)"
        case .ended(let rule): "fault \(rule.id.number) ends: \(rule.fault) \(rule.scope)"
        case .reset(let left, let right, let count):
            "\(count) connections of \(hosts[left.index]) and \(hosts[right.index]) reset"
        }
    }

    func mix(into digest: inout TraceDigest) {
        switch self {
        case .reset(let left, let right, let count):
            digest.add(1, left.index, right.index, count)
        case .began(let rule):
            digest.add(2, rule.id.number)
            // Faults are few: their words tell them apart well enough.
            for byte in "\(rule.fault) \(rule.scope)".utf8 { digest.add(Int(byte)) }
        case .ended(let rule): digest.add(3, rule.id.number)
        }
    }
}

// MARK: Hosts

/// What a trace tells of the hosts themselves.
enum HostStep: TraceStep {
    case crashed
    case restarted
    /// A task that was started on the host from outside threw an error.
    case threw(task: String, error: String)
    /// What the test says itself.
    case noted(String)

    func text(hosts: [String]) -> String {
        switch self {
        case .crashed: "the host crashed"
        case .restarted: "the host came back"
        case .threw(let task, let error): "task '\(task)' threw: \(error)"
        case .noted(let text): "# \(text)"
        }
    }

    /// The words of an error are left out: they may hold an address of the machine's memory.
    func mix(into digest: inout TraceDigest) {
        switch self {
        case .crashed: digest.add(1)
        case .restarted: digest.add(2)
        case .threw: digest.add(3)
        case .noted(let text):
            digest.add(4)
            for byte in text.utf8 { digest.add(Int(byte)) }
        }
    }
}
