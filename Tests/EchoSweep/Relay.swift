import Swiftlet

/// Readers of one connection that relieve each other: each waits until the one before it is
/// cancelled.
///
///     reader 1   reads … reads … is cancelled
///     reader 2                busy … busy … reads … is cancelled
///     reader 3                                  busy … busy … reads
///
/// What belongs to the wait of one of them must not reach the next, which waits for the same.
struct Relay: Sendable {
    private let conversation: Conversation

    init(of conversation: Conversation) { self.conversation = conversation }

    /// Reads until the conversation is over.
    func run() async throws {
        var readers = [try startReader()]
        do {
            while !conversation.isOver {
                try await sleep(for: conversation.plan.shift)
                readers.append(try startReader())
                try await sleep(for: conversation.plan.wait)
                readers[readers.count - 2].cancel()
                if readers.count > 8 { try await readers.removeFirst().value }
            }
        } catch {
            try await end(readers)
            throw error
        }
        try await end(readers)
    }

    /// Ends all readers, and throws what the first that has failed has failed with.
    private func end(_ readers: [Task<Void, any Error>]) async throws {
        for reader in readers { reader.cancel() }
        var results: [Result<Void, any Error>] = []
        for reader in readers { results.append(await reader.result) }
        for result in results { try result.get() }
    }

    private func startReader() throws(IOError) -> Task<Void, any Error> {
        try spawn(name: "reader of client \(conversation.plan.number)") { try await self.read() }
    }

    /// Reads, once it is this reader's turn, until it is relieved or all is read.
    private func read() async throws {
        do {
            while !conversation.isOver {
                do {
                    try await conversation.receiveSome()
                } catch let error as IOError where error.reason == .busy {
                    try await sleep(for: conversation.plan.wait)
                }
            }
        } catch let error as IOError where error.reason == .cancelled {
            try await conversation.ledger.judge(error)
            conversation.ledger.count(.relieved)
        } catch {
            conversation.fail()
            throw error
        }
    }
}
