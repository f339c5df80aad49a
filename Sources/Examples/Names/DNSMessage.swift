/// The labels of a name, in small letters: "example.org" is two. A dot may be part of a label, so a
/// name is no text.
typealias DNSName = [[UInt8]]

/// What a server may say beside its answers (RFC 1035, 4.1.1).
enum DNSCode: UInt8 {
    case done, formatError, serverFailure, noName, notImplemented, refused
}

/// A question that came over the network (RFC 1035, 4).
struct DNSQuery {
    private(set) var id: [UInt8]
    /// The third byte of the header: opcode, and whether recursion is wished for.
    private let flags: UInt8
    /// What is asked, as it came: the answer repeats it, in large and small letters, too.
    private(set) var question: [UInt8] = []
    private(set) var name: DNSName = []
    private(set) var type: UInt16 = 0
    /// What is wrong with it.
    private(set) var code = DNSCode.done
    /// How long an answer by UDP may be: 512 if nothing else is said (EDNS, RFC 6891).
    private(set) var limit = 512
    private var hasEDNS = false

    /// Reads a question; nil for what gets no answer: what is too short to have a number, and any
    /// answer. A server that answers answers is in a loop with the first other one that does.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 12, bytes[2] & 0x80 == 0 else { return nil }
        (id, flags) = (Array(bytes[..<2]), bytes[2])
        guard flags >> 3 == 0 else {
            code = .notImplemented
            return
        }
        var reader = DNSReader(bytes: bytes, place: 12)
        let counts = (2...5).map { UInt16(bytes[$0 * 2]) << 8 | UInt16(bytes[$0 * 2 + 1]) }
        // One question, as everybody asks; and behind it EDNS, but no answers.
        guard counts[0] == 1, counts[1] == 0, counts[2] == 0, let name = reader.name(),
            let type = reader.number(), let network = reader.number()
        else {
            code = .formatError
            return
        }
        (self.name, self.type, question) = (name, type, Array(bytes[12..<reader.place]))
        if network != 1 { code = .refused }
        if counts[3] > 0 { readEDNS(&reader) }
    }

    private mutating func readEDNS(_ reader: inout DNSReader) {
        guard reader.name() == [], reader.number() == 41, let size = reader.number() else { return }
        hasEDNS = true
        // More than fits into a packet everywhere is lost somewhere.
        limit = min(max(Int(size), 512), 1_232)
    }

    /// An answer of at most `limit` bytes. One that is longer says only that it is: then the client
    /// asks again over TCP (RFC 2181, 9).
    func answer(
        _ code: DNSCode, _ records: [[UInt8]] = [], limit: Int
    ) -> [UInt8] {
        let isCut = records.reduce(12 + question.count + 11, { $0 + $1.count }) > limit
        let count = isCut ? 0 : records.count
        var bytes = id
        // It is an answer (80), of one who knows (04), perhaps cut (02); recursion is not offered.
        bytes += [0x84 | flags & 0x79 | (isCut ? 2 : 0), code.rawValue]
        bytes += [0, question.isEmpty ? 0 : 1, UInt8(count >> 8), UInt8(count & 255), 0, 0]
        bytes += [0, hasEDNS ? 1 : 0] + question
        if !isCut { bytes += records.joined() }
        return hasEDNS ? bytes + [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0] : bytes
    }

    /// A record of the name that was asked for, by a pointer to where it stands in the question.
    static func record(type: UInt16, timeToLive: UInt32, _ data: [UInt8]) -> [UInt8] {
        [0xC0, 12, UInt8(type >> 8), UInt8(type & 255), 0, 1]
            + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: timeToLive >> $0) }
            + [UInt8(data.count >> 8), UInt8(data.count & 255)] + data
    }

    /// A name as it is written into a record.
    static func bytes(of name: DNSName) -> [UInt8] {
        name.flatMap { [UInt8($0.count)] + $0 } + [0]
    }
}

/// Reads what a stranger wrote: every length may be a lie.
private struct DNSReader {
    let bytes: [UInt8]
    var place: Int

    mutating func number() -> UInt16? {
        guard place + 2 <= bytes.count else { return nil }
        defer { place += 2 }
        return UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1])
    }

    /// A name without pointers. They are for answers; in a question the naive reader of one that
    /// points to itself reads for ever.
    mutating func name() -> DNSName? {
        var (labels, length): (DNSName, Int) = ([], 0)
        while place < bytes.count {
            let count = Int(bytes[place])
            place += 1
            if count == 0 { return labels }
            length += count + 1
            guard count < 64, length < 255, place + count <= bytes.count else { return nil }
            labels.append(bytes[place..<place + count].map(smallLetter))
            place += count
        }
        return nil
    }
}

/// Only letters of ASCII are the same large and small (RFC 4343).
func smallLetter(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
}
