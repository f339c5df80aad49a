import Syscalls

// Text in place of buffers, so that a test says what travels and not how.

extension RawDescriptor {
    /// Writes the text and says how many bytes of it the kernel took.
    func send(_ text: String) throws -> Int {
        try Array(text.utf8).withUnsafeBytes { try write($0) }
    }

    /// Reads what is there; empty at the end of the stream.
    func take(atMost count: Int) throws -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        let length = try bytes.withUnsafeMutableBytes { try read(into: $0) }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }
}
