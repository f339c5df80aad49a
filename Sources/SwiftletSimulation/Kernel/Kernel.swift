import Drivers
import Swiftlet
import Syscalls

/// Everything that a simulated world knows but no task does: the clock, the hosts, their sockets,
/// what is under way between them, the faults, and the trace.
///
///     hosts        [ host | host | … ]      descriptors, ports, readiness, a clock   (KernelHost)
///     connections  [ a ⇄ b | a ⇄ b | … ]    both ends and their bytes                (Connections)
///     wires        [ a → b | b → a | … ]    what is under way, and all timers        (Wires)
///     faults       [ rule | rule | … ]      what goes wrong                          (Faults)
///
/// Each of these is a value that answers what is to be done; the kernel does it, and tells the
/// others: `Kernel+Calls.swift` for what programs ask, `Kernel+Segments.swift` for what arrives,
/// `Kernel+Datagrams.swift` for both of datagrams, `Kernel+Faults.swift` for what goes wrong.
///
/// A pure value: it runs no task and reads no clock of the machine. Sockets and drivers of all
/// hosts share one behind a lock (`SharedKernel`); everything happens on the simulation's thread.
struct Kernel {
    /// The world's own time; each host's clock is derived from it.
    private(set) var now = Instant(nanoseconds: 0)
    var hosts: [KernelHost] = []
    var connections = Connections()
    var wires = Wires()
    var faults = Faults()
    /// What names mean that a test has given addresses to; looked up, never listed.
    var names: [String: [SocketAddress]] = [:]
    /// What happens in the network and to the calls.
    var random: SeededRandom
    var trace = Trace()
    /// How many segments were sent, held, taken and lost.
    var segmentCount = 0
    /// How many datagrams were sent.
    var datagramCount = 0

    init(random: SeededRandom) { self.random = random }

    // MARK: Time

    /// When the next thing happens by itself; `.never` when nothing is under way.
    var nextEvent: Instant { wires.nextEvent }

    /// Moves the clock on to an instant that is not before now.
    mutating func move(to instant: Instant) { now = max(now, instant) }

    /// Makes the next event happen, if one is due now; says whether one was.
    mutating func happen() -> Bool {
        guard let event = wires.popDue(at: now) else { return false }
        switch event {
        case .faultBegins(let id): begin(id)
        case .faultEnds(let id): heal(id)
        case .arrival(let end): deliver(from: end)
        case .repeatedRequest(let end): askAgain(end)
        case .givingUp(let end): giveUp(end)
        case .datagram(let datagram): deliver(datagram)
        case .refusal(let datagram): noteRefusal(of: datagram)
        }
        return true
    }

    /// The present instant of a host's clock.
    func now(on host: HostID) -> Instant { hosts[host].clock.reading(at: now) }

    /// The first instant of the world at which a host's clock shows at least `instant`.
    func worldInstant(of instant: Instant, on host: HostID) -> Instant {
        hosts[host].clock.worldInstant(of: instant)
    }

    // MARK: Hosts

    /// The most hosts of a simulation: as many as 10.0.0.0/16 has addresses.
    private static let hostsMax = 65_534

    /// Adds a host, which is up and has no socket.
    mutating func addHost(named name: String) -> HostID {
        precondition(hosts.count < Kernel.hostsMax, "a simulation has at most 65,534 hosts")
        hosts.append(KernelHost(name: name))
        return HostID(index: hosts.count - 1)
    }

    /// Takes the power from a host: its sockets are gone without a word to their peers.
    ///
    /// What it has sent is under way and arrives; what it had yet to send, or to send again, is
    /// lost.
    mutating func crash(_ host: HostID) {
        hosts[host].crash()
        for end in connections.all where connections[end].host == host {
            guard connections[end].state != .absent else { continue }
            connections.forget(end, losing: wires.dropHeld(on: end))
            vanish(end)
            transmit(from: end.peer)
        }
    }

    /// Gives a host its power back: it has no socket and knows of no connection.
    mutating func restart(_ host: HostID) {
        hosts[host].restart()
        resendHeld()
    }

    // MARK: The report

    /// Every socket of every host, a line each, and then the ends that have none (any more).
    var socketTable: [String] {
        hosts.indices.flatMap { index in
            let (id, host) = (HostID(index: index), hosts[index])
            let open = host.openSockets.map { socket in
                let file = host[socket].file ?? socket
                return "\(host.name)  \(socket)  "
                    + (host[file].end.map { connections.text(of: $0) } ?? "\(host[file])")
            }
            let others = connections.all.filter { end in
                let end = connections[end]
                return end.host == id && end.descriptor == nil && end.state != .absent
            }
            return open + others.map { "\(host.name)  -  \(connections.text(of: $0))" }
        }
    }
}

/// Something that happens by itself, at an instant that is known before.
enum KernelEvent {
    case faultBegins(FaultRule.ID)
    case faultEnds(FaultRule.ID)
    /// The first segment that an end has under way arrives.
    case arrival(from: EndID)
    /// An end that connects asks again, or gives up.
    case repeatedRequest(EndID)
    /// An end gives up what it has sent again and again.
    case givingUp(EndID)
    /// A datagram arrives.
    case datagram(KernelDatagram)
    /// The word arrives that no socket receives where a datagram was sent to.
    case refusal(KernelDatagram)
}
