import Flags

/// The loads to compare under: every combination of connections and sizes.
///
///     conns=10,1k,9k size=64,4k    →    10 × 64 B, 10 × 4 KiB, 1,000 × 64 B, …
package struct Matrix: Sendable, Equatable {
    package var connections: [Int]
    package var sizes: [Int]

    /// Connections that a comparison opens from one address: more would leave no ports to choose
    /// from when they are opened for the next load.
    static let connectionsAllowed = 1...20_000
    static let sizesAllowed = 1...(16 << 20)
    /// More loads than that are days.
    private static let pointsMax = 64

    package init(connections: [Int], sizes: [Int]) {
        self.connections = connections
        self.sizes = sizes
    }

    /// Reads `conns=… size=…`, of which one may be left out; `self` has what was said elsewhere.
    package mutating func read(_ text: String) throws(Units.Mistake) {
        let example = "; write for example 'conns=10,1k,9k size=64,4k'"
        var seen: Set<Substring> = []
        for part in text.split(whereSeparator: \.isWhitespace) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else {
                throw Units.Mistake("has '\(part)', which is no list" + example)
            }
            guard seen.insert(sides[0]).inserted else {
                throw Units.Mistake("has \(sides[0]) twice" + example)
            }
            switch sides[0] {
            case "conns":
                connections = try Self.list(sides[1], Self.connectionsAllowed, Units.count)
            case "size": sizes = try Self.list(sides[1], Self.sizesAllowed, Units.size)
            default:
                throw Units.Mistake("has '\(sides[0])', which is neither conns nor size" + example)
            }
        }
        if seen.isEmpty { throw Units.Mistake("is empty" + example) }
        let count = connections.count * sizes.count
        guard count <= Self.pointsMax else {
            throw Units.Mistake("has \(count) loads: give at most \(Self.pointsMax)")
        }
    }

    private static func list(
        _ text: Substring, _ allowed: ClosedRange<Int>,
        _ read: (String) throws(Units.Mistake) -> Int
    ) throws(Units.Mistake) -> [Int] {
        let numbers = try Units.list(String(text)) { item throws(Units.Mistake) in
            let number = try read(item)
            guard allowed.contains(number) else {
                let (low, high) = (Units.text(allowed.lowerBound), Units.text(allowed.upperBound))
                throw Units.Mistake(
                    "has '\(item)', which is out of range: give from \(low) to \(high)")
            }
            return number
        }
        guard Set(numbers).count == numbers.count else {
            throw Units.Mistake("has a number twice in '\(text)'")
        }
        return numbers
    }

    package var points: [CompareRecord.Point] {
        connections.flatMap { connections in
            sizes.map { CompareRecord.Point(connections: connections, size: $0) }
        }
    }
}
