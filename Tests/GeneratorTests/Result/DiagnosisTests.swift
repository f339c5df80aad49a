import Statistics
import Testing

@testable import Generator

/// What is said about wrong bytes, for servers that are wrong in a known way.
@Suite struct DiagnosisTests {
    private static let seeds: [UInt64] = [1, 2, 3, 42]

    /// A piece of a connection's stream.
    private func stream(
        _ tile: borrowing PayloadTile, of connection: Int, from offset: Int, count: Int
    ) -> [UInt8] {
        let start = (PayloadTile.start(ofConnection: connection) + offset) % PayloadTile.length
        return Array(tile.piece(at: start, count: count))
    }

    private func place(
        of connection: Int, received: Int, due: Int
    ) -> Diagnosis.Stream {
        let start = PayloadTile.start(ofConnection: connection)
        let position = (start + received) % PayloadTile.length
        return Diagnosis.Stream(
            connection: connection, position: position, received: received, due: due)
    }

    /// What is said when these bytes come on connection 17, which has had 100,000 bytes.
    private func words(
        for bytes: [UInt8],
        _ tile: borrowing PayloadTile,
        due: Int = 20_000,
        size: Int = 1000,
        others: [Diagnosis.Stream] = []
    ) -> String {
        let own = place(of: 17, received: 100_000, due: due)
        let diagnosis = Diagnosis(stream: own, size: size, others: others + [own])
        return bytes.withUnsafeBytes { bytes in
            let compared = UnsafeRawBufferPointer(rebasing: bytes.prefix(due))
            let matching = tile.countOfMatching(compared, at: own.position)
            return diagnosis.words(for: bytes, matching: matching, in: tile)
        }
    }

    @Test(arguments: seeds)
    func `a flipped bit is one wherever it is`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        var random = SplitMix(seed: seed)
        for place in [0, 1, 500, 998, 999] {
            var bytes = stream(tile, of: 17, from: 100_000, count: 1000)
            let was = bytes[place]
            bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let words = words(for: bytes, tile)

            #expect(words.hasPrefix("one bit is flipped: expected 0x"), "\(words), seed \(seed)")
            #expect(words.contains(", got 0x" + (bytes[place] < 16 ? "0" : "")))
            #expect(words.contains(String(was, radix: 16)))
        }
    }

    @Test(arguments: seeds)
    func `two flipped bits are nothing that has a name`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        var bytes = stream(tile, of: 17, from: 100_000, count: 1000)
        bytes[10] ^= 0b101

        #expect(words(for: bytes, tile) == "")
    }

    @Test(arguments: seeds, [1, 64, 333, 4096, 8192])
    func `a lost buffer is a shift by its length`(seed: UInt64, lost: Int) {
        let tile = PayloadTile(seed: seed)
        let good = stream(tile, of: 17, from: 100_000, count: 100)
        let rest = stream(tile, of: 17, from: 100_100 + lost, count: 900)

        let said = words(for: good + rest, tile)

        let number = lost < 1000 ? "\(lost)" : lost == 4096 ? "4,096" : "8,192"
        #expect(said == "the stream is shifted by \(number) bytes: looks like a lost buffer")
    }

    @Test(arguments: seeds, [8, 64, 333, 1000, 40_960])
    func `a buffer that comes twice is a shift back by its length`(seed: UInt64, again: Int) {
        let tile = PayloadTile(seed: seed)
        let good = stream(tile, of: 17, from: 100_000, count: 100)
        let rest = stream(tile, of: 17, from: 100_100 - again, count: 900)

        let said = words(for: good + rest, tile)

        let number = again < 1000 ? "\(again)" : again == 1000 ? "1,000" : "40,960"
        #expect(
            said
                == "the stream is shifted back by \(number) bytes: "
                + "looks like a buffer that was sent twice")
    }

    @Test(arguments: seeds)
    func `an answer that comes twice is told from its surplus`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        let answer = stream(tile, of: 17, from: 100_000, count: 64)

        let said = words(for: answer + answer, tile, due: 64, size: 64)

        #expect(said.hasPrefix("the stream is shifted back by 64 bytes"))
    }

    @Test(arguments: seeds)
    func `bytes of another connection are its bytes`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        let others = (0..<200).map {
            place(of: $0, received: 50_000 + $0 * 64, due: 64)
        }
        let bytes = stream(tile, of: 93, from: 50_000 + 93 * 64, count: 64)

        #expect(
            words(for: bytes, tile, due: 64, size: 64, others: others) == "bytes of connection 93")
    }

    @Test(arguments: seeds)
    func `bytes that another connection has just had are its bytes too`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        let others = [place(of: 1093, received: 50_000, due: 0)]
        let bytes = stream(tile, of: 1093, from: 49_936, count: 64)

        #expect(
            words(for: bytes, tile, due: 64, size: 64, others: others)
                == "bytes of connection 1,093")
    }

    @Test(arguments: seeds)
    func `when it could be several connections it says perhaps`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        let own = place(of: 17, received: 0, due: 64)
        let twins = [5, 6].map { connection in
            var twin = place(of: 93, received: 70_000, due: 64)
            twin.connection = connection
            return twin
        }
        let diagnosis = Diagnosis(stream: own, size: 64, others: twins)
        let bytes = stream(tile, of: 93, from: 70_000, count: 64)

        let said = bytes.withUnsafeBytes { diagnosis.words(for: $0, matching: 0, in: tile) }

        #expect(said == "bytes of another connection: perhaps 5")
    }

    @Test(arguments: seeds)
    func `right bytes before their time are told from others`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        let bytes = stream(tile, of: 17, from: 100_000, count: 64)

        #expect(words(for: bytes, tile, due: 32) == "the right bytes, before they were sent")
    }

    @Test func `zeros are named and what was never sent is not`() {
        let tile = PayloadTile(seed: 1)
        let text = Array("HTTP/1.1 400 Bad Request".utf8)

        #expect(words(for: Array(repeating: 0, count: 64), tile).hasPrefix("zeros"))
        #expect(words(for: text, tile) == "")
        #expect(words(for: [1], tile) == "")
    }

    /// No bytes from outside may end the run, whatever the state of the streams.
    @Test(arguments: seeds)
    func `any bytes get an answer`(seed: UInt64) {
        let tile = PayloadTile(seed: seed)
        var random = SplitMix(seed: seed)
        for _ in 0..<100 {
            let due = Int.random(in: 0...PayloadTile.length, using: &random)
            let own = place(
                of: Int.random(in: 0..<100_000, using: &random),
                received: Int.random(in: 0..<1_000_000, using: &random), due: due)
            let count = Int.random(in: 1...PayloadTile.length, using: &random)
            let bytes = stream(
                tile, of: Int.random(in: 0..<4, using: &random),
                from: Int.random(in: 0..<100_000, using: &random), count: count)
            let matching = Int.random(in: 0..<count, using: &random)
            let others = (0..<3).map { place(of: $0, received: due, due: 3 * due) }
            let diagnosis = Diagnosis(stream: own, size: 1 + due, others: others)

            let said = bytes.withUnsafeBytes {
                diagnosis.words(for: $0, matching: matching, in: tile)
            }

            #expect(said.count < 100, "seed \(seed)")
        }
    }
}
