import Glibc

// Control messages, which go beside the bytes of a message (cmsg(3)). C has macros for them, which
// Swift does not import.
//
//     [ length | level | type | value … ] padding [ length | level | type | value … ] padding

/// Memory for control messages to be sent, and how much of it is filled.
struct ControlWriter {
    private let memory: UnsafeMutableRawBufferPointer
    /// Bytes that are filled, with the padding behind the last message.
    private(set) var count = 0

    /// Begins to fill memory, which must be aligned to a word and zero.
    init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }

    /// Adds a message, for which there is room.
    mutating func add<Value: BitwiseCopyable>(_ level: CInt, _ type: CInt, _ value: Value) {
        let size = ControlMessage.headerSize + MemoryLayout<Value>.size
        precondition(count + ControlMessage.padded(size) <= memory.count, "no room for a message")
        var header = cmsghdr()
        header.cmsg_len = numericCast(size)
        header.cmsg_level = level
        header.cmsg_type = type
        memory.storeBytes(of: header, toByteOffset: count, as: cmsghdr.self)
        memory.storeBytes(
            of: value, toByteOffset: count + ControlMessage.headerSize, as: Value.self)
        count += ControlMessage.padded(size)
    }
}

/// A control message that was received.
struct ControlMessage {
    let level: CInt
    let type: CInt
    /// The value, in memory that is lent.
    let value: UnsafeRawBufferPointer

    static let headerSize = padded(MemoryLayout<cmsghdr>.size)

    /// A size with its padding: the next message begins at a word.
    static func padded(_ size: Int) -> Int {
        (size + MemoryLayout<Int>.size - 1) & ~(MemoryLayout<Int>.size - 1)
    }

    /// The value, if it is as long as it must be.
    func load<Value: BitwiseCopyable>(at offset: Int = 0, as type: Value.Type) -> Value? {
        guard value.count >= offset + MemoryLayout<Value>.size else { return nil }
        return value.loadUnaligned(fromByteOffset: offset, as: type)
    }

    /// Lends each message in memory that the kernel has filled to `body`.
    static func forEach(in memory: UnsafeRawBufferPointer, _ body: (ControlMessage) -> Void) {
        var offset = 0
        while offset + headerSize <= memory.count {
            let header = memory.loadUnaligned(fromByteOffset: offset, as: cmsghdr.self)
            let length = Int(header.cmsg_len)
            guard length >= headerSize, length <= memory.count - offset else { return }
            let value = UnsafeRawBufferPointer(
                rebasing: memory[offset + headerSize..<offset + length])
            body(ControlMessage(level: header.cmsg_level, type: header.cmsg_type, value: value))
            offset += padded(length)
        }
    }
}
