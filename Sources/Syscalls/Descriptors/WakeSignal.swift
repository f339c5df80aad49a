import CLinux
import Glibc

/// Ends a wait from any thread: a counter that is readable while it is not zero (eventfd(2)).
package struct WakeSignal: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// Opens the counter at zero, non-blocking and closed on exec (eventfd(2)).
    package init() throws(Errno) {
        let flags = CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC)
        descriptor = Descriptor(adopting: RawDescriptor(try retrying { eventfd(0, flags) }))
    }

    /// What a driver watches for readability.
    package var raw: RawDescriptor { descriptor.raw }

    /// Makes the descriptor readable until `clear`.
    package func raise() {
        var one: UInt64 = 1
        // The only failure is a full counter, which is as readable as can be.
        _ = withUnsafeBytes(of: &one) { bytes in
            try? retrying { Glibc.write(raw.number, bytes.baseAddress, bytes.count) }
        }
    }

    /// Sets the counter back to zero, so that the descriptor is no longer readable.
    package func clear() {
        var count: UInt64 = 0
        // Nothing to read means that it is clear already.
        _ = withUnsafeMutableBytes(of: &count) { bytes in
            try? retrying { Glibc.read(raw.number, bytes.baseAddress, bytes.count) }
        }
    }
}
