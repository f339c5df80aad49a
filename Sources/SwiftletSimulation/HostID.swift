/// The identity of a simulated host, in the order in which hosts were added, from 0.
struct HostID: Hashable, Comparable, Sendable {
    let index: Int

    /// What its addresses end in.
    var number: Int { index + 1 }

    static func < (left: HostID, right: HostID) -> Bool { left.index < right.index }
}
