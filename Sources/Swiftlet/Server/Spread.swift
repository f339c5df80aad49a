/// How a server's connections are spread over its loops, and which loop gets the next one.
///
/// A plain value: its owner guards it. A place is the index of a loop among the server's.
struct Spread {
    private struct Share {
        var open = 0
        var taken = 0
    }

    private var shares: [Share]

    init(over loops: Int) { shares = Array(repeating: Share(), count: loops) }

    /// Counts one more connection in, at the place with the fewest open ones, and says which.
    ///
    /// Of several such places it takes the one that has had the fewest until now: otherwise
    /// connections that come one after the other would all go to the first.
    mutating func add(among places: Range<Int>) -> Int {
        var best = places.lowerBound
        for place in places.dropFirst() {
            let (share, least) = (shares[place], shares[best])
            if (share.open, share.taken) < (least.open, least.taken) { best = place }
        }
        shares[best].open += 1
        shares[best].taken += 1
        return best
    }

    /// Counts a connection out.
    mutating func remove(from place: Int) { shares[place].open -= 1 }
}
