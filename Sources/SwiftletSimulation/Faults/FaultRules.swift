/// The rules of a world, and who has the last word.
///
///     planned   [ rule | rule | … ]    not begun yet: an event begins each
///     inForce   [ rule | rule | … ]    the latest last
struct FaultRules {
    var inForce: [FaultRule] = []
    private var planned: [FaultRule] = []
    private var count = 0

    /// Enters a rule that is not in force yet.
    mutating func plan(_ fault: Fault, on scope: FaultScope) -> FaultRule.ID {
        count += 1
        let id = FaultRule.ID(number: count)
        planned.append(FaultRule(id: id, fault: fault, scope: scope))
        return id
    }

    /// Puts a planned rule in force; nil when it was removed before.
    mutating func begin(_ id: FaultRule.ID) -> FaultRule? {
        guard let place = planned.firstIndex(where: { $0.id == id }) else { return nil }
        let rule = planned.remove(at: place)
        inForce.append(rule)
        return rule
    }

    /// Removes a rule, planned or in force; nil unless it was in force.
    mutating func remove(_ id: FaultRule.ID) -> FaultRule? {
        planned.removeAll { $0.id == id }
        guard let place = inForce.firstIndex(where: { $0.id == id }) else { return nil }
        return inForce.remove(at: place)
    }

    /// Every rule, in force or planned, in the order in which they were made.
    var all: [FaultRule.ID] { (inForce + planned).map(\.id).sorted { $0.number < $1.number } }

    /// What the latest rule has to say to which `body` answers something.
    func latest<Answer>(_ body: (FaultRule) -> Answer?) -> Answer? {
        for rule in inForce.reversed() {
            if let answer = body(rule) { return answer }
        }
        return nil
    }

    /// The same among the rules of the way from one host to another.
    func onWay<Answer>(
        _ sender: HostID, _ receiver: HostID, _ body: (FaultRule) -> Answer?
    ) -> Answer? {
        guard sender != receiver else { return nil }
        return latest { $0.scope.covers(from: sender, to: receiver) ? body($0) : nil }
    }
}
