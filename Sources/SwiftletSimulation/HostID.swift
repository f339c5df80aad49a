/// The identity of a simulated host, in the order in which hosts were added, from 0.
struct HostID: Hashable, Comparable, Sendable {
    let index: Int

    static func < (left: HostID, right: HostID) -> Bool { left.index < right.index }
}
