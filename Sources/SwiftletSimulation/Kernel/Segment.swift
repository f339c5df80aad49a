import Syscalls

/// Something that one end of a connection sends to the other.
enum Segment: Sendable, Equatable {
    /// The wish to connect.
    case synchronize
    /// The answer to it.
    case accept
    /// So many bytes of the stream.
    case bytes(Int)
    /// The word that so many bytes were read, and that the connection is known to be up.
    case acknowledge(Int)
    /// The end of the stream.
    case finish
    /// The end of the connection, at once.
    case reset

    /// The bytes that it carries.
    var count: Int { if case .bytes(let count) = self { count } else { 0 } }

    /// Whether the sender sends it again until it is known to have arrived, and gives up at last.
    var isRepeated: Bool {
        switch self {
        case .accept, .bytes, .finish: true
        case .synchronize, .acknowledge, .reset: false
        }
    }
}

/// A segment that is under way.
struct Sent: Sendable {
    let segment: Segment
    /// When it arrives at the earliest; nil while it is held.
    var arrival: Instant?
}
