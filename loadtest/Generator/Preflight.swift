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
        package var description: String { "" }
        /// A command for a shell that would help.
        package var remedy: String { "" }
    }

    /// Descriptors that the plan needs in this process.
    package static func descriptorsNeeded(for plan: LoadPlan) -> Int { 0 }

    /// Decides from numbers alone.
    package static func check(
        _ plan: LoadPlan, descriptors: Int, ports: ClosedRange<Int>
    ) throws(Shortage) {}

    /// Raises the soft limit on descriptors as far as it goes, and checks the plan against this system.
    package static func prepare(for plan: LoadPlan) throws(Shortage) {}
}
