import Swiftlet

/// A client of the echo service: connects, has its conversation, and tries again when that fails.
struct EchoClient: Sendable {
    let plan: ClientPlan
    let address: SocketAddress
    let ledger: Ledger

    /// How a client has ended.
    enum Outcome: Equatable, Sendable {
        case complete
        /// As was planned, in the middle.
        case left
        case failed(String)
    }

    /// Does what the plan says; throws nothing but a `Violation`.
    func run() async throws(Violation) -> Outcome {
        var outcome = Outcome.failed("it was cancelled before it began")
        for attempt in 1...plan.attempts {
            let pause = attempt == 1 ? plan.start : plan.backOff
            outcome = try await explained {
                try await sleep(for: pause)
                return try await withTimeout(plan.limit) { try await talk(attempt) }
            }
            guard case .failed = outcome, !Task.isCancelled else { break }
        }
        return outcome
    }

    /// What became of one attempt; throws when nothing explains it.
    private func explained(
        _ attempt: () async throws -> Outcome
    ) async throws(Violation) -> Outcome {
        do {
            return try await attempt()
        } catch let violation as Violation {
            throw violation
        } catch let error as IOError {
            if Task.isCancelled { ledger.count(.cancelled) }
            try await ledger.judge(error)
            return .failed("\(error)")
        } catch is Conversation.EndedEarly {
            ledger.count(.endedEarly)
            return .failed("the server ended the stream")
        } catch is TimeoutError {
            ledger.count(.limitReached)
            return .failed("the attempt took longer than \(plan.limit)")
        } catch {
            return .failed("\(error)")
        }
    }

    private func talk(_ attempt: Int) async throws -> Outcome {
        try await Connection.connect(to: address, timeout: plan.connectTimeout) {
            ledger.count(.connected)
            return try await talk(over: $0, attempt)
        }
    }

    private func talk(over connection: Connection, _ attempt: Int) async throws -> Outcome {
        if plan.hasSmallBuffers {
            try await connection.setOption(.receiveBuffer, to: 1000)
            try await connection.setOption(.sendBuffer, to: 2000)
        }
        let conversation = Conversation(plan, attempt: attempt, over: connection, ledger)
        do {
            switch plan.style {
            case .pingPong: try await playPingPong(conversation)
            case .duplex: try await talkBothWays(conversation) { try await $0.receiveAll() }
            case .relay: try await talkBothWays(conversation) { try await Relay(of: $0).run() }
            }
        } catch is Conversation.Left {
            if plan.ending == .reset { try await connection.reset() }
            ledger.count(plan.ending == .reset ? .resetByClient : .abandoned)
            return .left
        }
        ledger.count(.complete)
        if plan.ending == .halfClose { ledger.count(.halfClosed) }
        return .complete
    }

    private func playPingPong(_ conversation: Conversation) async throws {
        var sent = 0
        for message in plan.messages {
            try await conversation.send(message)
            sent += message.size
            try await conversation.receive(sent)
        }
        try await conversation.endWriting()
        try await conversation.receiveAll()
    }

    /// Writes in one task and reads in another one.
    private func talkBothWays(
        _ conversation: Conversation,
        reading: @escaping @Sendable (Conversation) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await conversation.sendAll() }
            group.addTask { try await reading(conversation) }
            try await group.waitForAll()
        }
    }
}
