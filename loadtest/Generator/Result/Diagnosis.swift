import Flags

/// What wrong bytes look like, in words: a lost buffer, another connection's bytes, a flipped bit.
///
/// The tile tells. Eight bytes stand at one of its 65,521 positions only, so whatever was sent in
/// this run is found again, and where it was found against where it should have been says what the
/// server did. It is asked for the few connections whose evidence is kept, so it may take its time.
struct Diagnosis {
    /// A connection's stream when the wrong byte came.
    struct Stream {
        var connection: Int
        /// Where in the tile the next byte stands that it has to get.
        var position: Int
        /// Bytes that came back, and bytes that were sent and have not come back.
        var received: Int
        var due: Int
    }

    /// What bytes are told by: fewer may stand at several places.
    static let bytesNeeded = 8

    var stream: Stream
    /// The usual bytes of a request.
    var size: Int
    /// The streams whose bytes it could be instead.
    var others: [Stream]

    /// Says what came, in words; empty when nothing is recognised.
    ///
    /// `received` is what one call returned; its first `matching` bytes were right.
    func words(
        for received: UnsafeRawBufferPointer,
        matching: Int,
        in tile: borrowing PayloadTile
    ) -> String {
        if let flipped = flippedBit(in: received, matching: matching, tile) { return flipped }
        let wrong = UnsafeRawBufferPointer(rebasing: received[matching...])
        guard wrong.count >= Diagnosis.bytesNeeded else { return "" }
        if wrong.allSatisfy({ $0 == 0 }) { return "zeros: looks like a buffer that was not filled" }
        guard let found = tile.place(of: wrong) else { return "" }
        let expected = PayloadTile.position(stream.position, advancedBy: matching)
        if found == expected { return "the right bytes, before they were sent" }
        let shift = Shift(from: expected, to: found, of: stream, matching: matching)
        if shift.isLikely(size: size) { return shift.words }
        let owners = owners(of: found)
        if owners.count == 1 { return "bytes of connection \(Units.text(owners[0].connection))" }
        if shift.isPossible { return shift.words }
        guard let owner = owners.first else { return "bytes of this run, from another place" }
        return "bytes of another connection: perhaps \(Units.text(owner.connection))"
    }

    /// Whether one bit is wrong and everything around it is right.
    private func flippedBit(
        in received: UnsafeRawBufferPointer,
        matching: Int,
        _ tile: borrowing PayloadTile
    ) -> String? {
        let compared = min(received.count, stream.due, matching + 16)
        guard matching < compared, compared >= Diagnosis.bytesNeeded else { return nil }
        let expected = tile.piece(at: stream.position, count: compared)
        let (wanted, got) = (expected[matching], received[matching])
        guard (wanted ^ got).nonzeroBitCount == 1,
            (matching + 1..<compared).allSatisfy({ received[$0] == expected[$0] })
        else { return nil }
        return "one bit is flipped: expected \(hex(wanted)), got \(hex(got))"
    }

    /// Other streams with that place among their bytes: those that wait for just these, if any.
    private func owners(of place: Int) -> [Stream] {
        let near = others.filter {
            $0.connection != stream.connection && $0.isNear(place, within: size)
        }
        let exact = near.filter { $0.position == place }
        return exact.isEmpty ? near : exact
    }

    private func hex(_ byte: UInt8) -> String {
        "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

extension PayloadTile {
    /// Where the first eight of the bytes stand.
    fileprivate func place(of bytes: UnsafeRawBufferPointer) -> Int? {
        let wanted = bytes.loadUnaligned(as: UInt64.self)
        for position in 0..<PayloadTile.length
        where piece(at: position, count: 8).loadUnaligned(as: UInt64.self) == wanted {
            return position
        }
        return nil
    }
}

/// By how much a stream would have moved, if its wrong bytes were its own.
private struct Shift {
    /// Bytes that were left out, if it is that; bytes that came again, if it is that.
    private let lost: Int
    private let repeated: Int
    private let couldLose: Bool
    private let couldRepeat: Bool

    init(from expected: Int, to found: Int, of stream: Diagnosis.Stream, matching: Int) {
        lost = PayloadTile.distance(from: expected, to: found)
        repeated = PayloadTile.distance(from: found, to: expected)
        // A server cannot send what it never got, nor repeat what never came.
        couldLose = matching + lost + Diagnosis.bytesNeeded <= stream.due
        couldRepeat = repeated <= stream.received + matching
    }

    var isPossible: Bool { couldLose || couldRepeat }

    /// Whether it is by a number of bytes that servers shift by, which others hardly are by chance.
    func isLikely(size: Int) -> Bool {
        func isUsual(_ count: Int) -> Bool {
            count % 4096 == 0 || count >= 64 && count & (count - 1) == 0
                || count % max(1, size) == 0 && count / max(1, size) <= 16
        }
        return couldLose && isUsual(lost) || couldRepeat && isUsual(repeated)
    }

    var words: String {
        guard couldLose, !couldRepeat || lost <= repeated else {
            return "the stream is shifted back by \(Units.text(repeated)) bytes: "
                + "looks like a buffer that was sent twice"
        }
        return "the stream is shifted by \(Units.text(lost)) bytes: looks like a lost buffer"
    }
}

extension Diagnosis.Stream {
    /// Whether a place in the tile is among its bytes that are under way or have just come.
    fileprivate func isNear(_ place: Int, within size: Int) -> Bool {
        let recent = min(received, size, PayloadTile.length / 2)
        return PayloadTile.distance(from: position, to: place) < due
            || PayloadTile.distance(from: place, to: position) <= recent
    }
}

extension PayloadTile {
    /// Bytes from one position on to another.
    fileprivate static func distance(from start: Int, to end: Int) -> Int {
        end >= start ? end - start : end - start + length
    }
}
