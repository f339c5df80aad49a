import Glibc

// Addresses as the kernel has them: sockaddr_in, sockaddr_in6, sockaddr_un.
extension SocketAddress {
    /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
    package var family: CInt {
        switch storage {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Lends the kernel's form of the address to `body`.
    package func withSockAddr<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        func lend<Address>(_ address: Address, _ size: Int) -> Result {
            withUnsafePointer(to: address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(size))
                }
            }
        }
        switch storage {
        case .ipv4(let number, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = number.bigEndian
            address.sin_port = port.bigEndian
            return lend(address, MemoryLayout<sockaddr_in>.size)
        case .ipv6:
            return lend(kernelIPv6, MemoryLayout<sockaddr_in6>.size)
        case .unix(let name):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
            // A path counts with its zero; a name is as long as it is (unix(7)).
            let isPath = name.first.map { $0 != 0 } ?? false
            return lend(address, SocketAddress.pathOffset + name.count + (isPath ? 1 : 0))
        }
    }

    private static let pathOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2

    /// An IPv6 address in the kernel's form; empty for the others.
    var kernelIPv6: sockaddr_in6 {
        var address = sockaddr_in6()
        guard case .ipv6(let high, let low, let scope, let port) = storage else { return address }
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_scope_id = scope
        withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

    /// An IPv6 address from the kernel's form.
    init(_ address: sockaddr_in6) {
        self = withUnsafeBytes(of: address.sin6_addr) { bytes in
            SocketAddress(
                .ipv6(
                    high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    scope: address.sin6_scope_id, port: UInt16(bigEndian: address.sin6_port)))
        }
    }

    /// Runs a call that fills in an address: accept4, getsockname, getpeername.
    ///
    /// Returns nil as the address when the kernel gives one that is none of the three families'.
    package static func filled<Result: FixedWidthInteger & SignedInteger>(
        by call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) throws(Errno) -> (result: Result, address: SocketAddress?) {
        var space = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = try retrying {
            withUnsafeMutablePointer(to: &space) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &length) }
            }
        }
        let address = withUnsafeBytes(of: space) { bytes in
            SocketAddress(bytes.prefix(Int(length)), family: CInt(space.ss_family))
        }
        return (result, address)
    }

    /// An address in memory that the system library has filled; nil when its family is none of the
    /// three.
    init?(_ address: UnsafePointer<sockaddr>, length: Int) {
        let bytes = UnsafeRawBufferPointer(start: address, count: length)
        self.init(bytes[...], family: CInt(address.pointee.sa_family))
    }

    /// An address in memory of which the kernel has filled so many bytes; nil when its family is
    /// none of the three, as where there is none.
    init?(filling memory: UnsafeRawBufferPointer, _ length: Int) {
        guard length >= MemoryLayout<sa_family_t>.size else { return nil }
        self.init(memory.prefix(length), family: CInt(memory.load(as: sa_family_t.self)))
    }

    /// What the kernel has written; a Unix name ends with the length, and a path at its zero.
    private init?(_ bytes: UnsafeRawBufferPointer.SubSequence, family: CInt) {
        let memory = UnsafeRawBufferPointer(rebasing: bytes)
        switch family {
        case AF_INET where memory.count >= MemoryLayout<sockaddr_in>.size:
            let address = memory.loadUnaligned(as: sockaddr_in.self)
            self.init(
                ipv4: UInt32(bigEndian: address.sin_addr.s_addr),
                port: UInt16(bigEndian: address.sin_port))
        case AF_INET6 where memory.count >= MemoryLayout<sockaddr_in6>.size:
            self.init(memory.loadUnaligned(as: sockaddr_in6.self))
        case AF_UNIX:
            let name = memory.dropFirst(SocketAddress.pathOffset)
            let isPath = name.first.map { $0 != 0 } ?? false
            self.init(.unix(Array(isPath ? name.prefix { $0 != 0 } : name)))
        default: return nil
        }
    }
}
