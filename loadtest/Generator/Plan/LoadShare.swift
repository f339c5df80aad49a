import Statistics

/// Cuts a load into parts that add up to it exactly, one for each machine that takes one.
extension LoadPlan {
    /// The `index`-th of `count` parts, counted from 1.
    ///
    /// Rates go with the connections, so that every connection of the whole carries the same. The
    /// payload of a connection derives from its number in the whole.
    package func part(_ index: Int, of count: Int) -> LoadPlan {
        precondition((1...count).contains(index), "part \(index) of \(count) is no part")
        func part(of total: Int) -> Range<Int> { share(of: total, for: index - 1, among: count) }
        let mine = part(of: connections)
        let weight = connections == 0 ? 0 : Double(mine.count) / Double(connections)
        var plan = self
        plan.firstConnection = firstConnection + mine.lowerBound
        plan.connections = mine.count
        plan.idle = part(of: idle).count
        plan.requests = requests.map { part(of: $0).count }
        plan.rate = rate.map { $0 * weight }
        plan.connectRate = connectRate.map { $0 * weight }
        return plan
    }
}
