/// The call that a task is in while it is parked: what it does, and where it stands in the source.
///
/// A small value, so that it can be kept with each parked task: the file is the address of a text
/// that lies in the program, and its name is made only when somebody asks.
package struct Call: Sendable {
    /// Where the text of the file's name begins; it ends with a zero. 0 when there is none.
    private let file: UInt
    private let line: UInt32
    /// What the call does.
    package let operation: IOError.Operation

    /// A call that stands in a line of a file, as `#fileID` and `#line` give them.
    @inline(__always)
    init(_ operation: IOError.Operation, _ file: StaticString, _ line: UInt32) {
        // A text of one letter may be no pointer; the compiler makes no such file name.
        self.file = file.hasPointerRepresentation ? UInt(bitPattern: file.utf8Start) : 0
        self.line = line
        self.operation = operation
    }

    /// Where the call stands: "Chat/Client.swift:12".
    package var place: String {
        guard let text = UnsafePointer<UInt8>(bitPattern: file) else { return "line \(line)" }
        return "\(String(cString: text)):\(line)"
    }
}
