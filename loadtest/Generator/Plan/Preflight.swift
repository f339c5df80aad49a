import Flags
import Statistics
import Syscalls

/// What a plan needs from the system, checked before the first connection is opened.
package enum Preflight {
    /// The system gives less than the plan needs: numbers, and the command that would help.
    package enum Shortage: Error, Equatable, Sendable, CustomStringConvertible {
        /// Fewer descriptors than needed, although the soft limit is as high as the hard one.
        case descriptors(needed: Int, allowed: Int)
        /// Fewer local ports towards the target than connections, from so many addresses.
        case ports(needed: Int, perSource: Int, sources: Int)

        /// What is short, in numbers.
        package var description: String {
            switch self {
            case .descriptors(let needed, let allowed):
                "\(Units.text(needed)) descriptors are needed, and this process may open "
                    + Units.text(allowed)
            case .ports(let needed, let perSource, let sources):
                "\(Units.text(needed)) local ports are needed, and there are "
                    + "\(Units.text(perSource)) towards one target"
                    + (sources == 1 ? "" : " from each of \(sources) addresses")
            }
        }

        /// What would help: a command for a shell, or an option.
        package var remedy: String {
            switch self {
            case .descriptors(let needed, _):
                "ulimit -n \(needed)   (in a container: docker run --ulimit nofile=\(needed))"
            case .ports:
                "sysctl -w net.ipv4.ip_local_port_range='1024 65535', or more --source addresses"
            }
        }
    }

    /// Descriptors that a worker needs besides its connections: the driver's, its wake, and ours.
    private static let descriptorsPerThread = 3
    /// For standard streams, pipes to the server, and files of the report.
    private static let descriptorsBesides = 32

    /// Descriptors that the plan needs in this process, or in each of its threads where those have
    /// tables of their own.
    package static func descriptorsNeeded(for plan: LoadPlan) -> Int {
        let threads = plan.threads * descriptorsPerThread + descriptorsBesides
        guard plan.separatesDescriptors else { return plan.connections + plan.idle + threads }
        return share(of: plan.connections, for: 0, among: plan.threads).count
            + share(of: plan.idle, for: 0, among: plan.threads).count + threads
    }

    /// The fewest threads, each with descriptors of its own, that hold the plan's connections; nil
    /// where no number of them does.
    package static func shardsNeeded(for plan: LoadPlan, descriptors: Int) -> Int? {
        var plan = plan
        plan.separatesDescriptors = true
        return (1...min(plan.connections, LoadPlan.threadsMax)).first { count in
            plan.threads = count
            return descriptorsNeeded(for: plan) <= descriptors
        }
    }

    /// Decides from numbers alone.
    package static func check(
        _ plan: LoadPlan,
        descriptors: Int,
        ports: ClosedRange<Int>,
        taken: Set<Int> = []
    ) throws(Shortage) {
        let needed = descriptorsNeeded(for: plan)
        if needed > descriptors { throw .descriptors(needed: needed, allowed: descriptors) }
        let sources = Sources(for: plan, ports: ports, taken: taken)
        if sources.needed > sources.portsPerSource * sources.most {
            throw .ports(
                needed: sources.needed,
                perSource: sources.portsPerSource,
                sources: sources.most
            )
        }
    }

    /// Raises the soft limit on descriptors to the hard one, and checks the plan.
    package static func prepare(for plan: LoadPlan) throws(Shortage) {
        // Where the kernel does not say, the calls themselves will.
        let limit = (try? DescriptorLimit.raise())?.soft ?? .max
        let ports = Sources.kernelPorts
        try check(
            plan, descriptors: limit, ports: ports,
            taken: Sources.takenPorts(for: plan, ports: ports))
    }
}
