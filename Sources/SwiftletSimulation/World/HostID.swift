/// The identity of a simulated host, in the order in which hosts were added, from 0.
struct HostID: Hashable, Sendable {
    let index: Int
}
