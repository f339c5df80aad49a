import Swiftlet

// Both sides show that they have the same key, and neither sends it:
//
//     server → client   nonce=S
//     client → server   user=U nonce=C proof=HMAC(key, "client" S C U)
//     server → client   proof=HMAC(key, "server" S C U)
//
// What goes wrong in the naive forms: a password that is sent can be read and used again, and so
// can its digest. A proof over the server's nonce alone lets anybody who claims to be the server
// choose what the client proves. One without a role can be sent back to the side that made it. An
// answer that comes sooner, or is another one, for a user that is not there tells who is.
//
// It proves who is there when the connection begins. What follows is neither secret nor protected
// from those that can change it on the way: that takes TLS.

/// The keys of users: lines of a name and a key in a file.
struct Keys: Sendable {
    /// Characters of a key at least: what is shorter is guessed from one handshake that was read.
    static let keyMin = 16
    private static let sizeMax = 1 << 20
    /// By the bytes of the name: to Swift two names of other letters may be one text.
    private var keys: [[UInt8]: [UInt8]] = [:]
    /// Unknown users have one, too, so that they take the same steps.
    private let nobody = nonce()

    /// Reads lines of "NAME KEY"; those that are empty or begin with # are passed over.
    init(_ text: String, from path: String) throws(Failure) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            let place = "\(path):\(index + 1)"
            guard words.count == 2, words[1].utf8.count >= Keys.keyMin else {
                throw Failure(
                    .data, "\(place): not a name and a key of \(Keys.keyMin) characters or more")
            }
            guard keys.updateValue(Array(words[1].utf8), forKey: Array(name.utf8)) == nil else {
                throw Failure(.data, "\(place): '\(name)' has a key already")
            }
        }
        if keys.isEmpty { throw Failure(.data, "\(path): there is no key in it") }
    }

    /// Reads a file of keys, which only its owner should be able to read.
    static func read(_ path: String) async throws -> Keys {
        try Keys(await textOfFile(path, limit: sizeMax), from: path)
    }

    /// The key of a user, and whether there is such a user.
    func key(of user: String) -> (key: [UInt8], isKnown: Bool) {
        keys[Array(user.utf8)].map { ($0, true) } ?? (nobody, false)
    }

    /// What makes a key: 256 bits of chance.
    static func makeLine(for user: String) -> String { "\(user) \(hexadecimal(nonce()))" }
}

/// What both sides have proven something about: who asks, and a number of each that is never used
/// again.
private struct Transcript {
    let server: String, client: String, user: String

    /// Each field behind its length: without it, "ab" "c" would be proven with "a" "bc".
    func proof(by role: String, with key: [UInt8]) -> [UInt8] {
        let fields = [role, server, client, user].map { "\($0.utf8.count):\($0)" }
        return hmacSHA256(of: Array(fields.joined().utf8), key: key)
    }
}

/// 32 bytes of the system's random numbers.
private func nonce() -> [UInt8] { (0..<32).map { _ in .random(in: 0...255) } }

/// Lets a client prove who it is, and proves the server to it.
///
/// - Returns: the user.
/// - Throws: `Failure` of `.notAllowed` when it could not, which the client is told.
func authenticate(
    _ messages: Messages, by keys: Keys, within timeout: Duration = .seconds(10)
) async throws -> String {
    // Until it has proven who it is, no client makes this side keep what it sends.
    var messages = messages
    messages.bodyMax = 0
    return try await withTimeout(timeout) { [messages] in
        let challenge = hexadecimal(nonce())
        try await messages.write(Message(header: ["nonce": .text(challenge)]))
        guard let reply = try await messages.read() else {
            throw Failure(.notAllowed, "the client left before it had said who it is")
        }
        let (user, proof) = (try reply.header.text("user"), try reply.header.text("proof"))
        let transcript = Transcript(
            server: challenge, client: try reply.header.text("nonce"), user: user)
        let (key, isKnown) = keys.key(of: user)
        let expected = hexadecimal(transcript.proof(by: "client", with: key))
        guard areEqualInConstantTime(Array(proof.utf8), Array(expected.utf8)), isKnown else {
            let refusal = Failure(.notAllowed, "no such user, or another key")
            // One guess a second and connection; each connection has one.
            try await sleep(for: .seconds(1))
            try await messages.write(Message(refusing: refusal))
            throw refusal
        }
        let answer = hexadecimal(transcript.proof(by: "server", with: key))
        try await messages.write(Message(header: ["proof": .text(answer)]))
        return user
    }
}

/// Proves to a server who the user is, and has the server prove that it knows the key.
///
/// - Throws: `Failure` of `.notAllowed` when either could not.
func introduce(
    _ user: String, key: [UInt8], to messages: Messages, timeout: Duration
) async throws {
    let challenge = try await messages.answer(timeout: timeout)
    let transcript = Transcript(
        server: try challenge.header.text("nonce"), client: hexadecimal(nonce()), user: user)
    let answer = try await messages.ask(
        Message(header: [
            "user": .text(user), "nonce": .text(transcript.client),
            "proof": .text(hexadecimal(transcript.proof(by: "client", with: key))),
        ]), timeout: timeout)
    let expected = hexadecimal(transcript.proof(by: "server", with: key))
    let proof = try answer.header.text("proof")
    guard areEqualInConstantTime(Array(proof.utf8), Array(expected.utf8)) else {
        throw Failure(.notAllowed, "the server does not know the key of '\(user)'")
    }
}
