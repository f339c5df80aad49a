import Syscalls

/// The name of a source file, as `#fileID` gives it.
///
/// Calls that may park their task take it as `file`, with a `line`, so that reports say where the
/// call stands; leave both out.
///
/// It is made of a literal only, which stays where it is while the program runs. So it is one word,
/// and passing it with every call costs next to nothing.
@frozen
public struct SourceFile: ExpressibleByStringLiteral, Sendable {
    /// Where the text begins that ends with a zero; 0 when there is none.
    @usableFromInline let address: UInt

    /// The name that a literal spells.
    @inlinable
    public init(stringLiteral name: StaticString) {
        // A literal of a single letter may be no pointer; no file is called so.
        address = name.hasPointerRepresentation ? UInt(bitPattern: name.utf8Start) : 0
    }
}

/// The call in which a task is parked, or by which it was spawned: where it stands in the source.
package struct Call: Sendable {
    private let file: SourceFile
    private let line: UInt32

    @inline(__always)
    init(_ file: SourceFile, _ line: UInt32) {
        self.file = file
        self.line = line
    }

    /// Where it stands: "Chat/Client.swift:12".
    package var place: String {
        guard let text = UnsafePointer<UInt8>(bitPattern: file.address) else {
            return "line \(line)"
        }
        return "\(String(cString: text)):\(line)"
    }
}

/// What a report tells of a parked task beside what it is parked on.
struct Stay: Sendable {
    let call: Call
    /// When the turn began in which it parked.
    let since: Instant
}
