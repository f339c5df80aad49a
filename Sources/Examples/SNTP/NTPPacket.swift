/// An instant as NTP writes it: seconds since 1900 in 32 bits, and 32 bits of a second. It begins
/// again in 2036; a difference of two is right across that, if they are less than 68 years apart.
struct NTPTime: Equatable {
    var bits: UInt64

    init(bits: UInt64) { self.bits = bits }

    /// An instant in nanoseconds since 1970.
    init(nanoseconds: Int) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let whole = UInt64(UInt32(truncatingIfNeeded: seconds + 2_208_988_800))
        bits = whole << 32 &+ UInt64(max(rest, 0)) << 32 / 1_000_000_000
    }

    /// Seconds from another instant to this one.
    static func - (one: NTPTime, other: NTPTime) -> Double {
        Double(Int64(bitPattern: one.bits &- other.bits)) / 4_294_967_296
    }
}

/// What client and server send each other, 48 bytes (RFC 4330, 4).
struct NTPPacket: Equatable {
    /// 3 says that the server's own clock is set by nothing.
    var leap: UInt8 = 0
    var version: UInt8 = 4
    /// 3 of a client, 4 of a server.
    var mode: UInt8
    /// How far the server is from a reference clock; 0 is a refusal.
    var stratum: UInt8 = 0
    var poll: UInt8 = 0
    /// Of the clock, as an exponent of 2 in seconds.
    var precision: Int8 = 0
    /// Of the server from its reference clock, in units of 2^-16 s.
    var rootDelay: UInt32 = 0, rootDispersion: UInt32 = 0
    /// Four letters: where its time is from, or why it refuses.
    var reference: UInt32 = 0
    var referenceTime = NTPTime(bits: 0), originate = NTPTime(bits: 0)
    var receive = NTPTime(bits: 0), transmit = NTPTime(bits: 0)

    init(mode: UInt8) { self.mode = mode }

    /// Reads a packet; nil for what is none. What comes behind (keys, extensions) is left alone.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 48 else { return nil }
        func number(_ place: Int, _ count: Int) -> UInt64 {
            bytes[place..<place + count].reduce(0) { $0 << 8 | UInt64($1) }
        }
        (leap, version, mode) = (bytes[0] >> 6, bytes[0] >> 3 & 7, bytes[0] & 7)
        (stratum, poll, precision) = (bytes[1], bytes[2], Int8(bitPattern: bytes[3]))
        (rootDelay, rootDispersion) = (UInt32(number(4, 4)), UInt32(number(8, 4)))
        reference = UInt32(number(12, 4))
        (referenceTime.bits, originate.bits) = (number(16, 8), number(24, 8))
        (receive.bits, transmit.bits) = (number(32, 8), number(40, 8))
    }

    var bytes: [UInt8] {
        func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: number.bigEndian, Array.init)
        }
        return [leap << 6 | version << 3 | mode, stratum, poll, UInt8(bitPattern: precision)]
            + [rootDelay, rootDispersion, reference].flatMap(bytes)
            + [referenceTime, originate, receive, transmit].flatMap { bytes($0.bits) }
    }

    /// The reference as four letters; what is not printable is a dot.
    var referenceText: String {
        let letters = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: reference >> $0) }
        return String(
            decoding: letters.map { (33...126).contains($0) ? $0 : UInt8(ascii: ".") },
            as: UTF8.self)
    }
}
