import Swiftlet

/// What one client does.
struct ClientPlan: Sendable {
    struct Message: Sendable {
        /// How long the client waits before it sends.
        let pause: Duration
        /// Bytes.
        let size: Int
    }

    enum Style: Sendable {
        /// It reads the answer before it sends again.
        case pingPong
        /// One task writes and another one reads.
        case duplex
        /// As duplex, and each reader is relieved by another one after a while.
        case relay
    }

    enum Reading: Sendable { case lent, copied, exactly }

    enum Ending: Sendable {
        /// It ends its writing half and reads to the end.
        case halfClose
        /// It closes when all was echoed.
        case close
        /// It closes in the middle.
        case abandon
        /// It resets the connection in the middle.
        case reset
    }

    enum Canceller: Sendable { case sameHost, otherHost }

    let number: Int
    /// 0 and 1 are the clients' hosts, 2 is the server's.
    let host: Int
    let start: Duration
    let messages: [Message]
    let style: Style
    let reading: Reading
    let ending: Ending
    let hasSmallBuffers: Bool
    let connectTimeout: Duration?
    /// How long an operation may take.
    let patience: Duration
    /// How long one read may take by `withTimeout`, and how often it is tried again then.
    let scope: Duration?
    let retries: Int
    /// How long one attempt may take, by `withTimeout`: a server that went down and came back knows
    /// nothing of one that only reads.
    let limit: Duration
    /// How long a reader is in charge of a relay, and how long the next one waits for it.
    let shift: Duration
    let wait: Duration
    /// When the client is cancelled, counted from its start, and from which host.
    let cancellation: Duration?
    let canceller: Canceller
    /// Attempts to have the whole conversation, and the time between them.
    let attempts: Int
    let backOff: Duration

    /// Bytes of all messages.
    var total: Int { messages.reduce(0) { $0 + $1.size } }
    /// How long the client waits before all messages.
    var pauses: Duration { messages.reduce(start) { $0 + $1.pause } }
}

extension ClientPlan {
    init(
        _ draw: inout Draw, _ number: Int, host: Int, isCalm: Bool, tick: Duration?,
        length: Duration
    ) {
        let pause = Duration.milliseconds(draw.size(upTo: Int(length / .milliseconds(8)) + 1))
        let style = draw.any(of: [.pingPong, .duplex, .relay] as [Style])
        // A client that writes and does not read must not write more than fits the smallest
        // buffers.
        let most = style == .pingPong ? 1000 : draw.oneIn(16) ? 60_000 : 8000
        self.number = number
        self.style = style
        self.host = host
        start = draw.time(upTo: length / 2, tick: tick)
        messages = (1...draw.number(1...8)).map { _ in
            Message(
                pause: draw.time(upTo: pause, tick: tick),
                size: draw.size(upTo: most))
        }
        reading = draw.any(of: [.lent, .copied, .exactly])
        let ending = draw.any(of: [.halfClose, .close, .abandon, .reset] as [Ending])
        self.ending = isCalm && (ending == .abandon || ending == .reset) ? .halfClose : ending
        hasSmallBuffers = draw.oneIn(3)
        let connectTimeout = draw.time(upTo: .seconds(5), tick: tick)
        self.connectTimeout = !isCalm && draw.oneIn(3) ? connectTimeout : nil
        let patience = Duration.milliseconds(100 + draw.size(upTo: 30_000))
        self.patience = isCalm ? .seconds(7200) : patience
        let limit = patience + length * draw.number(0...4)
        self.limit = isCalm ? .seconds(7200) : limit
        let scope =
            draw.time(upTo: .milliseconds(100) + pause / 4, tick: tick) + (tick ?? .milliseconds(1))
        self.scope = draw.oneIn(3) ? scope : nil
        retries = isCalm ? .max : draw.number(0...20)
        shift = draw.time(upTo: .milliseconds(60) + pause / 4, tick: tick)
        wait = tick ?? .milliseconds(draw.number(1...10))
        let cancellation = draw.time(upTo: length, tick: tick)
        self.cancellation = !isCalm && draw.oneIn(3) ? cancellation : nil
        canceller = draw.any(of: [.sameHost, .otherHost])
        attempts = draw.number(1...3)
        backOff = draw.time(upTo: .seconds(1), tick: tick)
    }

    /// A client that must be served, to see whether the service works.
    init(fresh number: Int, host: Int) {
        var draw = Draw(seed: UInt64(number))
        self.init(
            &draw, number, host: host, isCalm: true, tick: .milliseconds(1),
            length: .milliseconds(1))
    }
}
