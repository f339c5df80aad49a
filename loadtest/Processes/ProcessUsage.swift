import Glibc
import Syscalls

/// CPU time and memory of a process, ours or another one on this machine.
package struct ProcessUsage: Equatable, Sendable {
    /// CPU time of all of its threads, of those that have ended too.
    package var cpuNanoseconds: Int64
    /// Bytes of its memory that are in RAM.
    package var residentBytes: Int

    /// Figures that were read elsewhere, or made up for a test.
    package init(cpuNanoseconds: Int64, residentBytes: Int) {
        self.cpuNanoseconds = cpuNanoseconds
        self.residentBytes = residentBytes
    }

    /// Reads what a process has used so far; throws `ESRCH` or `ENOENT` when there is none.
    ///
    /// The CPU clock of a process counts nanoseconds (clock_getcpuclockid(3)), where /proc/PID/stat
    /// counts hundredths of a second. Memory comes from /proc/PID/statm (proc(5)).
    package static func read(_ process: CInt) throws(Errno) -> ProcessUsage {
        let cpu = try cpuNanoseconds(of: process)
        let fields = try File.read("/proc/\(process)/statm", atMost: 4096).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { throw .invalidArgument }
        return ProcessUsage(
            cpuNanoseconds: cpu, residentBytes: pages * sysconf(CInt(_SC_PAGESIZE)))
    }

    /// The CPU time of several processes together; one that has ended counts as 0.
    package static func cpuNanoseconds(of processes: [CInt]) -> Int64 {
        // The only failure is that there is no such process.
        processes.reduce(0) { $0 + ((try? cpuNanoseconds(of: $1)) ?? 0) }
    }

    private static func cpuNanoseconds(of process: CInt) throws(Errno) -> Int64 {
        var clock = clockid_t()
        let failure = clock_getcpuclockid(process, &clock)
        guard failure == 0 else { throw Errno(rawValue: failure) }
        var time = timespec()
        _ = try retrying { clock_gettime(clock, &time) }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
