/// The packets of the Trivial File Transfer Protocol (RFC 1350, 5), with options (RFC 2347).
enum TFTPPacket: Equatable {
    /// "octet" or "netascii" is the mode; option names are in small letters, as their case is free.
    case request(isWrite: Bool, name: String, mode: String, options: [String: String])
    case data(UInt16, [UInt8])
    case acknowledgement(UInt16)
    case error(UInt16, String)
    /// The options that a server takes, of those that it was offered.
    case options([String: String])

    /// Reads a packet; nil for what is none. A stranger sent it: no length is believed, and a text
    /// without its zero is no text.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4, bytes[0] == 0 else { return nil }
        let (number, rest) = (UInt16(bytes[2]) << 8 | UInt16(bytes[3]), bytes[4...])
        switch bytes[1] {
        case 1, 2, 6:
            guard bytes.last == 0 else { return nil }
            let texts = bytes[2...].dropLast().split(separator: 0, omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            guard texts.count.isMultiple(of: 2) else { return nil }
            var options: [String: String] = [:]
            for place in stride(from: bytes[1] == 6 ? 0 : 2, to: texts.count, by: 2) {
                options[texts[place].lowercased()] = texts[place + 1]
            }
            self =
                bytes[1] == 6
                ? .options(options)
                : .request(
                    isWrite: bytes[1] == 2, name: texts[0], mode: texts[1].lowercased(),
                    options: options)
        case 3: self = .data(number, Array(rest))
        case 4: self = .acknowledgement(number)
        case 5: self = .error(number, String(decoding: rest.prefix { $0 != 0 }, as: UTF8.self))
        default: return nil
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .request(let isWrite, let name, let mode, let options):
            [0, isWrite ? 2 : 1] + zeroEnded([name, mode]) + zeroEnded(options)
        case .data(let number, let bytes): [0, 3, UInt8(number >> 8), UInt8(number & 255)] + bytes
        case .acknowledgement(let number): [0, 4, UInt8(number >> 8), UInt8(number & 255)]
        case .error(let code, let text): [0, 5, 0, UInt8(code & 255)] + zeroEnded([text])
        case .options(let options): [0, 6] + zeroEnded(options)
        }
    }
}

private func zeroEnded(_ texts: [String]) -> [UInt8] { texts.flatMap { Array($0.utf8) + [0] } }

private func zeroEnded(_ options: [String: String]) -> [UInt8] {
    zeroEnded(options.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
}

/// How the two ends have agreed to transfer (RFC 2348, 2349, 7440).
struct TFTPTerms: Equatable {
    var blockSize = 512
    /// Blocks that are sent before one is acknowledged; 64 bound what a stranger makes us hold.
    var windowSize = 1
    /// Seconds without an answer after which one sends again.
    var timeout = 1

    /// Takes the options that make sense, and returns them as they were taken, which is what a
    /// server answers. `size` is that of a file to be read.
    mutating func take(_ options: [String: String], size: Int?) -> [String: String] {
        var taken = options.filter { $0.key == "tsize" }.mapValues { size.map(String.init) ?? $0 }
        func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
            guard let value = options[name].flatMap({ Int($0) }), value >= range.lowerBound else {
                return nil
            }
            taken[name] = "\(min(value, range.upperBound))"
            return min(value, range.upperBound)
        }
        blockSize = number("blksize", 8...65_464) ?? blockSize
        windowSize = number("windowsize", 1...64) ?? windowSize
        // The one option that a server may not answer with another value. A longer one would let a
        // stranger hold a transfer for minutes that never begins.
        if options["timeout"].flatMap({ UInt8($0) }) ?? 255 <= 10 {
            timeout = number("timeout", 1...10) ?? timeout
        }
        return taken
    }
}
