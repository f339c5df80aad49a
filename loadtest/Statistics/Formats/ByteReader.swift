/// Reads numbers from bytes that came from outside: never beyond their end.
struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() throws(HistogramError) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .endsEarly }
        return byte
    }

    /// The next `count` bytes, as they are.
    mutating func bytes(_ count: Int) throws(HistogramError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw .endsEarly }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// An integer, the most significant byte first.
    mutating func bigEndian<Value: FixedWidthInteger>(
        _ type: Value.Type
    ) throws(HistogramError) -> Value {
        try bytes(Value.bitWidth / 8).reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }

    /// A signed number in ZigZag LEB128-64b9B: seven bits a byte from the lowest on, a set top bit
    /// says that more follow; a ninth byte has eight.
    mutating func zigZag() throws(HistogramError) -> Int64 {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 56, by: 7) {
            let byte = try byte()
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return ByteReader.signed(value) }
        }
        value |= UInt64(try byte()) << 56
        return ByteReader.signed(value)
    }

    /// 0, 1, 2, 3, 4 … mean 0, -1, 1, -2, 2 …
    private static func signed(_ value: UInt64) -> Int64 {
        Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }
}

extension [UInt8] {
    /// Adds an integer, the most significant byte first.
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// Adds a signed number in ZigZag LEB128-64b9B.
    mutating func appendZigZag(_ number: Int64) {
        var value = UInt64(bitPattern: number << 1 ^ number >> 63)
        for _ in 0..<8 {
            if value < 0x80 {
                append(UInt8(value))
                return
            }
            append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        append(UInt8(truncatingIfNeeded: value))
    }
}
