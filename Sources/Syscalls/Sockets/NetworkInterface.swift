import Glibc

/// A network interface of this machine, such as "lo" or "eth0" (netdevice(7)).
///
/// Sockets name one by its index: `SocketOption.boundInterface`, which does what `SO_BINDTODEVICE`
/// does by a name, the options for multicast, and the groups that a `DatagramSocket` joins.
public struct NetworkInterface: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its number, from 1.
    public let index: Int

    /// The interface of a name (if_nametoindex(3)).
    ///
    /// - Throws: `Errno`, "No such device" where there is none.
    public init(named name: String) throws(Errno) {
        // C takes a text to its first zero byte, and would not see what stands behind it.
        if name.utf8.contains(0) { throw .noDevice }
        let index = if_nametoindex(name)
        if index == 0 { throw Errno.current }
        self.name = name
        self.index = Int(index)
    }

    /// All interfaces, in the order of their indices (if_nameindex(3)); none where they cannot be
    /// told.
    public static var all: [NetworkInterface] {
        guard let list = if_nameindex() else { return [] }
        defer { if_freenameindex(list) }
        var found: [NetworkInterface] = []
        var next = list
        while next.pointee.if_index != 0, let name = next.pointee.if_name {
            found.append(
                NetworkInterface(name: String(cString: name), index: next.pointee.if_index))
            next += 1
        }
        return found.sorted { $0.index < $1.index }
    }

    private init(name: String, index: CUnsignedInt) {
        self.name = name
        self.index = Int(index)
    }
}
