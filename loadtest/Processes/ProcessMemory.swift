import Glibc
import Syscalls

/// Memory of processes that is in RAM, in bytes (proc(5)).
///
/// What the kernel holds for them is in no figure: socket buffers, page tables, kernel stacks.
package struct ProcessMemory: Sendable, Equatable {
    /// What they have written to or share among themselves: heaps, stacks, changed data.
    ///
    /// The kernel divides a page that n processes map by n (`Pss_Anon`, `Pss_Shmem`), so that the
    /// pages that children still share with their parent count once.
    package var anonymous = 0
    /// Programs and libraries: those of the member that maps most of them, since the others map the
    /// same. Whether a stranger maps them too does not matter, as it would in a share.
    package var files = 0
    /// Whether what they share was divided. Where the kernel does not let us read the shares, each
    /// process counts all that it maps.
    package var isDivided = true

    package init() {}

    package var total: Int { anonymous + files }

    /// Reads the memory of one process; one that has ended has none.
    init(of process: CInt) {
        // As above, and a process of somebody else may not be looked into.
        let status = (try? contents(ofFile: "/proc/\(process)/status")) ?? ""
        let shares = (try? contents(ofFile: "/proc/\(process)/smaps_rollup")) ?? ""
        let bytes = { (text: String, word: String) in
            ProcessTree.number(in: text, after: word).map { $0 * 1024 }
        }
        files = bytes(status, "RssFile:") ?? 0
        if let own = bytes(shares, "Pss_Anon:"), let shared = bytes(shares, "Pss_Shmem:") {
            anonymous = own + shared
        } else {
            anonymous = (bytes(status, "RssAnon:") ?? 0) + (bytes(status, "RssShmem:") ?? 0)
            isDivided = status.isEmpty
        }
    }

    mutating func add(_ other: ProcessMemory) {
        anonymous += other.anonymous
        files = max(files, other.files)
        isDivided = isDivided && other.isDivided
    }
}
