import Swiftlet

// One file on its way, in either direction; the same code is the client's and the server's.
//
//     sender → receiver   name, length, sum          (with the request, or as the answer to it)
//     receiver → sender   from=PLACE                 (what it has of these bytes already)
//     sender → receiver   the rest, in pieces
//     receiver → sender   an empty header, or an error
//
// The naive form writes into the file itself: after a break there is half a file under the name of
// a whole one. Here the bytes come into a file beside it, which is called after the sum that the
// whole must have: so the next try goes on with it, and never with another one's. When all is there
// and has that sum, one rename makes it visible. No reader ever sees anything else.

/// A file that one side offers to the other.
struct Offer: Sendable, Equatable {
    let name: String
    /// Bytes of the whole.
    let length: Int
    /// Its SHA-256 in hexadecimal digits.
    let sum: String

    /// What its bytes are kept in until all are there.
    var partName: String { ".\(name).\(sum.prefix(32))" }

    /// Describes a file that is there.
    init(of name: String, in folder: some Folder) async throws {
        guard let length = try await folder.sizes()[name] else {
            throw Failure(.noInput, "\(name): there is no such file")
        }
        self.init(name: name, length: length, sum: try await sumOfFile(name, length, in: folder))
    }

    init(_ header: Header) throws(Failure) {
        (name, length) = (try header.text("name"), try header.number("length"))
        sum = try header.text("sum")
        guard isFileName(name) else { throw Failure(.data, "a file cannot be called '\(name)'") }
        guard sum.utf8.count == 64, sum.allSatisfy({ $0.isHexDigit && $0.isASCII }) else {
            throw Failure(.data, "'\(sum)' is no SHA-256")
        }
    }

    init(name: String, length: Int, sum: String) {
        (self.name, self.length, self.sum) = (name, length, sum)
    }

    var header: Header {
        ["name": .text(name), "length": .number(length), "sum": .text(sum)]
    }
}

/// Bytes that travel at a time.
private let pieceSize = 16_384

/// The SHA-256 of a file, computed on threads: of a large one it would hold the loop for seconds.
private func sumOfFile(_ name: String, _ length: Int, in folder: some Folder) async throws -> String
{
    var hash = SHA256()
    var place = 0
    while place < length {
        let bytes = try await folder.read(name, at: place, atMost: 64 * pieceSize)
        if bytes.isEmpty { break }
        place += bytes.count
        hash = try await offload { [hash] in
            var hash = hash
            hash.add(bytes)
            return hash
        }
    }
    return hexadecimal(hash.digest())
}

/// Sends what the other side has not of a file that was offered, and waits for its word.
func send(
    _ offer: Offer, from folder: some Folder, over messages: Messages, timeout: Duration? = nil,
    progress: (Int) async throws -> Void = { _ in }
) async throws {
    let answer = try await messages.answer(timeout: timeout)
    var place = try answer.header.number("from", in: 0...offer.length)
    while place < offer.length {
        let bytes = try await folder.read(
            offer.name, at: place, atMost: min(pieceSize, offer.length - place))
        // Also one that has become another one: then the sum is not right, and it is not taken.
        if bytes.isEmpty { throw Failure(.data, "\(offer.name): it was cut off meanwhile") }
        try await messages.write(Message(header: [:], body: bytes))
        place += bytes.count
        try await progress(place)
    }
    // The other side reads all of it once more before it answers.
    _ = try await messages.answer(timeout: timeout.map { $0 + .seconds(600) })
}

/// Takes a file that the other side offers; `timeout` is for each piece of it.
func receive(
    _ offer: Offer, into folder: some Folder, over messages: Messages,
    timeout: Duration = Messages.patience,
    progress: (Int) async throws -> Void = { _ in }
) async throws {
    var place = try await folder.sizes()[offer.partName] ?? 0
    if place > offer.length {
        try await folder.remove(offer.partName)
        place = 0
    }
    try await folder.write([], to: offer.partName, at: 0)
    try await messages.write(Message(header: ["from": .number(place)]))
    while place < offer.length {
        let bytes = try await messages.answer(timeout: timeout).body
        guard (1...offer.length - place).contains(bytes.count) else {
            throw BrokenFrame("a piece of no bytes, or of more than there are to come")
        }
        try await folder.write(bytes, to: offer.partName, at: place)
        place += bytes.count
        try await progress(place)
    }
    guard try await sumOfFile(offer.partName, offer.length, in: folder) == offer.sum else {
        try await folder.remove(offer.partName)
        throw Failure(.data, "\(offer.name): what came has another sum; try again")
    }
    try await folder.rename(offer.partName, to: offer.name)
}
