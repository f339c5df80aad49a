import Glibc
import Syscalls

/// What a report says about the machine it was made on.
package enum Machine {
    /// The kernel's name and release: "Linux 6.8.0" (uname(2)).
    package static var kernel: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "" }
        return text(of: &names.sysname) + " " + text(of: &names.release)
    }

    /// The number of the calling process (getpid(2)).
    package static var processNumber: Int { Int(getpid()) }

    /// Processors that this process may use: those that taskset(1) or its control group allow, and
    /// as many as the group's quota pays for; 1 when the system does not say.
    package static var cores: Int {
        let allowed = (try? Affinity.current())?.processors.count
        return cores(
            among: allowed ?? sysconf(CInt(_SC_NPROCESSORS_ONLN)), quota: ControlGroup.read().quota)
    }

    static func cores(among processors: Int, quota: Double?) -> Int {
        // A quota of 1.5 pays for two that rest a quarter of the time.
        let paid = quota.map { Int(min($0, Double(processors)).rounded(.up)) }
        return max(1, min(processors, paid ?? processors))
    }

    /// The processor's name as /proc/cpuinfo has it; empty when it has none.
    package static var processorModel: String {
        guard let text = try? File.read("/proc/cpuinfo", atMost: 1 << 14) else { return "" }
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        let value = line?.split(separator: ":", maxSplits: 1).last?.drop { $0 == " " }
        return value.map(String.init) ?? ""
    }

    /// The wall clock, in seconds since 1970 (clock_gettime(2), `CLOCK_REALTIME`).
    package static var secondsSinceEpoch: Double { Double(Instant.read(CLOCK_REALTIME)) / 1e9 }

    /// The wall clock as RFC 3339 has it, in UTC: "2026-01-31T12:00:00Z" (strftime(3)).
    package static var dateAndTime: String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
            guard let base = buffer.baseAddress,
                strftime(base, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0
            else { return "" }
            return String(cString: base)
        }
    }

    /// The local ports that the kernel gives away (ip(7), `ip_local_port_range`).
    package static func ephemeralPorts() throws(Errno) -> ClosedRange<Int> {
        let bounds = try File.read("/proc/sys/net/ipv4/ip_local_port_range", atMost: 4096)
            .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        guard bounds.count == 2, bounds[0] <= bounds[1] else { throw .invalidArgument }
        return bounds[0]...bounds[1]
    }

    /// A C array of characters, imported as a tuple, as text.
    private static func text<Characters>(of characters: inout Characters) -> String {
        withUnsafeBytes(of: &characters) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
