/// What a service tells of itself: a line of text in a datagram, so that tcpdump -A shows it.
struct Announcement: Hashable {
    /// What is looked for: "printer".
    let kind: String
    /// Which of them it is.
    let name: String
    let port: UInt16
}

/// What services and those that look for them send each other, over UDP to a group or to all.
enum DiscoveryMessage: Equatable {
    /// Asks for services of a kind. The number is repeated in the answers: it tells those to this
    /// question from what was sent to another one, or by somebody who was not asked.
    case query(kind: String, number: UInt64)
    case answer(Announcement, number: UInt64)
    /// Said unasked, when a service begins, so that those that look on need not ask.
    case announcement(Announcement)

    private static let mark = "swiftlet-discover/1"
    /// The longest message, which a packet of any network holds.
    static let sizeMax = 256

    /// Reads a message; nil for what is none.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.sizeMax,
            let text = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count >= 2, words[0] == Self.mark else { return nil }
        switch (words[1], words.count) {
        case ("find", 4):
            guard Self.isWord(words[2]), let number = UInt64(words[3], radix: 16) else {
                return nil
            }
            self = .query(kind: words[2], number: number)
        case ("here", 5), ("here", 6):
            guard Self.isWord(words[2]), Self.isWord(words[3]), let port = UInt16(words[4]) else {
                return nil
            }
            let announcement = Announcement(kind: words[2], name: words[3], port: port)
            guard words.count == 6 else {
                self = .announcement(announcement)
                return
            }
            guard let number = UInt64(words[5], radix: 16) else { return nil }
            self = .answer(announcement, number: number)
        default: return nil
        }
    }

    var bytes: [UInt8] {
        func line(_ service: Announcement) -> String {
            "\(Self.mark) here \(service.kind) \(service.name) \(service.port)"
        }
        return switch self {
        case .query(let kind, let number):
            Array("\(Self.mark) find \(kind) \(String(number, radix: 16))".utf8)
        case .answer(let service, let number):
            Array("\(line(service)) \(String(number, radix: 16))".utf8)
        case .announcement(let service): Array(line(service).utf8)
        }
    }

    /// Whether a text may be a kind or a name: up to 63 characters that a terminal shows as they
    /// are. A name from the network with an escape sequence in it would paint what it likes there.
    static func isWord(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.allSatisfy { (33...126).contains($0) }
    }
}
