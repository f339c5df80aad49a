import Syscalls

/// What the control group of this process says of processor time (cgroups(7), both versions).
package struct ControlGroup: Sendable, Equatable {
    /// Processors' worth of time that the group may use; nil without a limit.
    package private(set) var quota: Double?
    /// Nanoseconds for which a limit has held the group since it was made; nil when the system does
    /// not say.
    package private(set) var throttled: Int?

    /// Reads the files of the kernel; a system without such groups has no limit.
    package static func read() -> ControlGroup {
        // A file that is not there says nothing.
        func text(of path: String) -> String? { try? File.read(path, atMost: 1 << 16) }
        return ControlGroup(membership: text(of: "/proc/self/cgroup") ?? "", text: text)
    }

    /// Takes the text of `/proc/self/cgroup`, and what reads a file.
    ///
    /// Of a machine with both versions, the one that has the controller of processor time counts.
    package init(membership: String, text: (String) -> String?) {
        let groups = membership.split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        let old = groups.first { $0.count == 3 && $0[1].split(separator: ",").contains("cpu") }
        if let old {
            // A container sees its own group where others have the root, and names it as they do.
            let root = "/sys/fs/cgroup/\(old[1])"
            func file(_ name: String) -> String? {
                text("\(root)\(old[2])/\(name)") ?? text("\(root)/\(name)")
            }
            quota = Self.quota(
                Self.numbers(file("cpu.cfs_quota_us")) + Self.numbers(file("cpu.cfs_period_us")))
            throttled = Self.count("throttled_time", in: file("cpu.stat"))
        } else if let new = groups.first(where: { $0.count == 3 && $0[1].isEmpty }) {
            let folder = "/sys/fs/cgroup\(new[2])"
            quota = Self.quota(Self.numbers(text("\(folder)/cpu.max")))
            throttled = Self.count("throttled_usec", in: text("\(folder)/cpu.stat")).map {
                $0 &* 1000
            }
        }
    }

    /// The share that time and period make; "max", and -1 in the old version, are no limit.
    private static func quota(_ limit: [Double]) -> Double? {
        limit.count == 2 && limit[0] > 0 && limit[1] > 0 ? limit[0] / limit[1] : nil
    }

    private static func numbers(_ text: String?) -> [Double] {
        (text ?? "").split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    }

    private static func count(_ name: String, in text: String?) -> Int? {
        let fields = (text ?? "").split(separator: "\n").map { $0.split(separator: " ") }
        let line = fields.first { $0.count == 2 && $0[0] == name }
        return line.flatMap { Int($0[1]) }
    }
}
