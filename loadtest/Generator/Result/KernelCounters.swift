import Processes
import Syscalls

/// What the kernel of this machine has counted since it started: two looks make a difference.
///
/// An overflowing listen queue has no error number; only these counters show it (netstat(8),
/// Documentation/networking/snmp_counter.rst). They are the machine's, not the run's: another
/// program's overflows are in them too.
struct KernelCounters: Sendable {
    private var counts: [String: Int] = [:]
    private let time = Instant.now

    /// Reads the counters; those that the kernel does not show stay at nothing.
    static func read() -> KernelCounters {
        // A system without these files has nothing to say here, and a run needs no answer.
        KernelCounters(
            tables: ["/proc/net/netstat", "/proc/net/snmp"].map { (try? read($0)) ?? "" },
            processors: (try? read("/proc/stat")) ?? "", throttled: ControlGroup.read().throttled)
    }

    private static func read(_ path: String) throws(Errno) -> String {
        try File.read(path, atMost: 1 << 16)
    }

    /// Takes the texts of `/proc/net/netstat` and `/proc/net/snmp`, which have a line of names and
    /// a line of numbers for each protocol, and of `/proc/stat`, and the nanoseconds for which a
    /// limit of our control group has held us.
    init(tables: [String], processors: String, throttled: Int? = nil) {
        counts["throttled"] = throttled
        for table in tables {
            let lines = table.split(separator: "\n").map { $0.split(separator: " ") }
            for (names, numbers) in zip(lines, lines.dropFirst()) {
                guard let protocolName = names.first, numbers.first == protocolName,
                    numbers.dropFirst().allSatisfy({ Int($0) != nil })
                else { continue }
                for (name, number) in zip(names, numbers).dropFirst() {
                    counts["\(protocolName)\(name)"] = Int(number)
                }
            }
        }
        // cpu user nice system idle iowait irq softirq steal …, in ticks (proc(5)).
        let ticks = processors.split(separator: "\n").first?.split(separator: " ") ?? []
        guard ticks.first == "cpu", ticks.count > 8 else { return }
        let times = ticks[1...8].compactMap { Int($0) }
        counts["cpu"] = times.reduce(0, &+)
        counts["steal"] = times.last
    }

    /// What was counted from this look to a later one; nil when the kernel shows none of it.
    func counts(until later: KernelCounters) -> Measurement.KernelCounts? {
        if counts.isEmpty || later.counts.isEmpty { return nil }
        func difference(_ name: String) -> Int {
            // A counter that went back was reset: it says nothing.
            max(0, later.counts[name, default: 0] &- counts[name, default: 0])
        }
        var seen = Measurement.KernelCounts()
        seen.listenOverflows = difference("TcpExt:ListenOverflows")
        seen.listenDrops = difference("TcpExt:ListenDrops")
        seen.retransmits = difference("Tcp:RetransSegs")
        seen.segments = difference("Tcp:OutSegs")
        seen.datagramOverflows = difference("Udp:RcvbufErrors")
        let elapsed = max(1, time.nanoseconds(to: later.time))
        seen.throttled = min(1, Double(difference("throttled")) / Double(elapsed))
        let ticks = difference("cpu")
        if ticks > 0 { seen.stolen = Double(difference("steal")) / Double(ticks) }
        return seen
    }
}
