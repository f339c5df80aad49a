import Flags
import Generator
import Processes
import Reports
import Syscalls

// The values of options that have a small language of their own. Each is read from its text, and
// says what is wrong with it in words that follow the text.

/// `--rate`: requests per second, a share of what the server can do, or all it can do.
enum RateWish: Equatable {
    case perSecond(Double)
    case share(Double)
    case most

    /// More than twice the maximum shows nothing that twice does not.
    private static let shares = 0.01...2.0

    init(_ text: String) throws(Units.Mistake) {
        if text == "max" {
            self = .most
        } else if text.hasSuffix("%") {
            let share = try Units.percent(text)
            guard RateWish.shares.contains(share) else {
                throw Units.Mistake("is out of range: give from 1% to 200%")
            }
            self = .share(share)
        } else {
            self = .perSecond(try RateWish.rate(text))
        }
    }

    /// A rate that a thread can plan: the gaps are whole nanoseconds.
    static func rate(_ text: String) throws(Units.Mistake) -> Double {
        let rate = try Units.rate(text)
        guard (0.001...1e9).contains(rate) else {
            throw Units.Mistake("is out of range: give from 0.001 to 1000m requests per second")
        }
        return rate
    }
}

/// `--steps A..B/N`: rates at equal distances.
enum Steps {
    static func rates(_ text: String) throws(Units.Mistake) -> [Double] {
        guard let (ends, number) = Units.parts(of: text, at: "/"), ends.contains("..") else {
            throw Units.Mistake("is not A..B/N; write for example 1k..20k/10")
        }
        let range = try Units.range(ends, of: RateWish.rate)
        let count = try Units.count(number)
        guard (2...100).contains(count) else {
            throw Units.Mistake("has \(number) steps: give from 2 to 100")
        }
        guard range.lowerBound < range.upperBound else {
            throw Units.Mistake("has the same rate in every step; use --rate")
        }
        let gap = (range.upperBound - range.lowerBound) / Double(count - 1)
        return (0..<count).map { range.lowerBound + Double($0) * gap }
    }
}

extension SizeLaw {
    private static let allowed = 1...1 << 24

    /// `64`, `64..4k`, or `64:80,4k:20`: sizes with their weights.
    init(_ text: String) throws(Units.Mistake) {
        if text.contains("..") {
            self = .uniform(try Units.range(text, of: SizeLaw.size))
        } else if text.contains(":") || text.contains(",") {
            let weights = try Units.list(text, of: SizeLaw.weight)
            guard weights.contains(where: { $0.weight > 0 }) else {
                throw Units.Mistake("has no weight above 0")
            }
            self = .weighted(weights)
        } else {
            self = .fixed(try SizeLaw.size(text))
        }
    }

    private static func size(_ text: String) throws(Units.Mistake) -> Int {
        let size = try Units.size(text)
        guard allowed.contains(size) else {
            throw Units.Mistake("is out of range: give from 1 to 16m bytes")
        }
        return size
    }

    private static func weight(_ text: String) throws(Units.Mistake) -> Weight {
        guard let (size, weight) = Units.parts(of: text, at: ":") else {
            throw Units.Mistake("has a size without a weight; write for example 64:80,4k:20")
        }
        return Weight(size: try SizeLaw.size(size), weight: Double(try Units.count(weight)))
    }
}

extension LoadPlan.SlowRead {
    /// The share when none is given.
    private static let usualShare = 0.1

    /// `10k`, or `10k:5%` with the share of the connections.
    init(_ text: String) throws(Units.Mistake) {
        let (left, right) = Units.parts(of: text, at: ":") ?? (text, "")
        let share = text.contains(":") ? try Units.percent(right) : Self.usualShare
        guard share > 0, share <= 1 else {
            throw Units.Mistake("has a share of \(right): give more than 0% and at most 100%")
        }
        let rate = try Units.size(left)
        guard (1...1 << 30).contains(rate) else {
            throw Units.Mistake("is out of range: give from 1 to 1g bytes a second")
        }
        self.init(rate: Double(rate), share: share)
    }
}

extension LoadPlan.Source {
    private static let most = 4096

    /// `auto`, or addresses and blocks of them.
    init(_ text: String) throws(Units.Mistake) {
        if text == "auto" {
            self = .auto
            return
        }
        var addresses: [SocketAddress] = []
        let blocks = try Units.list(text) { part throws(Units.Mistake) in
            do throws(AddressBlock.ParseError) {
                return try AddressBlock(part, atMost: Self.most)
            } catch {
                throw Units.Mistake("has '\(part)', which \(error)")
            }
        }
        for block in blocks { addresses += block.addresses }
        guard addresses.count <= Self.most else {
            throw Units.Mistake(
                "has \(Units.text(addresses.count)) addresses: give at most \(Self.most)")
        }
        guard Set(addresses).count == addresses.count else {
            throw Units.Mistake("has an address twice")
        }
        self = .addresses(addresses)
    }
}

extension RunRecord.Shard {
    /// `i/N`, counted from 1.
    init(_ text: String) throws(Units.Mistake) {
        guard let (left, right) = Units.parts(of: text, at: "/") else {
            throw Units.Mistake("is not i/N; write for example 1/4")
        }
        let (index, count) = (try Units.count(left), try Units.count(right))
        guard (1...10_000).contains(count), (1...count).contains(index) else {
            throw Units.Mistake("is no part: give from 1/N to N/N, with N up to 10,000")
        }
        self.init(index: index, count: count)
    }
}

/// `--start-at`: seconds since 1970, or `+20s` from now.
enum StartTime {
    static func secondsFromNow(_ text: String) throws(Units.Mistake) -> Double {
        try seconds(text, now: Machine.secondsSinceEpoch)
    }

    static func seconds(_ text: String, now: Double) throws(Units.Mistake) -> Double {
        let example = "; write seconds since 1970, as `date +%s` has them, or +20s"
        if text.hasPrefix("+") {
            return now + seconds(try Units.duration(String(text.dropFirst())))
        }
        guard text.allSatisfy({ $0 == "." || ("0"..."9").contains($0) }), let time = Double(text)
        else { throw Units.Mistake("is no time" + example) }
        guard time > now else {
            throw Units.Mistake("is past: here it is \(Figures.fixed(now, decimals: 3))" + example)
        }
        guard time - now < seconds(Options.longest) else {
            throw Units.Mistake("is more than 30 days from now" + example)
        }
        return time
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.wholeNanoseconds) / 1e9
    }
}
