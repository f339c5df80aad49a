import Glibc
import Syscalls

/// Addresses that are written as one: `10.0.0.0/28`, `fd00::/124` (RFC 4632), or a single one.
///
///     127.0.0.0/29    127.0.0.1 … 127.0.0.6
///
/// The first and the last address of an IPv4 block name the network and everybody in it; they are
/// left out, unless the block is too small to have them.
package struct AddressBlock: Sendable {
    /// Every address of the block, with port 0.
    package let addresses: [SocketAddress]

    /// What is wrong with a text that should have been a block; it follows the text.
    package struct ParseError: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Reads a block of at most `limit` addresses.
    package init(_ text: String, atMost limit: Int) throws(ParseError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let family = parts[0].contains(":") ? AF_INET6 : AF_INET
        guard let bytes = AddressBlock.bytes(of: String(parts[0]), family) else {
            throw ParseError(
                description: "is not an address; write for example 10.0.0.7 or 10.0.0.0/28")
        }
        let bits = bytes.count * 8
        guard let prefix = parts.count == 2 ? Int(parts[1]) : bits, (0...bits).contains(prefix),
            parts.count == 1 || parts[1].allSatisfy({ ("0"..."9").contains($0) })
        else {
            throw ParseError(description: "has no prefix of 0 to \(bits) bits behind its slash")
        }
        guard bits - prefix < 63, 1 << (bits - prefix) <= limit else {
            throw ParseError(description: "has more than \(limit) addresses; take a longer prefix")
        }
        let count = 1 << (bits - prefix)
        guard Int(bytes.suffix(7).reduce(0) { $0 << 8 | UInt64($1) }) & (count - 1) == 0 else {
            throw ParseError(description: "does not begin where a block of that prefix does")
        }
        let hasEnds = family == AF_INET && count > 2
        let range = hasEnds ? 1..<count - 1 : 0..<count
        addresses = range.compactMap { AddressBlock.address(bytes, plus: $0, family) }
    }

    /// An address as its bytes, most significant first (inet_pton(3)).
    private static func bytes(of text: String, _ family: CInt) -> [UInt8]? {
        // C takes a text to its first zero byte, and would not see what stands behind it.
        if text.utf8.contains(0) { return nil }
        var bytes = [UInt8](repeating: 0, count: family == AF_INET ? 4 : 16)
        return inet_pton(family, text, &bytes) == 1 ? bytes : nil
    }

    /// The address so many after the first one of its block (inet_ntop(3)).
    private static func address(
        _ first: [UInt8], plus distance: Int, _ family: CInt
    ) -> SocketAddress? {
        var (bytes, rest) = (first, distance)
        for index in bytes.indices.reversed() where rest > 0 {
            // The bits behind the prefix are zero in the first address, so nothing is carried.
            bytes[index] |= UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) {
            guard let base = $0.baseAddress,
                inet_ntop(family, bytes, base, socklen_t($0.count)) != nil
            else { return nil }
            let host = String(cString: base)
            // What inet_ntop wrote is an address.
            return try? SocketAddress(family == AF_INET ? "\(host):0" : "[\(host)]:0")
        }
    }
}
