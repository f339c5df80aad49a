/// The candidate that a mistyped word most likely meant; nil when none is near.
///
/// A candidate that the word begins counts as near ("dur" for "duration"), and so does one that a
/// third of the word's letters, at least two, away: inserted, left out, changed or swapped with a
/// neighbour.
package func nearest(to word: String, among candidates: [String]) -> String? {
    guard !word.isEmpty else { return nil }
    let limit = max(2, word.count / 3)
    let scored = candidates.map { candidate in
        let isBegun = word.count > 1 && candidate.hasPrefix(word)
        return (candidate, distance: isBegun ? 1 : editDistance(word, candidate))
    }
    guard let best = scored.min(by: { $0.distance < $1.distance }) else { return nil }
    // Two letters out of three changed is another word, not a slip of the finger.
    return best.distance <= limit && best.distance < word.count ? best.0 : nil
}

/// How many slips lead from one word to the other, a swap of neighbours counting as one.
func editDistance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left), Array(right))
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in 1..<(left.count + 1) {
        var current = [row]
        for column in 1..<(right.count + 1) {
            let isSame = left[row - 1] == right[column - 1]
            var best = min(last[column] + 1, current[column - 1] + 1)
            best = min(best, last[column - 1] + (isSame ? 0 : 1))
            let isSwap =
                row > 1 && column > 1 && left[row - 1] == right[column - 2]
                && left[row - 2] == right[column - 1]
            if isSwap { best = min(best, beforeLast[column - 2] + 1) }
            current.append(best)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
