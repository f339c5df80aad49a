import Syscalls

/// What a plan needs from the system, checked before the first connection is opened.
package enum Preflight {
    /// The system gives less than the plan needs: numbers, and the command that would help.
    package enum Shortage: Error, Equatable, Sendable, CustomStringConvertible {
        /// Fewer descriptors than needed, although the soft limit is as high as the hard one.
        case descriptors(needed: Int, allowed: Int)
        /// Fewer local ports towards one target than connections.
        case ports(needed: Int, available: Int)

        /// What is short, in numbers.
        package var description: String {
            switch self {
            case .descriptors(let needed, let allowed):
                "\(needed) descriptors are needed, and this process may open \(allowed)"
            case .ports(let needed, let available):
                "\(needed) local ports are needed, and there are \(available) towards one target"
            }
        }

        /// A command for a shell that would help.
        package var remedy: String {
            switch self {
            case .descriptors(let needed, _):
                "ulimit -n \(needed)   (in a container: docker run --ulimit nofile=\(needed))"
            case .ports:
                "sysctl -w net.ipv4.ip_local_port_range='1024 65535'"
            }
        }
    }

    /// Descriptors that a worker needs besides its connections: the driver's, its wake, and ours.
    private static let descriptorsPerThread = 3
    /// For standard streams, pipes to the server, and files of the report.
    private static let descriptorsBesides = 32

    /// Descriptors that the plan needs in this process.
    package static func descriptorsNeeded(for plan: LoadPlan) -> Int {
        plan.connections + plan.threads * descriptorsPerThread + descriptorsBesides
    }

    /// Decides from numbers alone.
    package static func check(
        _ plan: LoadPlan,
        descriptors: Int,
        ports: ClosedRange<Int>
    ) throws(Shortage) {
        let needed = descriptorsNeeded(for: plan)
        if needed > descriptors { throw .descriptors(needed: needed, allowed: descriptors) }
        // A target whose own port lies in the range on this machine takes one away.
        let isTaken = plan.target.isLoopback && ports.contains(Int(plan.target.port))
        let available = ports.count - (isTaken ? 1 : 0)
        if plan.connections > available {
            throw .ports(needed: plan.connections, available: available)
        }
    }

    /// Raises the soft limit on descriptors to the hard one, and checks the plan.
    package static func prepare(for plan: LoadPlan) throws(Shortage) {
        // Where the kernel does not say, the calls themselves will.
        let limit = (try? DescriptorLimit.raise())?.soft ?? .max
        let ports = (try? ephemeralPorts()) ?? 1...65_535
        try check(plan, descriptors: limit, ports: ports)
    }
}
