/// Faults with their instants: what goes wrong, where, from when on and for how long.
///
/// ```swift
/// let plan = FaultPlan.random(seed: 42, count: 20, among: [client, server], within: .seconds(60))
/// world.network.apply(plan)
/// print(plan)     //  12.5 s, for 300 ms: partition between client and server
/// ```
///
/// When a plan makes a test fail, leave out of `entries` one after the other, or halves of them,
/// for as long as the test still fails: what is left says why.
public struct FaultPlan: Hashable, Sendable {
    /// One fault of a plan.
    public struct Entry: Hashable, Sendable {
        /// When it begins, counted from when the plan is applied.
        public var start: Duration
        /// How long it lasts; a reset takes no time.
        public var time: Duration
        /// What goes wrong.
        public var fault: Fault
        /// Where it goes wrong.
        public var scope: FaultScope

        /// A fault that begins at `start` and lasts for `time`.
        public init(
            _ fault: Fault, _ scope: FaultScope, after start: Duration, for time: Duration
        ) {
            fault.check(in: scope)
            self.fault = fault
            self.scope = scope
            self.start = start
            self.time = time
        }
    }

    /// The faults, in any order; of those that begin at the same instant the later one wins.
    public var entries: [Entry]

    /// A plan of these faults.
    public init(_ entries: [Entry] = []) { self.entries = entries }

    /// When the last fault ends, counted from when the plan is applied.
    public var end: Duration { entries.map { $0.start + $0.time }.max() ?? .zero }
}

extension FaultPlan.Entry: CustomStringConvertible {
    /// When, how long, what and where: "12.5 s, for 300 ms: partition between client and server".
    public var description: String {
        let length = fault == .reset ? "" : ", for \(time.inUnits)"
        return "\(start.inUnits)\(length): \(fault) \(scope)"
    }
}

extension FaultPlan: CustomStringConvertible {
    /// The faults in the order in which they begin, a line each.
    public var description: String {
        // Sorting is stable, and so entries of one instant keep their order.
        entries.sorted { $0.start < $1.start }.map(\.description).joined(separator: "\n")
    }
}

extension Network {
    /// Plans every fault of a plan, counted from now; says how to end each, in the plan's order.
    @discardableResult public func apply(_ plan: FaultPlan) -> [InjectedFault] {
        plan.entries.map { inject($0.fault, $0.scope, after: $0.start, for: $0.time) }
    }
}
