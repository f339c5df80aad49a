import Swiftlet
import Synchronization

/// One connection of a client: what it sends, and what is checked of what comes back.
final class Conversation: Sendable {
    private struct Progress {
        /// What was given to the kernel, or is about to be.
        var sent = 0
        var received = 0
        /// Whether there is nothing more to read.
        var isOver = false
        /// Whether too few bytes came for a read of an exact count.
        var endsEarly = false
        /// Whether one of the tasks was told of an error. The kernel tells only once, and the task
        /// that asks after that sees the end of the stream.
        var isBroken = false
    }

    let plan: ClientPlan
    let connection: Connection
    let ledger: Ledger
    private let payload: Payload
    private let progress = Mutex(Progress())

    init(_ plan: ClientPlan, attempt: Int, over connection: Connection, _ ledger: Ledger) {
        self.plan = plan
        self.connection = connection
        self.ledger = ledger
        payload = Payload(client: plan.number, connection: attempt)
    }

    var isOver: Bool { progress.withLock { $0.isOver } }
    var received: Int { progress.withLock { $0.received } }

    /// Ends the reading of all tasks that read.
    func fail() { progress.withLock { $0.isOver = true } }

    // MARK: Writing

    /// Sends a message, after its pause.
    func send(_ message: ClientPlan.Message) async throws {
        if message.pause > .zero { try await sleep(for: message.pause) }
        let range = progress.withLock { progress in
            defer { progress.sent += message.size }
            return progress.sent..<progress.sent + message.size
        }
        try await noticing {
            try await connection.write(payload.bytes(range), timeout: plan.patience)
        }
    }

    /// Sends everything, and ends the writing half if that is the plan.
    func sendAll() async throws {
        for message in plan.messages { try await send(message) }
        try await endWriting()
    }

    /// Does after the last message what the plan says, to the writing half or to all of it.
    func endWriting() async throws {
        switch plan.ending {
        case .halfClose: try await connection.closeWrite()
        case .close: break
        case .abandon, .reset: throw Left()
        }
    }

    /// Thrown by a client that leaves in the middle, to end what it does beside.
    struct Left: Error {}

    // MARK: Reading

    /// Reads until so many bytes came back.
    func receive(_ count: Int) async throws {
        while received < count, !isOver { try await receiveSome() }
    }

    /// Reads until everything came back, and to the end of the stream if that is the plan.
    func receiveAll() async throws {
        while !isOver { try await receiveSome() }
    }

    /// Reads once, and again when it took too long for as often as the plan says.
    func receiveSome() async throws {
        guard let scope = plan.scope else { return try await noticing(receiveOnce) }
        for _ in 0..<plan.retries {
            do {
                return try await withTimeout(scope) { try await self.noticing(self.receiveOnce) }
            } catch is TimeoutError {
                ledger.count(.scopeTimedOut)
            }
        }
        try await noticing(receiveOnce)
    }

    /// Notes what the kernel tells, whatever becomes of the error.
    private func noticing(_ operation: () async throws -> Void) async throws {
        do {
            try await operation()
        } catch let error as IOError {
            if case .system = error.reason { progress.withLock { $0.isBroken = true } }
            throw error
        }
    }

    private func receiveOnce() async throws {
        switch plan.reading {
        case .lent: try await receiveLent()
        case .copied:
            let bytes = try await connection.readCopy(ofAtMost: 2048, timeout: plan.patience)
            try await take(bytes)
        case .exactly:
            let left = awaited - received
            if left == 0 || progress.withLock({ $0.endsEarly }) { return try await receiveLent() }
            do {
                if let bytes = try await connection.read(
                    exactly: min(left, 700), timeout: plan.patience)
                {
                    return try check(bytes)
                }
            } catch let error as IOError where error.reason == .endOfStream {
                // What came before the end is the next read's.
            }
            progress.withLock { $0.endsEarly = true }
        }
    }

    private func receiveLent() async throws {
        guard let bytes = try await connection.read(timeout: plan.patience) else {
            return try await end()
        }
        try bytes.withUnsafeBytes { bytes throws(Violation) in try check(bytes) }
    }

    private func take(_ bytes: [UInt8]?) async throws {
        guard let bytes else { return try await end() }
        try check(bytes)
    }

    /// Bytes that come back by themselves: what was sent, or all that a task beside this one sends.
    private var awaited: Int {
        plan.style == .pingPong ? progress.withLock { $0.sent } : plan.total
    }

    // MARK: Checking

    private func check(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { bytes in try check(bytes) }
    }

    /// Holds what came back against what was sent.
    private func check(_ bytes: UnsafeRawBufferPointer) throws(Violation) {
        let (offset, sent) = progress.withLock { progress in
            let offset = progress.received
            progress.received += bytes.count
            let isAll = progress.received == plan.total
            // A client that half-closes reads to the end of the stream, too.
            if isAll, plan.ending != .halfClose { progress.isOver = true }
            return (offset, progress.sent)
        }
        ledger.count(.bytesEchoed, bytes.count)
        if offset + bytes.count > sent {
            throw ledger.noted(
                .tooManyBytes(
                    client: plan.number, sent: sent, received: offset + bytes.count))
        }
        if let wrong = payload.firstDifference(in: bytes, from: offset) {
            throw ledger.noted(.wrongByte(client: plan.number, offset: wrong))
        }
    }

    /// The stream has ended: everything was echoed, or the server knows why not.
    private func end() async throws {
        let (sent, received, isBroken) = progress.withLock { progress in
            progress.isOver = true
            return (progress.sent, progress.received, progress.isBroken)
        }
        if received == plan.total { return }
        let address = try await connection.localAddress
        guard isBroken || ledger.mayEndEarly(address, received: received) else {
            throw ledger.noted(
                .missingBytes(client: plan.number, sent: sent, received: received))
        }
        throw EndedEarly()
    }

    /// Thrown when the server has ended the stream before everything was echoed, with good reason.
    struct EndedEarly: Error {}
}
