import Glibc
import Syscalls

/// How many processes and threads more this machine lets us have.
///
/// To the kernel a thread is a task as a process is, so the same limits hold for both.
package struct ProcessLimits: Sendable, Equatable {
    /// A limit and what sets it.
    package struct Limit: Sendable, Equatable {
        /// "kernel.pid_max", "ulimit -u", "pids.max of the cgroup".
        package var name: String
        /// Tasks at most.
        package var most: Int
        /// Tasks that count against it already.
        package var used: Int

        package init(_ name: String, most: Int, used: Int) {
            self.name = name
            self.most = most
            self.used = used
        }

        package var left: Int { max(0, most - used) }
    }

    package var limits: [Limit]

    package init(_ limits: [Limit]) { self.limits = limits }

    /// The limit that is reached first; nil when none is known.
    package var tightest: Limit? { limits.min { $0.left < $1.left } }

    /// Reads what is in force now; a limit that cannot be read is left out.
    package static func current() -> ProcessLimits {
        let running = tasksRunning
        var limits: [Limit] = []
        for name in ["threads-max", "pid_max"] {
            if let most = number("/proc/sys/kernel/\(name)") {
                limits.append(Limit("kernel.\(name)", most: most, used: running))
            }
        }
        if let most = perUser { limits.append(Limit("ulimit -u", most: most, used: running)) }
        if let group = ofControlGroup { limits.append(group) }
        return ProcessLimits(limits)
    }

    /// The tasks of this machine: the second half of "3/214" in /proc/loadavg (proc(5)).
    private static var tasksRunning: Int {
        // Without the figure the limits count whole.
        guard let text = try? File.read("/proc/loadavg", atMost: 4096) else { return 0 }
        let fields = text.split(separator: " ")
        guard fields.count > 3 else { return 0 }
        return fields[3].split(separator: "/").last.flatMap { Int($0) } ?? 0
    }

    /// The user's limit (getrlimit(2), `RLIMIT_NPROC`), which does not bind the superuser.
    private static var perUser: Int? {
        var limit = rlimit()
        guard geteuid() != 0,
            getrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &limit) == 0,
            limit.rlim_cur != rlim_t.max
        else { return nil }
        return Int(clamping: limit.rlim_cur)
    }

    /// The limit of the control group that we are in (cgroups(7)), of version 1 or 2.
    private static var ofControlGroup: Limit? {
        // No control groups, no limit.
        guard let text = try? File.read("/proc/self/cgroup", atMost: 4096) else { return nil }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[1] == "pids" || parts[1] == "" else { continue }
            let root = parts[1] == "pids" ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup"
            // Inside a container the path may be the one outside, and the root is ours.
            for folder in [root + parts[2], root] {
                if let most = number(folder + "/pids.max") {
                    let used = number(folder + "/pids.current") ?? 0
                    return Limit("pids.max of the control group", most: most, used: used)
                }
            }
        }
        return nil
    }

    private static func number(_ path: String) -> Int? {
        // "max", or no such file: no limit.
        guard let text = try? File.read(path, atMost: 4096) else { return nil }
        return text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
    }
}
