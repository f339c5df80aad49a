/// Bytes as text (RFC 4648, section 4): three bytes become four characters, padded with "=".
package enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                let isPadding = place > group.count
                text.append(isPadding ? padding : alphabet[bits >> (18 - 6 * place) & 63])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a text; nil for any character or length that `encode` does not give.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 4) else { return nil }
        let padded = characters.reversed().prefix { $0 == padding }.count
        guard padded <= 2 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 4 * 3)
        var bits: UInt32 = 0
        for (index, character) in characters.enumerated() {
            let isPadding = index >= characters.count - padded
            guard let six = isPadding ? 0 : values[Int(character)] else { return nil }
            bits = bits << 6 | UInt32(six)
            if index % 4 == 3 {
                bytes += [bits >> 16, bits >> 8, bits].map(UInt8.init(truncatingIfNeeded:))
            }
        }
        // Bits that belong to no byte must be clear, or two texts would mean the same bytes.
        guard bytes.suffix(padded).allSatisfy({ $0 == 0 }) else { return nil }
        return bytes.dropLast(padded)
    }

    private static let padding = UInt8(ascii: "=")

    /// The six bits of a character; nil where it is not in the alphabet.
    private static let values: [UInt8?] = {
        var values = [UInt8?](repeating: nil, count: 256)
        for (value, character) in alphabet.enumerated() {
            values[Int(character)] = UInt8(value)
        }
        return values
    }()
}
