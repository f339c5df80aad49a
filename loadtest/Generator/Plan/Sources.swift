import Flags
import Processes
import Syscalls

/// The local addresses that connections are opened from.
///
///     connection    0     1     2     3     4
///     place         0     1     0     1     0        two in use
///     address       .1    .2    .1    .2    .1       127.0.0.1 is the kernel's own choice
///
/// A port serves once for each pair of local address and target, so more connections than ports
/// need more addresses. On loopback every address of 127.0.0.0/8 is there for the asking (ip(7)):
/// more are taken by themselves, at the start when the ports would not do, and later when they ran
/// short, as they do when connections that were closed still hold theirs (TIME_WAIT).
package struct Sources: Sendable {
    /// The addresses that may be used; nil is the kernel's choice.
    private let addresses: [SocketAddress?]
    /// How many of them are in use.
    package private(set) var count: Int
    /// Ports that each address has towards the target.
    package let portsPerSource: Int
    /// Connections that hold a port together.
    package let needed: Int
    /// How far the dealing has been turned on since ports ran short.
    private var turn = 0

    /// The kernel's choice, which is 127.0.0.1, and its neighbours.
    private static let loopback: [SocketAddress?] =
        // What is written here is an address.
        [nil] + (2...254).compactMap { try? SocketAddress("127.0.0.\($0):0") }

    /// Twice as many ports as connections, and some: connect(2) tries every second port first, and
    /// from then on goes through all of those, which are taken, each time it looks for one of the
    /// others. On a range of 28,232 that is half a millisecond for each connection.
    private static let headRoom = 2.1

    /// Chooses the addresses for a plan where the kernel gives away these ports, but for those that
    /// are taken.
    package init(for plan: LoadPlan, ports: ClosedRange<Int>, taken: Set<Int> = []) {
        // A target whose own port lies in the range on this machine takes one away.
        let own = plan.target.isLoopback ? [Int(plan.target.port)] : []
        portsPerSource = ports.count - taken.union(own).count { ports.contains($0) }
        // A Unix socket has no port.
        needed = plan.target.isUnix ? 0 : plan.connections + plan.idle
        switch plan.source {
        case .addresses(let given) where !given.isEmpty:
            addresses = given
            count = given.count
        case .auto where plan.target.isLoopback && !plan.target.isIPv6 && needed > 0:
            addresses = Sources.loopback
            let wanted = Double(needed) * Sources.headRoom / Double(max(1, portsPerSource))
            count = max(1, min(addresses.count, Int(wanted.rounded(.up))))
        case .auto, .addresses:
            addresses = [nil]
            count = 1
        }
    }

    /// The addresses for a plan, by the ports that this machine has now.
    init(for plan: LoadPlan) {
        let ports = Sources.kernelPorts
        self.init(for: plan, ports: ports, taken: Sources.takenPorts(for: plan, ports: ports))
    }

    /// The ports that the kernel gives away; all, where it does not say: connect will.
    package static var kernelPorts: ClosedRange<Int> {
        (try? Machine.ephemeralPorts()) ?? 1...65_535
    }

    /// Ports that the kernel does not give to the plan's connections: reserved ones, those that
    /// something listens on, and those of connections to the same port that are there or have just
    /// been (TIME_WAIT).
    ///
    /// The sockets are looked at only where there are so many that the ports might not do: their
    /// tables have a line for each one, thousands after a few short runs.
    static func takenPorts(for plan: LoadPlan, ports: ClosedRange<Int>) -> Set<Int> {
        // What the kernel does not show is not counted: then connect finds out.
        func read(_ path: String) -> String { (try? File.read(path, atMost: 64 << 20)) ?? "" }
        let text = read("/proc/sys/net/ipv4/ip_local_reserved_ports")
        let reserved = takenPorts(reserved: text, tables: [], target: 0)
        // Sockets for datagrams are few, and leave nothing behind: connect finds them out.
        if plan.socket == .datagram { return reserved }
        let atBest = Sources(for: plan, ports: ports, taken: reserved)
        let sockets = sockets(in: [read("/proc/net/sockstat"), read("/proc/net/sockstat6")])
        if let sockets, atBest.wouldDo(withFewerPorts: sockets) { return reserved }
        return takenPorts(
            reserved: text, tables: [read("/proc/net/tcp"), read("/proc/net/tcp6")],
            target: Int(plan.target.port))
    }

    /// Whether one address has ports for all connections when it loses so many of them.
    func wouldDo(withFewerPorts lost: Int) -> Bool {
        Double(needed) * Sources.headRoom <= Double(portsPerSource - lost)
    }

    /// The TCP sockets of this machine, from the texts of `/proc/net/sockstat` and `sockstat6`:
    /// "TCP: inuse 11 orphan 0 tw 204 alloc 11 mem 0". Nil where they do not say.
    static func sockets(in texts: [String]) -> Int? {
        var sum: Int?
        for line in texts.joined(separator: "\n").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields[0] == "TCP:" || fields[0] == "TCP6:" else { continue }
            for (name, number) in zip(fields, fields.dropFirst())
            where ["inuse", "tw"].contains(name) {
                sum = (sum ?? 0) + (Int(number) ?? 0)
            }
        }
        return sum
    }

    /// Takes the texts of `ip_local_reserved_ports` ("8080,9000-9010"), and of `/proc/net/tcp` and
    /// `/proc/net/tcp6`, which have a line for each socket: its number, its two addresses with
    /// their ports in hexadecimal, its state (0A is listening).
    static func takenPorts(reserved: String, tables: [String], target: Int) -> Set<Int> {
        var taken: Set<Int> = []
        for part in reserved.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let ends = part.split(separator: "-").compactMap { Int($0) }
            if let first = ends.first, let last = ends.last, first <= last {
                taken.formUnion(first...last)
            }
        }
        for table in tables { takePorts(in: table, target, into: &taken) }
        return taken
    }

    /// Goes over a table of sockets once, byte by byte: it may have tens of thousands of lines.
    private static func takePorts(in table: String, _ target: Int, into taken: inout Set<Int>) {
        let listening = 0x0A
        // The number that a field ends with, after its last colon.
        var (field, number, isBlank, isNumber) = (0, 0, true, true)
        var (local, remote) = (0, 0)
        Array(table.utf8).withUnsafeBytes { bytes in
            for byte in bytes {
                switch byte {
                case UInt8(ascii: "\n"):
                    (field, number, isBlank, isNumber) = (0, 0, true, true)
                case UInt8(ascii: " "):
                    if isBlank { continue }
                    if field == 1 { local = number }
                    if field == 2 { remote = number }
                    if field == 3, isNumber, number == listening || remote == target {
                        taken.insert(local)
                    }
                    (field, number, isBlank) = (field + 1, 0, true)
                case _ where field > 3: continue
                case UInt8(ascii: ":"):
                    number = 0
                default:
                    isBlank = false
                    let letter = byte >= UInt8(ascii: "A")
                    let digit = Int(byte) - (letter ? 0x37 : 0x30)
                    isNumber = isNumber && (letter ? 10..<16 : 0..<10).contains(digit)
                    number = (number << 4 | digit & 0xF) & 0xFFFF
                }
            }
        }
    }

    /// Addresses that may be in use at most.
    package var most: Int { addresses.count }

    /// What was added and why, in a line for the report; nil when the kernel's choice does.
    package var summary: String? {
        guard count > 1, addresses[0] == nil, let last = addresses[count - 1] else { return nil }
        return "\(Units.text(portsPerSource)) per source; \(Units.text(needed)) needed -> "
            + "127.0.0.1 to \(last.host)"
    }

    /// Where in the row a connection begins to look for a port.
    func place(forConnection number: Int) -> Int { (number + turn) % count }

    /// The address at a place; nil leaves it to the kernel.
    subscript(place: Int) -> SocketAddress? { addresses[place % addresses.count] }

    /// Where to look next when the address at a place has no port left.
    mutating func place(afterShortageAt place: Int) -> Int {
        if count < most {
            count += 1
            return count - 1
        }
        // The next connection need not find out the same.
        turn = (turn + 1) % count
        return (place + 1) % count
    }
}

extension RawDescriptor {
    /// Gives a socket that is to connect its local address, and leaves the port to connect(2).
    ///
    /// A plain bind would take the port from every other target too. An address with a port of its
    /// own gets just that.
    func bind(toSource address: SocketAddress) throws(Errno) {
        try setOption(.bindsLate, to: 1)
        try bind(to: address)
    }
}
