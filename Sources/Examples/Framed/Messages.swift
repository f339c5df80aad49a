import Swiftlet

// Messages over a stream: 4 bytes that say how long the header is, the header, and the bytes that
// it announces.
//
// A stream has no messages. What two sends put in comes out of one read, or of three: TCP cuts
// where it likes, and waits to fill a segment where it is let (Nagle). So a receiver that takes
// each read for a message works on one machine, and fails between two. It must be told where a
// message ends, and the smallest thing that says so is a length of a fixed size.
//
// A length alone says nothing of what follows; put into a struct, each new field breaks all old
// programs. So the length is that of a header, and the header says the rest.

/// A header, and the bytes that it announces.
struct Message: Equatable, Sendable {
    var header: Header
    var body: [UInt8] = []
}

/// What came is not a message, so where the next one begins is not known either.
struct BrokenFrame: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// One end of a connection on which messages travel.
struct Messages: Sendable {
    /// Bytes of a header: it is kept whole, so it has an end.
    static let headerMax = 4_096
    /// How long the rest of a message may take once it has begun: one byte now and then would hold
    /// a connection for ever.
    static let patience = Duration.seconds(60)

    let connection: Connection
    /// Bytes of a body that is taken in.
    var bodyMax = 1 << 20

    /// The next message; `timeout` is for its beginning.
    ///
    /// - Returns: nil when the stream has ended where a message may.
    /// - Throws: `BrokenFrame`, or what `Connection.read` throws.
    func read(timeout: Duration? = nil) async throws -> Message? {
        guard let prefix = try await connection.read(exactly: 4, timeout: timeout) else {
            return nil
        }
        let length = prefix.reduce(0) { $0 << 8 | Int($1) }
        // Before any memory is taken: "GET " of a lost browser is 1,195,725,856 bytes.
        guard (2...Messages.headerMax).contains(length) else {
            throw BrokenFrame(
                "a header of \(length) bytes, where 2 to \(Messages.headerMax) may be")
        }
        let header = try Header(await rest(length))
        switch header["size"] {
        case nil: return Message(header: header)
        case .number(let size) where (0...bodyMax).contains(size):
            return Message(header: header, body: try await rest(size))
        default: throw BrokenFrame("a size of a body that is none, or above \(bodyMax) bytes")
        }
    }

    private func rest(_ count: Int) async throws(IOError) -> [UInt8] {
        let bytes = try await connection.read(exactly: count, timeout: Messages.patience)
        guard let bytes else { throw IOError(.read, .endOfStream) }
        return bytes
    }

    func write(_ message: Message) async throws { try await write([message]) }

    /// Writes messages in one piece: a length that travels alone costs a segment, and a wait where
    /// the peer puts its acknowledgements off.
    func write(_ messages: [Message]) async throws {
        var pieces: [[UInt8]] = []
        for var message in messages {
            if !message.body.isEmpty { message.header["size"] = .number(message.body.count) }
            let header = message.header.bytes
            guard header.count <= Messages.headerMax else {
                throw Failure(.data, "a header of \(header.count) bytes is longer than may be")
            }
            let length = UInt32(header.count).bigEndian
            pieces += [withUnsafeBytes(of: length) { [UInt8]($0) }, header, message.body]
        }
        try await connection.write(pieces: pieces, timeout: Messages.patience)
    }

    /// Answers each request until the client ends, or `answer` gives nil. What is wrong with one is
    /// told to the client, which may go on; after a broken frame nothing can be understood.
    func serve(_ answer: (Message) async throws -> Message?) async throws {
        do {
            while let request = try await read() {
                let reply: Message?
                do { reply = try await answer(request) } catch let failure as Failure {
                    reply = Message(refusing: failure)
                }
                guard let reply else { return }
                try await write(reply)
            }
        } catch let broken as BrokenFrame {
            try await write(Message(refusing: Failure(.data, broken.description)))
        }
    }

    /// The answer to a request; a refusal is thrown.
    func ask(_ request: Message, timeout: Duration? = nil) async throws -> Message {
        try await write(request)
        return try await answer(timeout: timeout)
    }

    /// The next message, which must come; a refusal is thrown.
    func answer(timeout: Duration? = nil) async throws -> Message {
        guard let answer = try await read(timeout: timeout) else {
            throw Failure(.io, "the other side has ended the connection")
        }
        guard case .text(let reason) = answer.header["error"] else { return answer }
        var code = Failure.Code.data
        if case .number(let number) = answer.header["code"] {
            code = Int32(exactly: number).flatMap(Failure.Code.init) ?? .data
        }
        throw Failure(code, printable(reason))
    }
}

/// A text of the other side's without what a terminal would obey: escapes move its cursor, change
/// its title, and type for its user.
func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.filter { $0 == "\n" || $0.properties.generalCategory != .control }))
}

extension Message {
    /// What tells the other side why there is no answer.
    init(refusing failure: Failure) {
        header = [
            "error": .text(String(failure.description.prefix(500))),
            "code": .number(Int(failure.code.rawValue)),
        ]
    }
}
