import SwiftletSimulation

/// Gives `body` inputs that are nearly right: each is one of `samples` with a few bytes changed,
/// taken out, doubled or added. The same ones each time.
///
/// A parser passes when it neither traps nor hangs; what else must hold, `body` expects.
func fuzz(
    _ samples: [[UInt8]], count: Int = 100_000, seed: UInt64 = 1,
    _ body: ([UInt8]) throws -> Void
) rethrows {
    var random = SeededRandom(seed: seed)
    for _ in 0..<count {
        var bytes = samples.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
        try body(bytes)
    }
}

private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes.insert(.random(in: 0...255, using: &random), at: place)
    case 1: bytes.removeSubrange(place...)
    case 2: bytes += bytes[..<place]
    case _ where place == bytes.count: break
    case 3: bytes.remove(at: place)
    case 4: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    // What a careless parser takes for a length.
    default: bytes[place] = [0, 1, 127, 128, 255].randomElement(using: &random) ?? 0
    }
}
