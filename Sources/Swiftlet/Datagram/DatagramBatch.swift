import Drivers
import Syscalls

/// Several datagrams in memory that is made once, so that one system call moves many of them.
///
/// ```swift
/// var batch = DatagramBatch(capacity: 32)
/// while true {
///     try await socket.receive(into: &batch)
///     try? await socket.send(batch)           // echoes each to its sender, if that can be
/// }
/// ```
///
/// Each has its bytes and an address: that of the sender of what was received, and of the receiver
/// of what is sent.
public struct DatagramBatch: ~Copyable, Sendable {
    private let memory: Buffer
    /// How many datagrams it can have.
    public let capacity: Int
    /// How many bytes each can have; a longer one is truncated.
    public let bytesEach: Int
    /// How many datagrams it has.
    public private(set) var count = 0

    /// An empty batch.
    ///
    /// - Parameters:
    ///   - capacity: how many datagrams it can have, 1 to 1,024.
    ///   - bytesEach: how many bytes each can have, 1 to 65,536.
    public init(capacity: Int = 32, bytesEach: Int = 2_048) {
        precondition((1...1_024).contains(capacity), "a batch has 1 to 1,024 datagrams")
        precondition((1...65_536).contains(bytesEach), "a datagram has at most 65,536 bytes")
        let size = DatagramSlots.byteCount(capacity: capacity, slotSize: bytesEach)
        memory = Buffer(base: .allocate(byteCount: size, alignment: 64), count: size)
        self.capacity = capacity
        self.bytesEach = bytesEach
        slots.initialize()
    }

    deinit { memory.base.deallocate() }

    fileprivate var slots: DatagramSlots {
        DatagramSlots(memory.base, capacity: capacity, slotSize: bytesEach)
    }

    /// What is known of a datagram, 0 to `count` - 1: its length, its address, the local address
    /// without a port.
    public subscript(index: Int) -> ReceivedDatagram {
        check(index)
        return slots.received(in: index)
    }

    /// Lends the bytes of a datagram to `body`; the pointer means nothing afterwards.
    public func withUnsafeBytes<Result, Failure: Error>(
        at index: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        check(index)
        return try body(
            UnsafeRawBufferPointer(
                rebasing: slots.space(of: index).prefix(slots.count(in: index))))
    }

    /// Lends the bytes of a datagram to `body`, which may change them; the pointer means nothing
    /// afterwards.
    public mutating func withUnsafeMutableBytes<Result, Failure: Error>(
        at index: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        check(index)
        return try body(
            UnsafeMutableRawBufferPointer(
                rebasing: slots.space(of: index).prefix(slots.count(in: index))))
    }

    /// A copy of the bytes of a datagram.
    public func bytes(at index: Int) -> [UInt8] { withUnsafeBytes(at: index) { [UInt8]($0) } }

    /// Adds a datagram to be sent.
    ///
    /// - Throws: `IOError` of `send` with `.datagramTooLong` for more bytes than one can have here,
    ///   and `.outOfRange` when it is full.
    public mutating func append(_ bytes: [UInt8], to address: SocketAddress) throws(IOError) {
        guard count < capacity else { throw IOError(.send, .outOfRange(count + 1)) }
        guard bytes.count <= bytesEach else { throw IOError(.send, .datagramTooLong(bytes.count)) }
        slots.space(of: count).copyBytes(from: bytes)
        do throws(Errno) {
            try slots.fill(count, count: bytes.count, address: address)
        } catch {
            throw IOError(.send, .system(error), at: address)
        }
        count += 1
    }

    /// Makes it empty.
    public mutating func removeAll() { count = 0 }

    fileprivate mutating func setCount(_ count: Int) { self.count = count }

    private func check(_ index: Int) {
        precondition((0..<count).contains(index), "datagram \(index) of \(count) does not exist")
    }
}

extension DatagramSocket {
    /// Waits for datagrams and puts all that are there into a batch, as many as it can have, in
    /// place of those that it had (recvmmsg(2)).
    ///
    /// - Throws: as `receive(into:timeout:file:line:)`.
    public func receive(
        into batch: inout DatagramBatch, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        batch.setCount(0)
        // The batch is this call's alone until it returns, and so is its memory.
        let lent = Lent(batch.slots)
        batch.setCount(
            try await socket.receiveDatagrams(
                into: lent, readingControl: readsControl, timeout: timeout,
                in: Call(file, line)))
    }

    /// Sends all datagrams of a batch, each to its address: to its sender, if it was received, and
    /// from the address that it came to, if that was told (sendmmsg(2)).
    ///
    /// One that the kernel refuses does not keep the others: they are sent, and then this throws
    /// what it said of the first that it refused, with the address of that one.
    ///
    /// - Throws: as `send`; after `.timedOut`, `.cancelled` and `.closed` those that were left are
    ///   not sent.
    public func send(
        _ batch: borrowing DatagramBatch, timeout: Duration? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line
    ) async throws(IOError) {
        let lent = Lent(batch.slots)
        try await socket.sendDatagrams(
            lent, count: batch.count, timeout: timeout, in: Call(file, line))
    }
}

/// The memory of a batch, which is one call's for as long as that lasts.
private struct Lent: Sendable {
    private let memory: Buffer
    private let capacity: Int
    private let slotSize: Int

    init(_ slots: DatagramSlots) {
        memory = Buffer(base: slots.memory, count: 0)
        capacity = slots.capacity
        slotSize = slots.slotSize
    }

    var slots: DatagramSlots {
        DatagramSlots(memory.base, capacity: capacity, slotSize: slotSize)
    }
}

extension Socket {
    fileprivate func receiveDatagrams(
        into lent: Lent, readingControl: Bool, timeout: Duration?, in call: Call
    ) async throws(IOError) -> Int {
        if loop.isHome {
            return try await receiveDatagramsHere(
                into: lent, readingControl, until: loop.deadline(after: timeout), in: call)
        }
        return try await loop.perform { () async throws(IOError) in
            try await self.receiveDatagramsHere(
                into: lent, readingControl, until: self.loop.deadline(after: timeout), in: call)
        }
    }

    fileprivate func sendDatagrams(
        _ lent: Lent, count: Int, timeout: Duration?, in call: Call
    ) async throws(IOError) {
        if loop.isHome {
            return try await sendDatagramsHere(
                lent, count, until: loop.deadline(after: timeout), in: call)
        }
        try await loop.perform { () async throws(IOError) in
            try await self.sendDatagramsHere(
                lent, count, until: self.loop.deadline(after: timeout), in: call)
        }
    }

    // The callers of all that follows are on the loop's thread.

    private func receiveDatagramsHere(
        into lent: Lent, _ readingControl: Bool, until deadline: Instant, in call: Call
    ) async throws(IOError) -> Int {
        try checkReadable(.receive)
        if !loop.spend() { try await yieldReading(.receive) }
        while true {
            loop.state.statistics.receives += 1
            do throws(Errno) {
                let count = try loop.sockets.receiveDatagrams(
                    descriptor, into: lent.slots, readingControl: readingControl)
                for slot in 0..<count {
                    loop.state.statistics.bytesRead += lent.slots.count(in: slot)
                }
                return count
            } catch .wouldBlock {
                loop.state.statistics.wouldBlocks += 1
            } catch {
                throw IOError(.receive, .system(error))
            }
            try await awaitDatagram(until: deadline, in: call)
        }
    }

    private func sendDatagramsHere(
        _ lent: Lent, _ count: Int, until deadline: Instant, in call: Call
    ) async throws(IOError) {
        try checkOpen(.send)
        if !loop.spend() { try await yield(.send) }
        var (first, pause, refusal) = (0, Pause(), IOError?.none)
        while first < count {
            do throws(IOError) {
                let sent = try trySending(lent, first..<count)
                first += sent
                if sent > 0 { continue }
            } catch {
                refusal = refusal ?? error
                first += 1
                continue
            }
            try await awaitRoom(
                isTold: !peer.isUnix, pausing: &pause, until: deadline, in: call)
        }
        if let refusal { throw refusal }
    }

    /// Asks the kernel once, and says how many it took; its refusal is of the first one.
    private func trySending(_ lent: Lent, _ range: Range<Int>) throws(IOError) -> Int {
        loop.state.statistics.sends += 1
        do throws(Errno) {
            let sent = try loop.sockets.sendDatagrams(descriptor, lent.slots, range)
            for slot in range.prefix(sent) {
                loop.state.statistics.bytesWritten += lent.slots.count(in: slot)
            }
            return sent
        } catch .wouldBlock {
            loop.state.statistics.wouldBlocks += 1
            return 0
        } catch {
            let refused = lent.slots.received(in: range.lowerBound)
            throw IOError(
                .send,
                error == .messageTooLong ? .datagramTooLong(refused.count) : .system(error),
                at: refused.sender)
        }
    }
}
