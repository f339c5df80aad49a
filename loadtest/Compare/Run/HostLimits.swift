import Flags
import Processes
import Syscalls

/// Whether this machine can hold what a server needs for so many connections, before it is tried.
///
/// Decided from numbers alone; what only the kernel can say, the server's own words say when it
/// does not start.
package struct HostLimits: Sendable, Equatable {
    /// Limits on processes and threads.
    package var tasks: ProcessLimits
    /// Descriptors that a process may open.
    package var descriptors: Int

    /// Tasks for the server's first process, and for others to come and go meanwhile.
    private static let tasksBesides = 64
    /// Descriptors for standard streams, the listener and what a driver takes.
    private static let descriptorsBesides = 32

    package init(tasks: ProcessLimits, descriptors: Int) {
        self.tasks = tasks
        self.descriptors = descriptors
    }

    /// For each arm the pipes of its server and what a driver of ours takes, and some to spare.
    private static let descriptorsPerArm = 12

    /// How many arms may be connected at once from this side, with so many connections each.
    package func armsAtOnce(connections: Int) -> Int {
        max(0, descriptors - Self.descriptorsBesides) / (connections + Self.descriptorsPerArm)
    }

    /// In how many groups so many arms are connected, each beside the baseline.
    package func groups(of others: Int, connections: Int) -> Int {
        let most = max(1, armsAtOnce(connections: connections) - 1)
        return (others + most - 1) / most
    }

    /// Why no arm can be connected beside the baseline, with so many connections each; nil if one
    /// can.
    package func objectionToPairs(connections: Int) -> String? {
        guard armsAtOnce(connections: connections) < 2 else { return nil }
        let needed = 2 * (connections + Self.descriptorsPerArm) + Self.descriptorsBesides
        return "\(Units.text(needed)) descriptors are needed for two servers at once, and this "
            + "process may open \(Units.text(descriptors))\n  try: ulimit -n \(needed)"
    }

    /// Reads the limits of this machine.
    package static func current() -> HostLimits {
        // Where the kernel does not say, the calls themselves will.
        let descriptors = (try? DescriptorLimit.current().hard) ?? .max
        return HostLimits(tasks: .current(), descriptors: descriptors)
    }

    /// Why a server of that shape cannot be hosted with so many connections; nil if it can.
    package func objection(to shape: Contender.Shape, connections: Int) -> String? {
        switch shape {
        case .oneAtATime: return nil
        case .together:
            let needed = connections + Self.descriptorsBesides
            guard needed > descriptors else { return nil }
            return "\(Units.text(needed)) descriptors are needed, and a process may open "
                + "\(Units.text(descriptors)): raise ulimit -n"
        case .taskEach:
            let needed = connections + Self.tasksBesides
            guard let limit = tasks.tightest, limit.left < needed else { return nil }
            return "\(Units.text(needed)) processes or threads are needed, and \(limit.name) of "
                + "\(Units.text(limit.most)) leaves \(Units.text(limit.left))"
        }
    }
}
