import Drivers
import Syscalls

/// What a descriptor of a simulated host stands for.
///
///     fresh      neither a listener nor an end       bound or not
///     listening  a listener
///     connected  an end, in whatever state that is
struct KernelSocket {
    /// Set by the table while the number is given out.
    var isOpen = false
    let isIPv6: Bool
    /// The options, until there is an end, which has its own.
    var options = SocketOptions()
    /// The local address; nil when nobody has chosen one.
    var local: Endpoint?
    /// Whether the port is the program's choice or `bind`'s, and so stands in the host's table.
    var isBound = false
    var listener: Listener?
    var end: EndID?
    /// Whether connect(2) was called, and has not yet said how it ended.
    var isConnecting = false

    /// What the driver is asked for.
    var interest = Interest.none
    /// Whether it stands in the list of those that may be ready.
    var isListed = false

    init(isIPv6: Bool) { self.isIPv6 = isIPv6 }
}

/// A socket that queues connections.
struct Listener {
    /// One more than so many wait, as in Linux.
    var backlog: Int
    /// Ends that were answered, and hold a place.
    var greeted: [EndID] = []
    /// Connections that are up and wait for accept(2).
    var queue = FIFO<EndID>()

    var isFull: Bool { greeted.count + queue.count > backlog }
}
