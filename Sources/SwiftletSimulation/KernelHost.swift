import Syscalls

/// A simulated machine as the kernel sees it: its addresses, its descriptors and its clock.
struct KernelHost {
    let name: String
    /// Set while the machine has no power: nothing leaves it, and what arrives is lost.
    var isDown = false

    init(name: String) { self.name = name }
}

extension Kernel {
    /// Adds a host, which is up and has no socket.
    mutating func addHost(named name: String) -> HostID {
        hosts.append(KernelHost(name: name))
        return HostID(index: hosts.count - 1)
    }

    /// The present instant of a host's clock.
    func now(on host: HostID) -> Instant { now }

    /// The first instant of the world at which a host's clock shows at least `instant`.
    func worldInstant(of instant: Instant, on host: HostID) -> Instant { instant }

    /// Whether a wait of the host's driver would report something.
    func hasReadiness(on host: HostID) -> Bool { false }

    /// Takes the power from a host: its sockets are gone and tell nobody.
    mutating func crash(_ host: HostID) { hosts[host.index].isDown = true }

    /// Gives a host its power back: it has no socket and knows of no connection.
    mutating func restart(_ host: HostID) { hosts[host.index].isDown = false }

    /// Makes the clock of a host run fast by so many millionths from now on.
    mutating func setClockRate(of host: HostID, partsPerMillion rate: Int) {}

    /// Every socket of every host, a line each, for the report of a failure.
    var socketTable: [String] { [] }
}
