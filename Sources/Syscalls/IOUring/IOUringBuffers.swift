import CLinux
import Glibc

/// Buffers that are offered to the kernel, which puts what it receives into the next one
/// (io_uring_register(2), `IORING_REGISTER_PBUF_RING`).
///
///     offers   [ 3 | 0 | 1 | . ]            which buffers the kernel may fill, in this order
///     memory   [ 0 … | 1 … | 2 … | 3 … ]    2 is with its reader, until it is offered again
///
/// So thousands of connections share a few buffers, and nothing is kept for one that is silent.
/// To be closed after every request that uses them has completed.
package struct IOUringBuffers: ~Copyable {
    private let offers: Mapping
    private let memory: Mapping
    private let count: Int
    private let size: Int
    /// How many offers were ever made, modulo 2^16.
    private var tail: UInt16 = 0

    /// Offers all of the buffers, under a number that requests name them by.
    ///
    /// - Parameters:
    ///   - count: how many buffers; a power of two, at most 32,768.
    ///   - size: bytes in each.
    ///   - group: their number, one for each set of buffers of a ring.
    ///   - ring: where requests will use them.
    /// - Throws: what the kernel says; `EINVAL` before Linux 5.19.
    package init(
        count: Int, size: Int, group: UInt16, on ring: borrowing IOUring
    ) throws(Errno) {
        let offers = try Mapping(
            byteCount: count * MemoryLayout<clinux_offered_buffer>.stride, for: .thisProcess)
        let memory = try Mapping(byteCount: count * size, for: .thisProcess)
        var argument = clinux_buffer_ring()
        argument.address = UInt64(UInt(bitPattern: offers.base))
        argument.count = UInt32(count)
        argument.group = group
        try ring.register(UInt32(CLINUX_REGISTER_PBUF_RING), &argument, 1)
        self.offers = offers
        self.memory = memory
        self.count = count
        self.size = size
        for number in 0..<count { offer(number) }
    }

    /// The first bytes of a buffer.
    package func bytes(of number: Int, count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(number < self.count && count <= size, "the kernel has filled no such buffer")
        return UnsafeMutableRawBufferPointer(start: memory.base + number * size, count: count)
    }

    /// Gives a buffer back to the kernel.
    package mutating func offer(_ number: Int) {
        let entries = offers.base.assumingMemoryBound(to: clinux_offered_buffer.self)
        let place = entries + Int(tail) & (count - 1)
        place.pointee.address = UInt64(UInt(bitPattern: memory.base + number * size))
        place.pointee.length = UInt32(size)
        place.pointee.number = UInt16(number)
        tail &+= 1
        // Never through a copy of the whole first entry, whose last field the tail is.
        let tailOffset = MemoryLayout<clinux_offered_buffer>.offset(of: \.tail) ?? 0
        clinux_store_release16(
            (offers.base + tailOffset).assumingMemoryBound(to: UInt16.self), tail)
    }
}
