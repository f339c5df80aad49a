import Swiftlet

/// What an exchange with a server has found out.
struct NTPSample: Equatable {
    /// Seconds that the server's clock is ahead.
    let offset: Double
    /// Seconds of the way there and back.
    let delay: Double
    /// The offset may be wrong by so many seconds: the ways there and back share the delay in a
    /// manner that nobody knows, and the server's own clock has an error.
    let error: Double
    let stratum: UInt8

    /// - Parameters:
    ///   - answer: what came.
    ///   - sent: when the question was sent, by the clock here.
    ///   - received: when the answer came, by the same clock.
    init(_ answer: NTPPacket, sent: NTPTime, received: NTPTime) {
        // RFC 4330, 5: of the four instants two are of one clock and two of the other, and only
        // the two differences of a clock with itself mean anything.
        offset = ((answer.receive - sent) + (answer.transmit - received)) / 2
        delay = max(0, (received - sent) - (answer.transmit - answer.receive))
        error =
            delay / 2 + Double(answer.rootDispersion) / 65_536
            + Double(answer.rootDelay) / 131_072
        stratum = answer.stratum
    }
}

struct SNTPClient: Sendable {
    let clock: WallClock
    let timeout: Duration
    /// How often a question is asked that gets no answer.
    let tries: Int

    /// Asks a server once.
    func sample(_ socket: DatagramSocket) async throws -> NTPSample {
        for _ in 0..<tries {
            if let sample = try await exchange(over: socket) { return sample }
        }
        throw Failure(.unavailable, "\(name(socket)) does not answer")
    }

    private func exchange(over socket: DatagramSocket) async throws -> NTPSample? {
        var question = NTPPacket(mode: 3)
        // The answer repeats it. A number that nobody can guess proves that it is one to this
        // question, and tells nobody what the clock here shows.
        question.transmit = NTPTime(bits: .random(in: 1 ... .max))
        let (sent, begin) = (clock.nanoseconds(), ContinuousClock.now)
        try await socket.send(question.bytes)
        while let datagram = try await socket.receive(until: begin.advanced(by: timeout)) {
            // Not a second look at the clock: it may have been set meanwhile.
            let passed = begin.duration(to: .now)
            guard let answer = NTPPacket(datagram.bytes), answer.mode == 4,
                answer.originate == question.transmit
            else { continue }
            try check(answer, name(socket))
            return NTPSample(
                answer, sent: NTPTime(nanoseconds: sent),
                received: NTPTime(nanoseconds: sent + Int(passed / .nanoseconds(1))))
        }
        return nil
    }

    /// What RFC 4330, 5 and 8, has a client refuse.
    private func check(_ answer: NTPPacket, _ server: String) throws {
        if answer.stratum == 0 {
            let kiss = answer.referenceText
            throw Failure(.notAllowed, "\(server) will not be asked (\(kiss)): leave it alone")
        }
        if answer.leap == 3 || answer.stratum > 15 || answer.transmit.bits == 0 {
            throw Failure(.unavailable, "the clock of \(server) is not set")
        }
    }

    private func name(_ socket: DatagramSocket) -> String {
        socket.remoteAddress.map { "\($0)" } ?? "the server"
    }
}

/// Answers clients with the time of a clock.
struct SNTPServer: Sendable {
    let clock: WallClock
    let stratum: UInt8

    @Sendable func answer(_ datagram: Datagram) async throws {
        guard let answer = answer(to: datagram.bytes, at: clock.nanoseconds()) else { return }
        try await datagram.reply(answer.bytes)
    }

    /// The answer to a packet; nil for what is no question of a client. Answers are none: to answer
    /// them would set two servers on each other.
    func answer(to bytes: [UInt8], at instant: Int) -> NTPPacket? {
        guard let question = NTPPacket(bytes), question.mode == 3,
            (1...4).contains(question.version)
        else { return nil }
        var answer = NTPPacket(mode: 4)
        (answer.version, answer.poll, answer.stratum) = (question.version, question.poll, stratum)
        // A microsecond; and this machine's clock, of which it is not known how right it is: 10 ms.
        (answer.precision, answer.rootDispersion) = (-20, 655)
        answer.reference = 0x4C4F_434C  // "LOCL"
        answer.referenceTime = NTPTime(nanoseconds: instant)
        answer.originate = question.transmit
        answer.receive = NTPTime(nanoseconds: instant)
        answer.transmit = NTPTime(nanoseconds: clock.nanoseconds())
        return answer
    }
}
