import Statistics

/// The bytes of each request, by its number: drawn from a law once, before the clock starts.
///
///     request   0    1    2    3   …  8,191  8,192  8,193
///     place     0    1    2    3   …  8,191      0      1
///
/// Each place is drawn from its own equal slice of the law, and the places are shuffled: so the
/// table is the law to within a slice, and not a sample that happens to be heavy. One size has one
/// place. The sender and the receiver of a stream each keep a number and find the same sizes.
package struct Sizes: ~Copyable {
    private let places: UnsafeMutablePointer<Int>
    /// The number of places, a power of two, less one.
    private let mask: Int

    /// Draws a table; the same seed gives the same sizes.
    package init(_ law: SizeLaw, seed: UInt64) {
        let count = law.isFixed ? 1 : Sizes.count
        mask = count - 1
        places = .allocate(capacity: count)
        var random = SplitMix(seed: seed)
        for place in 0..<count {
            // `share()` is above 0 and at most 1, and the law wants at least 0 and below 1.
            let within = 1 - random.share()
            let size = law.size(at: (Double(place) + within) / Double(count))
            (places + place).initialize(to: size)
        }
        var row = UnsafeMutableBufferPointer(start: places, count: count)
        row.shuffle(using: &random)
    }

    deinit { places.deallocate() }

    /// Places of a law that gives several sizes: 64 KiB, and every share of 0.02 % is there.
    private static let count = 8192

    /// The bytes of the request with that number, counted from any number that both ends agree on.
    package subscript(_ number: Int) -> Int {
        @inline(__always) get { places[number & mask] }
    }
}

/// Bytes of requests: one size, or a law that sizes are drawn from.
package enum SizeLaw: Sendable, Equatable {
    case fixed(Int)
    /// Each size of the range equally likely.
    case uniform(ClosedRange<Int>)
    /// Sizes and their weights.
    case weighted([Weight])

    package struct Weight: Record, Equatable {
        package var size = 64
        package var weight = 0.0
        package init() {}
        package init(size: Int, weight: Double) {
            self.size = size
            self.weight = weight
        }

        package static let fields: [Field<Self>] = [
            .count("size", \.size), Field("weight", \.weight, .number),
        ]
    }

    /// The largest size that it gives.
    package var largest: Int {
        switch self {
        case .fixed(let size): size
        case .uniform(let range): range.upperBound
        case .weighted(let weights): weights.map(\.size).max() ?? 1
        }
    }

    /// The smallest size that it gives.
    package var smallest: Int {
        switch self {
        case .fixed(let size): size
        case .uniform(let range): range.lowerBound
        case .weighted(let weights): weights.filter { $0.weight > 0 }.map(\.size).min() ?? 1
        }
    }

    /// Whether every request has the same size.
    var isFixed: Bool {
        if case .fixed = self { true } else { false }
    }

    /// The size below which the given share of all requests lies; the share is below 1.
    fileprivate func size(at share: Double) -> Int {
        switch self {
        case .fixed(let size):
            return size
        case .uniform(let range):
            let count = Double(range.upperBound) - Double(range.lowerBound) + 1
            return min(range.upperBound, range.lowerBound + Int(share * count))
        case .weighted(let weights):
            var left = share * weights.reduce(0) { $0 + $1.weight }
            for weight in weights {
                if left < weight.weight { return weight.size }
                left -= weight.weight
            }
            // Rounding may leave a remainder beyond the last one.
            return weights.last { $0.weight > 0 }?.size ?? largest
        }
    }
}

extension SizeLaw: Codable {
    private enum Law: String, CaseIterable { case fixed, uniform, weighted }

    package init(from decoder: any Decoder) throws {
        let members = try Members(decoder)
        switch try members.at("law", Form<Law>.choice) {
        case .fixed?: self = .fixed(try members.at("size", .count) ?? 64)
        case .uniform?:
            let (from, to) = (try members.at("from", .count), try members.at("to", .count))
            guard let from, let to, from <= to else { throw decoder.error("is no range") }
            self = .uniform(from...to)
        case .weighted?: self = .weighted(try members.at("weights", .list(.part)) ?? [])
        case nil: throw members.error("law", "is missing")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: Name.self)
        switch self {
        case .fixed(let size):
            try members.encode(Law.fixed.rawValue, forKey: Name("law"))
            try members.encode(size, forKey: Name("size"))
        case .uniform(let range):
            try members.encode(Law.uniform.rawValue, forKey: Name("law"))
            try members.encode(range.lowerBound, forKey: Name("from"))
            try members.encode(range.upperBound, forKey: Name("to"))
        case .weighted(let weights):
            try members.encode(Law.weighted.rawValue, forKey: Name("law"))
            try members.encode(weights, forKey: Name("weights"))
        }
    }
}
