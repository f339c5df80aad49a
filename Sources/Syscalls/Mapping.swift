import Glibc

/// Memory that the kernel maps, page by page, until this value goes out of scope (mmap(2)).
package struct Mapping: ~Copyable {
    /// The first byte, aligned to a page.
    package let base: UnsafeMutableRawPointer
    private let byteCount: Int

    /// Which processes see what is written to it.
    package enum Sharing {
        /// This one alone.
        case thisProcess
        /// This one and the copies that it makes of itself by fork(2).
        case copiesOfThisProcess
    }

    /// Maps zeroed memory. A page takes room when it is first written to.
    package init(byteCount: Int, for sharing: Sharing) throws(Errno) {
        let flags =
            switch sharing {
            case .thisProcess: MAP_PRIVATE
            case .copiesOfThisProcess: MAP_SHARED | MAP_NORESERVE
            }
        try self.init(byteCount, flags | MAP_ANONYMOUS, -1, 0)
    }

    /// Maps a part of what a descriptor stands for, from a place in it on.
    init(of descriptor: RawDescriptor, byteCount: Int, from offset: UInt64) throws(Errno) {
        try self.init(byteCount, MAP_SHARED | MAP_POPULATE, descriptor.number, Int(offset))
    }

    private init(
        _ byteCount: Int, _ flags: CInt, _ descriptor: CInt, _ offset: Int
    ) throws(Errno) {
        let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, offset)
        guard let address, address != MAP_FAILED else { throw .current }
        base = address
        self.byteCount = byteCount
    }

    deinit { munmap(base, byteCount) }
}
