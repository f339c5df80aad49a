import Glibc
import Syscalls

/// Readiness from select(2).
///
///     wantedReadable [ 0b…10010 | 0b…0 ]    one bit a descriptor, 64 a word
///     wantedWritable [ 0b…00010 | 0b…0 ]
///     foundReadable, foundWritable          copies that the kernel overwrites with what is ready
///
/// All four are equally long.
///
/// The bitmaps grow with the highest descriptor. `FD_SETSIZE`, 1,024, bounds glibc's `fd_set`, not
/// the kernel's call, so there is no limit of its own here; the price is a scan of every word at
/// each wait.
package final class SelectDriver: Driver {
    private var wantedReadable: [UInt] = []
    private var wantedWritable: [UInt] = []
    private var foundReadable: [UInt] = []
    private var foundWritable: [UInt] = []
    private let signal: WakeSignal
    private var patience = Patience()

    /// select(2) needs nothing opened; the wake signal does (eventfd(2)).
    package init() throws(Errno) {
        signal = try WakeSignal()
        try setInterest(.readable, in: signal.raw)
    }

    package var now: Instant { .now }

    package func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        guard descriptor.number >= 0 else { throw .badDescriptor }
        let word = descriptor.index / UInt.bitWidth
        if word >= wantedReadable.count {
            if interest.isEmpty { return }
            // The kernel looks no further than its table of open files reaches: a number beyond it
            // would be waited for in silence.
            guard descriptor.isOpen else { throw .badDescriptor }
            grow(toHold: word)
        }
        let bit: UInt = 1 << (descriptor.index % UInt.bitWidth)
        wantedReadable[word] &= ~bit
        wantedWritable[word] &= ~bit
        if interest.contains(.readable) { wantedReadable[word] |= bit }
        if interest.contains(.writable) { wantedWritable[word] |= bit }
    }

    private func grow(toHold word: Int) {
        while wantedReadable.count <= word {
            wantedReadable.append(0)
            wantedWritable.append(0)
            foundReadable.append(0)
            foundWritable.append(0)
        }
    }

    package func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        // Word by word: assigning the arrays would make each wait allocate them anew.
        for word in wantedReadable.indices {
            foundReadable[word] = wantedReadable[word]
            foundWritable[word] = wantedWritable[word]
        }
        do throws(Errno) {
            let count = try select(until: deadline)
            patience.renew()
            if count == 0 { return }
        } catch .badDescriptor {
            // One closed descriptor fails the whole call; the others must not pay for it.
            return reportClosed(into: &ready)
        } catch {
            return try patience.outlast(error)
        }
        for word in foundReadable.indices {
            var bits = foundReadable[word] | foundWritable[word]
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                bits &= bits - 1
                report(word: word, bit: bit, into: &ready)
            }
        }
    }

    private func select(until deadline: Instant) throws(Errno) -> Int {
        let nanoseconds = deadline.nanosecondsToWait(from: now)
        let count = CInt(foundReadable.count * UInt.bitWidth)
        return try foundReadable.withUnsafeMutableBufferPointer { readable throws(Errno) in
            try foundWritable.withUnsafeMutableBufferPointer { writable throws(Errno) in
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
        var interest = Interest.none
        if foundReadable[word] & (1 << bit) != 0 { interest.insert(.readable) }
        if foundWritable[word] & (1 << bit) != 0 { interest.insert(.writable) }
        ready.append(Readiness(descriptor, interest))
    }

    /// Reports the watched descriptors that are not open: the next call on each says so.
    private func reportClosed(into ready: inout [Readiness]) {
        for index in 0..<wantedReadable.count * UInt.bitWidth {
            let bit: UInt = 1 << (index % UInt.bitWidth)
            let word = index / UInt.bitWidth
            guard (wantedReadable[word] | wantedWritable[word]) & bit != 0 else { continue }
            let descriptor = RawDescriptor(CInt(index))
            if !descriptor.isOpen { ready.append(Readiness(descriptor, .both)) }
        }
    }

    package func wake() { signal.raise() }
}
