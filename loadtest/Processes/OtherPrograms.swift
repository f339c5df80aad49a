import Glibc
import Syscalls

/// How much processor time programs take that are none of ours, from one moment to another
/// (proc(5), `/proc/stat`).
package struct OtherPrograms: Sendable {
    private let ours: [CInt]
    private let busy: Int64?
    private let cpu: Int64
    private let began = Instant.now

    /// Looks from now on; this process and `processes` are ours.
    package init(beside processes: [CInt]) {
        ours = processes + [getpid()]
        busy = OtherPrograms.busy
        cpu = ProcessUsage.cpuNanoseconds(of: ours)
    }

    /// Processors' worth of time that others took until now; nil where the kernel does not say.
    package var processors: Double? {
        guard let busy, let now = OtherPrograms.busy else { return nil }
        let others = now - busy - (ProcessUsage.cpuNanoseconds(of: ours) - cpu)
        return max(0, Double(others) / Double(Swift.max(1, began.nanoseconds(to: .now))))
    }

    /// Nanoseconds for which the processors of this machine worked, since it started.
    private static var busy: Int64? {
        guard let text = try? File.read("/proc/stat", atMost: 1 << 12) else { return nil }
        return busy(in: text)
    }

    /// The first line is: cpu user nice system idle iowait irq softirq …, in ticks.
    static func busy(in text: String) -> Int64? {
        let fields = text.split(separator: "\n").first?.split(separator: " ") ?? []
        guard fields.first == "cpu", fields.count > 7 else { return nil }
        let ticks = [1, 2, 3, 6, 7].compactMap { Int64(fields[$0]) }
        return ticks.reduce(0, +) * (1_000_000_000 / Int64(max(1, sysconf(CInt(_SC_CLK_TCK)))))
    }
}
