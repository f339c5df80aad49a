import Glibc
import Statistics

/// The bytes that are sent, addressed by position: nothing has to be kept to check an echo.
///
///     byte at offset o of connection c  =  tile[(o + start(c)) mod 65,521]
///
///     memory   [ tile: 65,521 bytes ][ the same tile again ]
///
/// The tile is pseudo-random and stands in memory twice in a row, so any piece of at most its
/// length is contiguous: it is sent from here and compared with what is here, without a copy. The
/// length is a prime: a stream that lost or gained a buffer of any power of two is not mistaken for
/// the right one, and each connection starts elsewhere, so that bytes of another connection are
/// noticed too.
package struct PayloadTile: ~Copyable {
    /// The number of bytes after which a stream repeats.
    package static let length = 65_521

    private let bytes: UnsafeMutableRawPointer

    /// Fills a tile; the same seed gives the same bytes.
    package init(seed: UInt64) {
        bytes = .allocate(byteCount: 2 * PayloadTile.length, alignment: 64)
        var random = SplitMix(seed: seed)
        for position in 0..<PayloadTile.length {
            bytes.storeBytes(
                of: UInt8(truncatingIfNeeded: random.next() >> 56),
                toByteOffset: position,
                as: UInt8.self
            )
        }
        memcpy(bytes + PayloadTile.length, bytes, PayloadTile.length)
    }

    deinit { bytes.deallocate() }

    /// Where in the tile the stream of a connection starts.
    package static func start(ofConnection number: Int) -> Int {
        // Any factor that is no multiple of the prime spreads connections without a repetition.
        number % length * 40_503 % length
    }

    /// The position `count` bytes on; `count` is at most the tile's length.
    @inline(__always)
    package static func position(_ position: Int, advancedBy count: Int) -> Int {
        let sum = position + count
        return sum < length ? sum : sum - length
    }

    /// The `count` bytes from a position on; `count` is at most the tile's length.
    @inline(__always)
    package func piece(at position: Int, count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes + position, count: count)
    }

    /// How many of the bytes, from the first on, are what stands at `position` in the tile.
    @inline(__always)
    package func countOfMatching(_ received: UnsafeRawBufferPointer, at position: Int) -> Int {
        guard let start = received.baseAddress,
            memcmp(start, bytes + position, received.count) != 0
        else { return received.count }
        let expected = piece(at: position, count: received.count)
        return zip(received, expected).prefix { $0 == $1 }.count
    }
}
