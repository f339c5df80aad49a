import Syscalls

// When faults begin and end, and what happens then.
extension Kernel {
    /// Plans a fault: it begins so much later, at once when that is 0, and ends after its time; nil
    /// is for good, or until it is healed. A reset takes no time.
    mutating func plan(
        _ fault: Fault, on scope: FaultScope, after delay: Duration, lasting time: Duration?
    ) -> FaultRule.ID {
        fault.check(in: scope)
        precondition(delay >= .zero, "a fault begins now or later")
        precondition(time.map { $0 >= .zero } ?? true, "a fault does not end before it begins")
        let id = faults.plan(fault, on: scope)
        let start = now.advanced(by: delay)
        if delay > .zero { wires.schedule(.faultBegins(id), at: start) } else { begin(id) }
        if let time { wires.schedule(.faultEnds(id), at: start.advanced(by: time)) }
        return id
    }

    /// Makes a planned fault begin, unless it was healed before.
    mutating func begin(_ id: FaultRule.ID) {
        guard let rule = faults.begin(id) else { return }
        tell(.began(rule), of: rule.scope)
        switch rule.fault {
        case .reset:
            _ = faults.remove(id)
            resetAll(in: rule.scope)
        case .crash, .clockDrift: settle(rule)
        default: break
        }
    }

    /// Ends a fault, or keeps it from beginning; one that has ended already stays so.
    mutating func heal(_ id: FaultRule.ID) {
        guard let rule = faults.remove(id) else { return }
        tell(.ended(rule), of: rule.scope)
        switch rule.fault {
        case .partition: resendHeld()
        case .crash, .clockDrift: settle(rule)
        default: break
        }
    }

    /// Ends all faults and keeps those that are planned from beginning.
    mutating func healAll() {
        for id in faults.all { heal(id) }
    }

    private mutating func resetAll(in scope: FaultScope) {
        for one in hosts.indices {
            for other in hosts.indices where other > one {
                let (one, other) = (HostID(index: one), HostID(index: other))
                guard scope.covers(from: one, to: other) || scope.covers(from: other, to: one)
                else { continue }
                let count = resetConnections(between: one, and: other)
                if count > 0 {
                    trace.add(.fault(.reset(one, other, connections: count)), on: one, at: now)
                }
            }
        }
    }

    /// Brings the machines of a rule, which has begun or ended, to what the rules in force say.
    private mutating func settle(_ rule: FaultRule) {
        for host in hosts.indices.map(HostID.init(index:)) where rule.scope.covers(host) {
            if rule.fault == .crash {
                faults.settlePower(of: host)
            } else {
                let rate = Int64(faults.clockRate(of: host))
                hosts[host].clock.setRate(partsPerMillion: rate, at: now)
            }
        }
    }

    /// Tells the trace of a rule, at the host that it names first.
    private mutating func tell(_ step: FaultStep, of scope: FaultScope) {
        let host = scope.sender ?? scope.receiver
        trace.add(.fault(step), on: host?.id ?? HostID(index: 0), at: now)
    }
}
