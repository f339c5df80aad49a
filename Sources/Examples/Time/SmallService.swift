import Glibc
import Swiftlet

/// One of the small services: what it does with a connection, and with a datagram.
struct SmallService: Sendable {
    enum Name: String, CaseIterable {
        case time, daytime, echo, discard, chargen, quote

        /// The port that its RFC gives it.
        var rawPort: Int {
            switch self {
            case .echo: 7
            case .discard: 9
            case .daytime: 13
            case .quote: 17
            case .chargen: 19
            case .time: 37
            }
        }
    }

    let name: Name
    let clock: WallClock

    init(_ name: Name, clock: WallClock = .system) { (self.name, self.clock) = (name, clock) }

    @Sendable func serve(_ connection: Connection) async throws {
        do {
            switch name {
            case .echo: try await echoed(connection)
            // Until the client ends its half. A server that closed with bytes unread would reset
            // the connection, and the client would take what it sent for lost.
            case .discard: while try await connection.read() != nil {}
            case .chargen:
                for number in 0... { try await connection.write(CharacterGenerator.line(number)) }
            case .time, .daytime, .quote: try await connection.write(text([]) ?? [])
            }
        } catch IOError.system(.brokenPipe), IOError.system(.connectionReset) {
            // The client has had enough, which is how it says so.
        }
    }

    func answer(_ datagram: Datagram, _ gate: LoopGuard) async throws {
        guard gate.admits(datagram.sender), let bytes = text(datagram.bytes) else { return }
        try await datagram.reply(bytes)
    }

    /// What is sent for a datagram, or once in a connection; nil is nothing.
    func text(_ bytes: [UInt8]) -> [UInt8]? {
        switch name {
        case .echo: bytes
        case .discard: nil
        case .chargen: CharacterGenerator.datagram()
        case .time: SmallService.time(at: clock.seconds)
        case .daytime: SmallService.daytime(at: clock.seconds)
        case .quote: Array(((quotes.randomElement() ?? "") + "\r\n").utf8)
        }
    }

    /// Seconds since 1900 in four bytes (RFC 868). They begin again at 0 in 2036.
    static func time(at seconds: Int) -> [UInt8] {
        let number = UInt32(truncatingIfNeeded: seconds + 2_208_988_800)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    /// "22 FEB 1982 17:37:43 UTC", one of the forms of RFC 867.
    static func daytime(at seconds: Int) -> [UInt8] {
        var (time, parts) = (time_t(seconds), tm())
        gmtime_r(&time, &parts)
        let months = [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1_900)"
        let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(two).joined(separator: ":")
        return Array("\(date) \(clock) UTC\r\n".utf8)
    }
}

/// Characters without end (RFC 864): lines of 72, each begins one character later than the last.
enum CharacterGenerator {
    private static let characters = Array(UInt8(ascii: " ")...UInt8(ascii: "~"))

    static func line(_ number: Int) -> [UInt8] {
        (0..<72).map { characters[(number + $0) % characters.count] } + [13, 10]
    }

    /// So many as chance says, 0 to 512.
    static func datagram() -> [UInt8] {
        Array((0..<7).flatMap(line).prefix(.random(in: 0...512)))
    }
}

/// Shorter than 512 characters, as RFC 865 has it.
private let quotes = [
    "Be liberal in what you accept, and conservative in what you send. (RFC 1122)",
    "The end of a stream is a value, not an error.",
    "A datagram arrives as a whole or not at all, in any order, and perhaps twice.",
    "A read may give less than was asked for, and that is no mistake.",
    "It is always something. (RFC 1925)",
]
