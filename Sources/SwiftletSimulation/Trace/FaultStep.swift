/// What a trace tells of the faults.
enum FaultStep: TraceStep {
    /// A fault came into force.
    case began(FaultRule)
    /// A fault is in force no longer.
    case ended(FaultRule)
    /// So many connections between two hosts were reset.
    case reset(HostID, HostID, connections: Int)

    func text(hosts: [String]) -> String {
        switch self {
        case .began(let rule): "fault \(rule.id.number) begins: \(rule.fault) \(rule.scope)"
        case .ended(let rule): "fault \(rule.id.number) ends: \(rule.fault) \(rule.scope)"
        case .reset(let left, let right, let count):
            "\(count) connections of \(hosts[left.index]) and \(hosts[right.index]) reset"
        }
    }

    func mix(into digest: inout TraceDigest) {
        switch self {
        case .reset(let left, let right, let count):
            digest.add(1, left.index, right.index, count)
        case .began(let rule):
            digest.add(2, rule.id.number)
            // Faults are few: their words tell them apart well enough.
            for byte in "\(rule.fault) \(rule.scope)".utf8 { digest.add(Int(byte)) }
        case .ended(let rule): digest.add(3, rule.id.number)
        }
    }
}
