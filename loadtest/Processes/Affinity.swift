import CLinux
import Syscalls

/// The processors that a thread may run on; what it starts inherits them (sched_setaffinity(2)).
package struct Affinity: Sendable, Equatable {
    /// The numbers of the processors, in ascending order.
    package var processors: [Int]

    package init(_ processors: [Int]) { self.processors = processors }

    /// Room for 8,192 processors, as many as the kernel can be built for.
    private static let bytesOfMask = 1024

    /// The processors of the calling thread.
    package static func current() throws(Errno) -> Affinity {
        var mask = [UInt8](repeating: 0, count: bytesOfMask)
        let size = UInt(mask.count)
        let filled = try retrying { clinux_sched_getaffinity(&mask, size) }
        return Affinity((0..<Int(filled) * 8).filter { mask[$0 / 8] & (1 << UInt8($0 % 8)) != 0 })
    }

    /// Keeps the calling thread to these processors, and what it starts from now on.
    package func apply() throws(Errno) {
        var mask = [UInt8](repeating: 0, count: Self.bytesOfMask)
        for processor in processors where processor < mask.count * 8 {
            mask[processor / 8] |= 1 << UInt8(processor % 8)
        }
        let size = UInt(mask.count)
        _ = try retrying { clinux_sched_setaffinity(&mask, size) }
    }

    /// Two halves that share no processor; nil when there is only one.
    package var halves: (Affinity, Affinity)? {
        guard processors.count >= 2 else { return nil }
        let middle = processors.count / 2
        return (Affinity(Array(processors[..<middle])), Affinity(Array(processors[middle...])))
    }
}
