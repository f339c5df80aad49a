import CLinux

/// Asks the processor to have a line of memory near soon; a hint, so the address may be any.
@inline(__always)
package func prefetch(_ address: UInt) {
    clinux_prefetch(UnsafeRawPointer(bitPattern: address))
}
