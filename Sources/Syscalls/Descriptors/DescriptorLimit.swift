import Glibc

/// How many descriptors this process may hold open (getrlimit(2), `RLIMIT_NOFILE`).
package struct DescriptorLimit: Equatable, Sendable {
    /// The limit in force.
    package var soft: Int
    /// How far the process may raise it by itself.
    package var hard: Int

    /// Reads both limits (getrlimit(2)).
    package static func current() throws(Errno) -> DescriptorLimit {
        var limit = rlimit()
        _ = try retrying { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return DescriptorLimit(
            soft: Int(clamping: limit.rlim_cur), hard: Int(clamping: limit.rlim_max))
    }

    /// Raises the soft limit to the hard one and returns what is now in force.
    package static func raise() throws(Errno) -> DescriptorLimit {
        let limit = try current()
        if limit.soft < limit.hard { try set(soft: limit.hard) }
        return try current()
    }

    /// Sets the soft limit (setrlimit(2)).
    package static func set(soft: Int) throws(Errno) {
        let hard = try current().hard
        var limit = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(hard))
        _ = try retrying { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
    }
}
