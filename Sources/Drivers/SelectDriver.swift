import Glibc
import Syscalls

/// Readiness from select(2).
///
///     wanted    one bit a descriptor, 64 a word:  readable [ 0b…10010 | 0b…0 ]
///                                                 writable [ 0b…00010 | 0b…0 ]
///     found     copies that the kernel overwrites with what is ready
///
/// The bitmaps grow with the highest descriptor. `FD_SETSIZE`, 1,024, bounds glibc's `fd_set`, not the
/// kernel's call, so there is no limit of its own here; the price is a scan of every word at each wait.
package final class SelectDriver: Driver {
    private struct Bitmaps {
        var readable: [UInt] = [0]
        var writable: [UInt] = [0]
    }
    private var wanted = Bitmaps()
    private var found = Bitmaps()
    private let signal: WakeSignal

    package init() throws(Errno) {
        signal = try WakeSignal()
        try setInterest(.readable, in: signal.raw)
    }

    package var now: Instant { .now }

    package func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        let word = descriptor.index / UInt.bitWidth
        while wanted.readable.count <= word {
            wanted.readable.append(0)
            wanted.writable.append(0)
        }
        let bit: UInt = 1 << (descriptor.index % UInt.bitWidth)
        wanted.readable[word] &= ~bit
        wanted.writable[word] &= ~bit
        if interest.contains(.readable) { wanted.readable[word] |= bit }
        if interest.contains(.writable) { wanted.writable[word] |= bit }
    }

    package func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        found = wanted
        do throws(Errno) {
            guard try select(until: deadline) > 0 else { return }
        } catch .badDescriptor {
            // One closed descriptor fails the whole call; the others must not pay for it.
            return reportClosed(into: &ready)
        }
        for word in found.readable.indices {
            var bits = found.readable[word] | found.writable[word]
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                bits &= bits - 1
                report(word: word, bit: bit, into: &ready)
            }
        }
    }

    private func select(until deadline: Instant) throws(Errno) -> Int {
        let nanoseconds: Int64? =
            switch deadline {
            case .never: nil
            case .past: 0
            // The kernel refuses a time beyond its own range; a day later the caller asks again.
            default: min(max(now.nanoseconds(to: deadline), 0), 86_400_000_000_000)
            }
        let count = CInt(found.readable.count * UInt.bitWidth)
        return try found.readable.withUnsafeMutableBufferPointer { readable throws(Errno) in
            try found.writable.withUnsafeMutableBufferPointer { writable throws(Errno) in
                guard let readable = readable.baseAddress, let writable = writable.baseAddress
                else { return 0 }
                return try selectOnce(
                    count: count, readable: readable, writable: writable, nanoseconds: nanoseconds)
            }
        }
    }

    private func report(word: Int, bit: Int, into ready: inout [Readiness]) {
        let descriptor = RawDescriptor(CInt(word * UInt.bitWidth + bit))
        if descriptor == signal.raw { return signal.clear() }
        var interest: Interest = []
        if found.readable[word] & (1 << bit) != 0 { interest.insert(.readable) }
        if found.writable[word] & (1 << bit) != 0 { interest.insert(.writable) }
        ready.append(Readiness(descriptor, interest))
    }

    /// Reports the watched descriptors that are not open: the next call on each says so.
    private func reportClosed(into ready: inout [Readiness]) {
        for index in 0..<wanted.readable.count * UInt.bitWidth {
            let bit: UInt = 1 << (index % UInt.bitWidth)
            let word = index / UInt.bitWidth
            guard (wanted.readable[word] | wanted.writable[word]) & bit != 0 else { continue }
            let descriptor = RawDescriptor(CInt(index))
            if !descriptor.isOpen { ready.append(Readiness(descriptor, .both)) }
        }
    }

    package func wake() { signal.raise() }
}
