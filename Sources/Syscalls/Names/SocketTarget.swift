/// Where a connection goes, as text says it: an address, or the name of a host and a port.
package enum SocketTarget: Hashable, Sendable {
    case address(SocketAddress)
    /// A name that is still to be looked up.
    case name(String, port: UInt16)

    /// Reads what `SocketAddress` reads, and "example.org:443".
    ///
    /// A name has letters, digits, hyphens, underscores and dots; its last part is not a number,
    /// decimal or hexadecimal, so that an address with a slip in it is not looked up: the system
    /// library would read it as an address (inet_aton(3)).
    package init(_ text: String) throws(SocketAddress.ParseError) {
        do throws(SocketAddress.ParseError) {
            self = .address(try SocketAddress(text))
        } catch {
            guard error.reason == .ipv4, let colon = text.lastIndex(of: ":"),
                let port = UInt16(text[text.index(after: colon)...]),
                SocketTarget.isName(text[..<colon])
            else { throw error }
            self = .name(String(text[..<colon]), port: port)
        }
    }

    private static func isName(_ text: Substring) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        // A dot at the end says that nothing is to be put behind it.
        let labels = parts.last == "" ? parts.dropLast() : parts
        guard let last = labels.last, text.utf8.count <= 253 else { return false }
        return !isNumber(last)
            && labels.allSatisfy {
                (1...63).contains($0.utf8.count) && $0.utf8.allSatisfy(isLetter)
            }
    }

    private static func isNumber(_ label: Substring) -> Bool {
        if label.utf8.allSatisfy(isDigit) { return true }
        guard label.lowercased().hasPrefix("0x") else { return false }
        return label.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        return letters.contains(byte | 0x20) || isDigit(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}
