import Syscalls

/// A simulated machine as the kernel sees it: its addresses, its descriptors and its clock.
struct KernelHost {
    let name: String
    /// Set while the machine has no power: nothing leaves it, and what arrives is lost.
    var isDown = false
    /// How often it lost its power: what was opened before then is gone.
    var crashes = 0
    var descriptors = DescriptorTable()
    /// Numbers that were closed with interest in them, against the contract of drivers.
    var closedWhileWatched: [RawDescriptor] = []
    /// How many sockets it may have open at once; one more is `EMFILE`.
    var descriptorLimit = 20_000
    var ports = PortTable()
    var clock = KernelClock()

    init(name: String) { self.name = name }
}

extension Kernel {
    /// Adds a host, which is up and has no socket.
    mutating func addHost(named name: String) -> HostID {
        precondition(hosts.count < Kernel.hostsMax, "a simulation has at most 65,534 hosts")
        hosts.append(KernelHost(name: name))
        return HostID(index: hosts.count - 1)
    }

    /// The present instant of a host's clock.
    func now(on host: HostID) -> Instant { hosts[host.index].clock.reading(at: now) }

    /// The first instant of the world at which a host's clock shows at least `instant`.
    func worldInstant(of instant: Instant, on host: HostID) -> Instant {
        hosts[host.index].clock.worldInstant(of: instant)
    }

    /// Sets a host's clock forward, and lets it run faster than the world's by a rate in parts per
    /// million, or slower by a negative one.
    mutating func setClock(
        of host: HostID, forwardBy nanoseconds: Int64 = 0, partsPerMillion rate: Int64
    ) {
        hosts[host.index].clock.set(forwardBy: nanoseconds, partsPerMillion: rate, at: now)
    }

    /// Takes the power from a host: its sockets are gone and tell nobody.
    ///
    /// What it has sent is under way and arrives; what it had yet to send, or to send again, is
    /// lost.
    mutating func crash(_ host: HostID) {
        hosts[host.index].isDown = true
        hosts[host.index].crashes += 1
        hosts[host.index].descriptors = DescriptorTable()
        for index in ends.indices where ends[index].host == host {
            guard ends[index].state != .absent else { continue }
            ends[index].isForgotten = true
            ends[index].stream.dropHeld()
            ends[index].stream.dropUnsent()
            vanish(EndID(index: index))
            transmit(from: EndID(index: index).peer)
        }
        hosts[host.index].ports = PortTable()
    }

    /// Gives a host its power back: it has no socket and knows of no connection.
    mutating func restart(_ host: HostID) {
        hosts[host.index].isDown = false
        resendHeld()
    }
}
