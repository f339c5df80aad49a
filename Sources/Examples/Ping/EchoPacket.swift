/// An echo request or reply of ICMP (RFC 792) or ICMPv6 (RFC 4443).
struct EchoPacket: Equatable {
    var identifier: UInt16
    var sequence: UInt16
    var data: [UInt8]

    init(identifier: UInt16, sequence: UInt16, data: [UInt8]) {
        (self.identifier, self.sequence, self.data) = (identifier, sequence, data)
    }

    /// Reads a reply; nil for what is none. A raw socket of IPv4 is given the IP header, too, whose
    /// length is in it, as options may be.
    init?(reply bytes: [UInt8], isIPv6: Bool, hasHeader: Bool = false) {
        var bytes = bytes[...]
        if hasHeader {
            guard let first = bytes.first, first >> 4 == 4, first & 15 >= 5 else { return nil }
            bytes = bytes.dropFirst(Int(first & 15) * 4)
        }
        guard bytes.count >= 8 else { return nil }
        let base = bytes.startIndex
        guard bytes[base] == (isIPv6 ? 129 : 0), bytes[base + 1] == 0 else { return nil }
        func number(_ place: Int) -> UInt16 {
            UInt16(bytes[base + place]) << 8 | UInt16(bytes[base + place + 1])
        }
        self.init(identifier: number(4), sequence: number(6), data: Array(bytes.dropFirst(8)))
    }

    func request(isIPv6: Bool) -> [UInt8] { bytes(type: isIPv6 ? 128 : 8) }

    func bytes(type: UInt8) -> [UInt8] {
        let numbers = [identifier, sequence].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        var bytes: [UInt8] = [type, 0, 0, 0] + numbers + data
        // Of ICMPv6 it is the kernel's, as it covers addresses that only the kernel knows.
        let sum = EchoPacket.checksum(bytes)
        (bytes[2], bytes[3]) = (UInt8(sum >> 8), UInt8(sum & 255))
        return bytes
    }

    /// The complement of the sum of all pairs of bytes, with the carries added again (RFC 1071).
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for place in stride(from: 0, to: bytes.count, by: 2) {
            let low = place + 1 < bytes.count ? bytes[place + 1] : 0
            sum += UInt32(bytes[place]) << 8 | UInt32(low)
            sum = sum >> 16 + sum & 0xFFFF
        }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}

/// What is known of the requests: which are answered, and after how long.
struct PingTally {
    private(set) var sent = 0
    private(set) var received = 0
    private(set) var doubled = 0
    /// Sum, sum of squares and ends of the round trips, in milliseconds.
    private var (sum, squares, least, most) = (0.0, 0.0, Double.infinity, 0.0)
    /// When each was sent that is not forgotten yet, and whether it was answered.
    private var requests: [Int: (instant: ContinuousClock.Instant, isAnswered: Bool)] = [:]

    /// Counts a request, and says its number.
    mutating func send(at instant: ContinuousClock.Instant) -> Int {
        sent += 1
        requests[sent] = (instant, false)
        // Sequences are of 16 bits: what is half of them old is nobody's answer any more.
        requests[sent - 32_768] = nil
        return sent
    }

    /// Counts an answer, and says which request it is for; nil when it is for none.
    mutating func receive(
        _ sequence: UInt16, at instant: ContinuousClock.Instant
    ) -> (number: Int, milliseconds: Double, isDoubled: Bool)? {
        let number = sent - Int(UInt16(truncatingIfNeeded: sent) &- sequence)
        guard let request = requests[number] else { return nil }
        let time = request.instant.duration(to: instant) / .milliseconds(1)
        requests[number]?.isAnswered = true
        if request.isAnswered {
            doubled += 1
            return (number, time, true)
        }
        received += 1
        (sum, squares) = (sum + time, squares + time * time)
        (least, most) = (min(least, time), max(most, time))
        return (number, time, false)
    }

    /// The last two lines.
    var summary: [String] {
        let lost = sent == 0 ? 0 : Double(sent - received) / Double(sent) * 100
        let more = doubled > 0 ? ", \(doubled) doubled" : ""
        let counts = "\(sent) sent, \(received) received\(more), \(fixed(lost, 1)) % lost"
        guard received > 0 else { return [counts] }
        let mean = sum / Double(received)
        let deviation = max(0, squares / Double(received) - mean * mean).squareRoot()
        let figures = [least, mean, most, deviation].map { fixed($0, 3) }.joined(separator: "/")
        return [counts, "round trip min/avg/max/mdev = \(figures) ms"]
    }
}
