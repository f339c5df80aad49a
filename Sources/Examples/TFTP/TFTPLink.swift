import Swiftlet

/// One end of a transfer: it sends, and sends again, until the other end has answered.
struct TFTPLink {
    let socket: DatagramSocket
    /// The other end. A server answers from a port of its own (RFC 1350, 4), so a client knows it
    /// only from the first answer: until then it is where the request goes.
    var peer: SocketAddress
    var isPeerKnown: Bool
    var terms = TFTPTerms()
    /// How often one sends before it gives up.
    var tries: Int
    /// A packet that was received too early, to be received again.
    var held: TFTPPacket?

    /// Room for a window: what finds none is lost, and each loss costs a timeout. The kernel gives
    /// less if its limit is lower (net.core.rmem_max).
    static let options: [SocketOption: Int] = [.receiveBuffer: 1 << 20]

    enum Verdict<Answer> {
        case ignored, progress
        case enough(Answer)
    }

    /// Sends packets until `take` has enough of the answers: after each silence of a timeout again.
    ///
    /// The naive form sends again whatever comes, at every answer and at every timeout. Then one
    /// delayed packet makes both ends send everything twice from there on: the Sorcerer's
    /// Apprentice (RFC 1123, 4.2.3.1). Here an answer that is not awaited changes nothing, and does
    /// not put the timeout off either.
    mutating func exchange<Answer>(
        _ packets: () -> [TFTPPacket], _ take: (TFTPPacket) -> Verdict<Answer>
    ) async throws -> Answer {
        var triesLeft = tries
        while triesLeft > 0 {
            triesLeft -= 1
            for packet in packets() { try await send(packet) }
            var deadline = ContinuousClock.now.advanced(by: .seconds(terms.timeout))
            while let (packet, sender) = try await receive(until: deadline) {
                let verdict = take(packet)
                if case .ignored = verdict {
                    if !isPeerKnown { try await refuse(sender) }
                    continue
                }
                (peer, isPeerKnown) = (sender, true)
                if case .enough(let answer) = verdict { return answer }
                deadline = ContinuousClock.now.advanced(by: .seconds(terms.timeout))
                triesLeft = tries
            }
        }
        throw Failure(.unavailable, "\(peer) does not answer")
    }

    func send(_ packet: TFTPPacket) async throws { try await socket.send(packet.bytes, to: peer) }

    /// The next packet of the other end, and where it came from; nil when none has come in time.
    private mutating func receive(
        until deadline: ContinuousClock.Instant
    ) async throws -> (TFTPPacket, SocketAddress)? {
        if let packet = held.take() { return (packet, peer) }
        while let datagram = try await socket.receive(until: deadline) {
            guard let packet = TFTPPacket(datagram.bytes) else { continue }
            let sender = datagram.sender
            if isPeerKnown ? sender != peer : sender.with(port: 0) != peer.with(port: 0) {
                // An error is never answered: two that did would go on for ever.
                if case .error = packet { continue }
                try await refuse(sender)
                continue
            }
            if case .error(let code, let text) = packet {
                throw Failure(.data, "\(peer) says: \(text.debugDescription) (error \(code))")
            }
            return (packet, sender)
        }
        return nil
    }

    /// Ends an older transfer, or a second one that a doubled request began.
    private func refuse(_ stranger: SocketAddress) async throws {
        try await socket.send(
            TFTPPacket.error(5, "Unknown transfer ID").bytes, to: stranger)
    }
}

extension TFTPLink {
    /// Sends a file, a window of blocks at a time. Blocks are counted without end here; on the wire
    /// a count begins again at 0 after 65,535.
    mutating func send(_ source: inout TFTPSource) async throws {
        var base = 1
        // The first block of a window was lost if what is before it is acknowledged again. One
        // believes that once: it may be a doubled packet, and with windows of 1 it always is.
        var believes = terms.windowSize > 1
        repeat {
            let window = try await source.next(terms.windowSize, of: terms.blockSize)
            let acknowledged = try await exchange {
                window.enumerated().map { .data(UInt16(truncatingIfNeeded: base + $0), $1) }
            } _: { packet -> Verdict<Int> in
                guard case .acknowledgement(let number) = packet else { return .ignored }
                let count = Int(number &- UInt16(truncatingIfNeeded: base - 1))
                return count <= window.count && (count > 0 || believes) ? .enough(count) : .ignored
            }
            believes = terms.windowSize > 1 && acknowledged > 0
            source.drop(acknowledged)
            base += acknowledged
        } while !source.isAtEnd
    }

    /// Receives a file, and returns what acknowledges all of it, for when the file has its name.
    mutating func receive(
        _ name: String, into store: any TFTPStore, isText: Bool, limit: Int, _ opening: TFTPPacket?
    ) async throws -> TFTPPacket {
        var end = TFTPPacket.acknowledgement(0)
        try await store.writing(name) { file in
            var sink = TFTPSink(file, isText: isText, limit: limit)
            end = try await receive(into: &sink, opening)
        }
        return end
    }

    /// `opening` asks for the first block.
    private mutating func receive(
        into sink: inout TFTPSink, _ opening: TFTPPacket?
    ) async throws -> TFTPPacket {
        var (last, reply, asksAgain, isAtEnd) = (0, opening, true, false)
        let terms = terms
        while !isAtEnd {
            var (bytes, count): ([UInt8], Int) = ([], 0)
            try await exchange {
                last > 0
                    ? [.acknowledgement(UInt16(truncatingIfNeeded: last))]
                    : reply.map { [$0] } ?? []
            } _: { packet -> Verdict<Void> in
                guard case .data(let number, let block) = packet, block.count <= terms.blockSize
                else { return .ignored }
                switch Int(number &- UInt16(truncatingIfNeeded: last)) {
                case 1:
                    (last, asksAgain) = (last + 1, true)
                    bytes += block
                    count += 1
                    isAtEnd = block.count < terms.blockSize
                    return isAtEnd || count == terms.windowSize ? .enough(()) : .progress
                // Sent again: the acknowledgement was lost.
                case 0 where last > 0 && count == 0: return .enough(())
                // One before it was lost. Said once, and not for each that comes behind it.
                case 2...terms.windowSize + 1 where asksAgain:
                    asksAgain = false
                    return .enough(())
                default: return .ignored
                }
            }
            if last == 0 { reply = .acknowledgement(0) }
            try await sink.append(bytes)
        }
        return .acknowledgement(UInt16(truncatingIfNeeded: last))
    }

    /// Acknowledges the last block, and stays a while to do so again: if that is lost, the other
    /// end sends it again, and would take silence for a failure (RFC 1350, 6).
    mutating func finish(_ acknowledgement: TFTPPacket, patience: Double) async throws {
        try await send(acknowledgement)
        let pause = Duration.seconds(Double(terms.timeout) * patience)
        var deadline = ContinuousClock.now.advanced(by: pause)
        while let (packet, _) = try await receive(until: deadline) {
            guard case .data = packet else { continue }
            deadline = ContinuousClock.now.advanced(by: pause)
            try await send(acknowledgement)
        }
    }

    /// Runs a transfer, and tells the other end when it fails, so that it does not try in vain.
    mutating func tellingErrors<Value>(
        _ body: (inout TFTPLink) async throws -> Value
    ) async throws -> Value {
        do {
            return try await body(&self)
        } catch {
            // That it cannot be told says nothing new.
            if let packet = TFTPPacket(refusing: error) { try? await send(packet) }
            throw error
        }
    }
}

extension TFTPPacket {
    /// What to tell the other end of an error of this one; nil for one that came from there.
    init?(refusing error: any Error) {
        switch error {
        case let failure as Failure where [.data, .unavailable].contains(failure.code): return nil
        case let failure as Failure where failure.code == .noInput: self = .error(1, "\(failure)")
        case let failure as Failure where failure.code == .notAllowed:
            self = .error(2, "\(failure)")
        case IOError.system(.noSpace), is Failure: self = .error(3, "\(error)")
        default: self = .error(0, "\(error)")
        }
    }
}
