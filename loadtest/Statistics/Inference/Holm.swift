/// Corrects probabilities for having asked several questions: of twenty, one looks like a find by
/// chance alone (Holm 1979).
package enum Holm {
    /// Each probability as it counts among all of them, in the same order.
    ///
    /// The smallest is multiplied by how many there are, the next one by one less, and so on; none
    /// comes out below one that was smaller. Any of them is under 5 % by chance in one of twenty
    /// cases at most, however they depend on each other.
    package static func corrected(_ probabilities: [Double]) -> [Double] {
        var corrected = probabilities
        var floor = 0.0
        let order = probabilities.indices.sorted { probabilities[$0] < probabilities[$1] }
        for (rank, index) in order.enumerated() {
            let factor = Double(probabilities.count - rank)
            floor = min(1, max(floor, probabilities[index] * factor))
            corrected[index] = floor
        }
        return corrected
    }
}
