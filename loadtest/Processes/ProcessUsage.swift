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

    /// The number of this process (getpid(2)).
    package static var ownID: CInt { getpid() }

    /// Reads what a process has used so far; throws `ESRCH` or `ENOENT` when there is none.
    ///
    /// The CPU clock of a process counts nanoseconds (clock_getcpuclockid(3)), where /proc/PID/stat
    /// counts hundredths of a second. Memory comes from /proc/PID/statm (proc(5)).
    package static func read(_ process: CInt) throws(Errno) -> ProcessUsage {
        let cpu = try cpuNanoseconds(of: process)
        let fields = try contents(ofFile: "/proc/\(process)/statm").split(separator: " ")
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

/// The local ports that the kernel gives away (ip(7), `ip_local_port_range`).
package func ephemeralPorts() throws(Errno) -> ClosedRange<Int> {
    let bounds = try contents(ofFile: "/proc/sys/net/ipv4/ip_local_port_range")
        .split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    guard bounds.count == 2, bounds[0] <= bounds[1] else { throw .invalidArgument }
    return bounds[0]...bounds[1]
}

/// The first 4 KiB of a file, as text: enough for what the kernel says in /proc (open(2), read(2)).
package func contents(ofFile path: String) throws(Errno) -> String {
    let number = try retrying { open(path, O_RDONLY | O_CLOEXEC) }
    let file = Descriptor(adopting: RawDescriptor(number))
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = try bytes.withUnsafeMutableBufferPointer { buffer throws(Errno) in
        try file.raw.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
}
