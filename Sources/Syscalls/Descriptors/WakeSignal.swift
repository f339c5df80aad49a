import CLinux
import Glibc

/// Ends a wait from any thread: a descriptor that is readable from a call of `raise` until one of
/// `clear` (eventfd(2)).
package struct WakeSignal: ~Copyable, Sendable {
    private let descriptor: Descriptor
    /// Where there is no eventfd: the other end of a pipe.
    private let writing: Descriptor?

    /// Opens it cleared, non-blocking and closed on exec (eventfd(2)).
    package init() throws(Errno) {
        let flags = CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC)
        do throws(Errno) {
            descriptor = Descriptor(adopting: RawDescriptor(try retrying { eventfd(0, flags) }))
            writing = nil
        } catch {
            guard error.meansNoSuchCall else { throw error }
            let ends = try makePipe()
            descriptor = Descriptor(adopting: ends.reading)
            writing = Descriptor(adopting: ends.writing)
        }
    }

    /// What a driver watches for readability.
    package var raw: RawDescriptor { descriptor.raw }

    /// What makes `raw` readable: 8 bytes, of a number that is not zero, written to it.
    package var writingEnd: RawDescriptor {
        switch writing {
        case .some(let writing): writing.raw
        case .none: raw
        }
    }

    /// Makes the descriptor readable until `clear`.
    package func raise() {
        var one: UInt64 = 1
        let end = writingEnd.number
        // The only failure is a full counter or pipe, which is as readable as can be.
        _ = withUnsafeBytes(of: &one) { bytes in
            try? retrying { Glibc.write(end, bytes.baseAddress, bytes.count) }
        }
    }

    /// Makes the descriptor no longer readable.
    package func clear() {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { buffer in
            while true {
                // Nothing to read means that it is clear already.
                let count = (try? raw.read(into: buffer)) ?? 0
                // A counter is zero after one read; a pipe may hold more than fits.
                if count < buffer.count { return }
            }
        }
    }
}
