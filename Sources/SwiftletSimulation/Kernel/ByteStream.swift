import Syscalls

/// One direction of a connection: everything between the sender's call and the reader's.
///
///     bytes   [ arrived | under way | unsent ]      one queue; only the marks between move
///
/// A byte is copied in once and copied out once. What was sent and of which the sender does not
/// know that it was read is the window that it has used up.
struct ByteStream {
    /// Bytes that a read does not join with what is behind them, and the files that come with them.
    private struct Message {
        let range: Range<Int>
        let files: [RawDescriptor]
    }

    private var bytes = ByteQueue()
    /// Those of `SOCK_SEQPACKET`, all; else those that files come with. By the places of bytes.
    private var messages = FIFO<Message>()
    /// The place of the next byte that is read, and of the next one that is written.
    private var readPlace = 0
    private var writePlace = 0
    /// Bytes that the reader may take.
    private(set) var arrived = 0
    /// Bytes in segments that are under way.
    private(set) var underWay = 0
    /// Bytes sent of which the sender does not know that they were read.
    private(set) var unconfirmed = 0
    /// Bytes that were read and of which the reader has not told the sender.
    private(set) var unacknowledged = 0

    /// Bytes that the sender's host has not sent yet.
    var unsent: Int { bytes.count - arrived - underWay }

    /// Bytes that the reader's host does not have yet, sent or not.
    var outstanding: Int { bytes.count - arrived }

    /// How much waits to be read, in bytes, where even an empty message counts.
    var waiting: Int { bytes.count + messages.count }

    /// Bytes that one read may take, nil when nothing is there: it ends behind a message, of which
    /// it has all or nothing where it is one of `SOCK_SEQPACKET`. Such a message may be empty.
    func readable(inMessages: Bool) -> Int? {
        guard !messages.isEmpty else { return arrived > 0 ? arrived : nil }
        let end = messages[0].range.upperBound - readPlace
        if inMessages { return end > arrived ? nil : end }
        return arrived > 0 ? min(end, arrived) : nil
    }

    /// The files that are under way.
    var files: [RawDescriptor] { (0..<messages.count).flatMap { messages[$0].files } }

    /// Takes bytes from the sender's program, as a message of their own or not.
    mutating func write(
        _ some: UnsafeRawBufferPointer, passing files: [RawDescriptor], asMessage: Bool
    ) {
        bytes.append(some)
        if asMessage || !files.isEmpty {
            messages.append(Message(range: writePlace..<writePlace + some.count, files: files))
        }
        writePlace += some.count
    }

    /// Puts some of the unsent bytes under way.
    mutating func send(_ count: Int) {
        underWay += count
        unconfirmed += count
    }

    /// Takes bytes that were under way as arrived.
    mutating func arrive(_ count: Int) {
        underWay -= count
        arrived += count
    }

    /// Gives as many bytes to the reader's program as the buffer holds, which have arrived, and the
    /// files that come with them; of a message of `SOCK_SEQPACKET` the rest is lost.
    mutating func read(
        into buffer: UnsafeMutableRawBufferPointer, inMessages: Bool
    ) -> [RawDescriptor] {
        bytes.take(into: buffer)
        leave(behind: buffer.count)
        guard !messages.isEmpty, inMessages || messages[0].range.lowerBound < readPlace,
            let message = messages.popFirst()
        else { return [] }
        if inMessages {
            bytes.drop(message.range.upperBound - readPlace)
            leave(behind: message.range.upperBound - readPlace)
        }
        return message.files
    }

    private mutating func leave(behind count: Int) {
        arrived -= count
        unacknowledged += count
        readPlace += count
    }

    /// Takes the files that no program will receive any more.
    mutating func takeFiles() -> [RawDescriptor] {
        var files: [RawDescriptor] = []
        while let message = messages.popFirst() { files += message.files }
        return files
    }

    /// Takes what the sender is to be told of.
    mutating func takeUnacknowledged() -> Int {
        defer { unacknowledged = 0 }
        return unacknowledged
    }

    /// Notes that the sender knows of so many bytes that they were read.
    mutating func confirm(_ count: Int) { unconfirmed -= count }

    /// Gives up bytes that were under way, and all that were not sent yet.
    mutating func lose(underWay count: Int) {
        underWay -= count
        bytes.truncate(to: arrived + underWay)
    }
}

/// Bytes in order: in at the back, out at the front, copied in bulk.
///
///     storage  [ taken | bytes … ]
///                      ^ first
struct ByteQueue {
    private var storage: [UInt8] = []
    private var first = 0

    var count: Int { storage.count - first }

    /// Puts bytes behind those that are there.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        // Taken bytes are given up when they are as many as the others, so each moves once.
        if first > 0, first >= count {
            storage.removeFirst(first)
            first = 0
        }
        storage.append(contentsOf: bytes)
    }

    /// Takes as many bytes as the buffer holds, which are there.
    mutating func take(into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count <= count, "more bytes are taken than there are")
        storage.withUnsafeBytes { bytes in
            buffer.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[first...].prefix(buffer.count)))
        }
        drop(buffer.count)
    }

    /// Gives up the first bytes, which are there.
    mutating func drop(_ count: Int) {
        first += count
        if first == storage.count {
            storage.removeAll(keepingCapacity: true)
            first = 0
        }
    }

    /// Gives up all but the first `count` bytes.
    mutating func truncate(to count: Int) {
        if count < self.count { storage.removeLast(self.count - count) }
    }
}
