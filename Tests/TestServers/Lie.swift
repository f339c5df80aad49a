import Generator
import Syscalls

/// Ten ways in which a server does not echo, and what has to be said about each.
///
/// A load tester that takes any of them for an answer measures something else than an echo.
package enum Lie: String, CaseIterable, Sendable {
    /// Sends everything four times.
    case fourfold
    /// Sends half of it.
    case half
    /// Sends one bit wrong, in the byte at offset 1,000,000.
    case flipped
    /// Sends the first two connections each other's bytes.
    case crossed
    /// Leaves 4,096 bytes out.
    case shifted
    /// Closes with a request open.
    case closing
    /// Reads and never answers.
    case silent
    /// Answers before it has the request.
    case early
    /// Closes with a request unread.
    case unread
    /// Accepts, and does not read.
    case ignoring

    /// The error that it has to be, "phase name".
    package var error: String {
        switch self {
        case .fourfold: "verify surplus"
        case .half: "read incomplete"
        case .flipped, .crossed, .shifted: "verify mismatch"
        case .closing: "read eof"
        case .silent: "read timeout"
        case .early: "verify early"
        case .unread: "read ECONNRESET"
        case .ignoring: "write timeout"
        }
    }

    /// What has to be said about its bytes; nil when none of them is wrong.
    package var diagnosis: String? {
        switch self {
        case .fourfold: "shifted back by 64 bytes: looks like a buffer that was sent twice"
        case .flipped: "one bit is flipped: expected 0x"
        case .crossed: "bytes of connection "
        case .shifted: "shifted by 4,096 bytes: looks like a lost buffer"
        case .early: "the right bytes, before they were sent"
        case .half, .closing, .silent, .unread, .ignoring: nil
        }
    }

    /// Bytes of a request that bring it to light.
    package var size: Int {
        switch self {
        case .early, .ignoring: 1 << 24  // More than sockets hold.
        case .shifted, .flipped: 16_384
        case .fourfold, .half, .crossed, .closing, .silent, .unread: 64
        }
    }

    /// After how long a request is given up.
    package var timeout: Duration {
        switch self {
        case .half, .silent, .ignoring: .milliseconds(100)
        case .fourfold, .flipped, .crossed, .shifted, .closing, .early, .unread: .ample
        }
    }

    /// What a run against it ends with: 97 for wrong bytes, 69 when no connection was left.
    package var exitCode: Int32 { diagnosis == nil ? 69 : 97 }

    /// What the server does with each of its connections; for one server.
    package func behaviour() throws -> @Sendable (Peer) -> Void {
        switch self {
        case .fourfold: return { $0.answer { bytes, _ in bytes + bytes + bytes + bytes } }
        case .half: return { $0.answer { bytes, _ in Array(bytes.prefix(bytes.count / 2)) } }
        case .flipped: return { $0.answer(Lie.flip) }
        case .crossed: return try Lie.cross()
        case .shifted: return { $0.answer(Lie.leaveOut) }
        case .closing:
            return { peer in
                for _ in 0..<5 { peer.send(peer.receive()) }
                _ = peer.receive()
            }
        case .silent: return { $0.swallow() }
        case .early: return { Lie.answerEarly($0) }
        case .unread: return { $0.waitForBytes() }
        case .ignoring: return { $0.waitForEnd() }
        }
    }

    private static func flip(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        var bytes = bytes
        let place = 1_000_000 - offset
        if bytes.indices.contains(place) { bytes[place] ^= 0x20 }
        return bytes
    }

    private static func leaveOut(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        let lost = 5000..<9096
        return bytes.enumerated().filter { !lost.contains(offset + $0.offset) }.map(\.element)
    }

    private static func cross() throws -> @Sendable (Peer) -> Void {
        let held = Guarded<[Int: [UInt8]]>([:])
        let bothHeld = try Gate()
        return { peer in
            guard peer.number < 2 else { return peer.echo() }
            let bytes = peer.receive()
            let count = held.withLock { held in
                held[peer.number] = bytes
                return held.count
            }
            if count == 2 { bothHeld.open() }
            bothHeld.wait()
            peer.send(held.withLock { $0[1 - peer.number] ?? [] })
            peer.swallow()
        }
    }

    /// Knows the bytes that will come, and sends them all at once.
    private static func answerEarly(_ peer: Peer) {
        let tile = PayloadTile(seed: 1)
        let start = peer.receive()
        guard start.count >= 8 else { return }
        let place = (0..<PayloadTile.length).first { position in
            start.prefix(8).elementsEqual(tile.piece(at: position, count: 8))
        }
        guard var position = place else { return }
        for _ in 0..<Lie.early.size / 65_536 {
            peer.send(Array(tile.piece(at: position, count: 65_000)))
            position = PayloadTile.position(position, advancedBy: 65_000)
        }
        peer.swallow()
    }
}
