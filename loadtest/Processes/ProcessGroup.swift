import Glibc
import Syscalls

/// The processes that a server consists of: it and what it forked, which stay in the group that it
/// was started in (credentials(7)).
package enum ProcessGroup {
    /// The numbers of all processes of a group, of those that are ending too; none when there is
    /// no such group (proc(5)).
    package static func members(of group: CInt) -> [CInt] {
        ProcessTree.numbers(in: "/proc").filter { self.group(of: $0) == group }
    }

    /// Bytes of the group's memory that are in RAM; what its processes share counts for each.
    package static func residentBytes(of group: CInt) -> Int {
        // One that has just ended has none.
        members(of: group).reduce(0) { $0 + ((try? ProcessUsage.read($1).residentBytes) ?? 0) }
    }

    private static func group(of process: CInt) -> CInt? {
        let group = getpgid(process)
        return group < 0 ? nil : group
    }
}
