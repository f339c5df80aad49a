import Generator
import Statistics
import Testing

struct PayloadTileTests {
    private let length = PayloadTile.length

    /// The bytes of a connection's stream, one by one and by definition.
    private func stream(
        _ tile: borrowing PayloadTile,
        connection: Int,
        from offset: Int,
        count: Int
    ) -> [UInt8] {
        (offset..<offset + count).map { offset in
            let position = (PayloadTile.start(ofConnection: connection) + offset) % length
            return tile.piece(at: position, count: 1)[0]
        }
    }

    @Test func `pieces cut anywhere are the stream, around its end too`() {
        let tile = PayloadTile(seed: 1)
        var random = SplitMix(seed: 11)
        for connection in 0..<20 {
            var position = PayloadTile.start(ofConnection: connection)
            var offset = 0
            while offset < 3 * length {
                let count = Int.random(in: 1...length, using: &random)
                let piece = tile.piece(at: position, count: count)
                for sample in [0, count / 2, count - 1] {
                    let byte = stream(tile, connection: connection, from: offset + sample, count: 1)
                    #expect(piece[sample] == byte[0])
                }
                #expect(tile.countOfMatching(piece, at: position) == count)
                position = PayloadTile.position(position, advancedBy: count)
                offset += count
            }
        }
    }

    @Test func `a stream that lost or gained a buffer of a power of two looks wrong at once`() {
        let tile = PayloadTile(seed: 2)
        for shift in (0..<17).map({ 1 << $0 }) {
            for start in stride(from: 0, to: length, by: 4_099) {
                let shifted = (start + shift) % length
                let matching = tile.countOfMatching(tile.piece(at: shifted, count: 64), at: start)
                #expect(matching < 8, "shift \(shift) at \(start)")
            }
        }
    }

    @Test func `every connection starts at a place of its own`() {
        let starts = Set((0..<length).map { PayloadTile.start(ofConnection: $0) })
        #expect(starts.count == length)
    }

    @Test func `the first wrong byte is found wherever it is`() {
        let tile = PayloadTile(seed: 3)
        for wrong in [0, 1, 63, 64, 65, 4_095, length - 1] {
            var bytes = Array(tile.piece(at: 17, count: length))
            bytes[wrong] ^= 0x10
            let matching = bytes.withUnsafeBytes { tile.countOfMatching($0, at: 17) }
            #expect(matching == wrong)
        }
    }

    @Test func `the same seed gives the same bytes and another one gives others`() {
        let tile = PayloadTile(seed: 4)
        let same = PayloadTile(seed: 4)
        let other = PayloadTile(seed: 5)
        #expect(tile.countOfMatching(same.piece(at: 0, count: length), at: 0) == length)
        #expect(tile.countOfMatching(other.piece(at: 0, count: length), at: 0) < 8)
    }

    @Test func `nothing matches nothing`() {
        let tile = PayloadTile(seed: 1)
        #expect(tile.countOfMatching(UnsafeRawBufferPointer(start: nil, count: 0), at: 5) == 0)
    }
}
