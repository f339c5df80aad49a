/// Why bytes or a text hold no histogram.
package enum HistogramError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end inside a number or a block.
    case endsEarly
    /// A character that Base64 does not have, or a wrong number of them.
    case notBase64
    /// The first four bytes name no format that is known here.
    case unknownFormat(cookie: UInt32)
    /// A figure of the header makes no sense.
    case badHeader(String)
    /// A count or a place of a count is out of range.
    case badCounts(String)
    /// The compressed stream is damaged.
    case badStream(String)
    /// More bytes than any histogram needs come out of the compressed stream.
    case tooLarge(limit: Int)

    package var description: String {
        switch self {
        case .endsEarly: "the histogram is cut off"
        case .notBase64: "the histogram is not Base64"
        case .unknownFormat(let cookie):
            "0x\(String(cookie, radix: 16)) is no HdrHistogram in V2 encoding"
        case .badHeader(let reason): "the histogram's header is wrong: \(reason)"
        case .badCounts(let reason): "the histogram's counts are wrong: \(reason)"
        case .badStream(let reason): "the compressed histogram is damaged: \(reason)"
        case .tooLarge(let limit): "the compressed histogram unpacks to more than \(limit) bytes"
        }
    }
}
