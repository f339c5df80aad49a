import Conformance
import Flags
import Generator
import Syscalls

// Before the slices: each arm shows that it echoes as it must, and what it can do.
extension CompareRun {
    /// Lets each arm prove itself; one that does not is never measured.
    mutating func prove() throws(Interrupted) {
        let limits = HostLimits.current()
        for arm in arms.indices {
            say(.proving(arm: arms[arm].arm.name))
            do throws(ArmFailure) {
                try check(arm)
            } catch .interrupted(let signal) {
                throw Interrupted(signal: signal)
            } catch {
                arms[arm].end(error)
                say(.ended(arm: arms[arm].arm))
                continue
            }
            for point in points.indices { try runProbe(arm, point, limits) }
            if let rate = arms[arm].firstProbe?.rate {
                say(.proved(arm: arms[arm].arm.name, rate: rate))
            } else {
                say(.ended(arm: arms[arm].arm))
            }
        }
    }

    /// Asks a process of the arm for all that an echo service must do.
    private mutating func check(_ arm: Int) throws(ArmFailure) {
        try interrupts.check()
        let contender = arms[arm].contender
        let server = try start(arm, at: 0).server()
        var findings: [String] = []
        for check in Conformance.checks(of: options.transport.socket) {
            // A server of one client at a time lets a crowd wait, and is right to.
            if check == .crowd, contender.shape == .oneAtATime { continue }
            try interrupts.check()
            let found = Conformance.check(
                [check], at: server.process.address, process: server.process.id)
            findings += found.map(\.description)
            server.process.takeOutput()
        }
        if !findings.isEmpty { throw .incorrect(findings) }
        arms[arm].add(try server.stop().calls ?? [:])
    }

    /// A short busy load, for what the arm can do under it; an arm that fails it is not measured
    /// there.
    private mutating func runProbe(
        _ arm: Int, _ point: Int, _ limits: HostLimits
    ) throws(Interrupted) {
        guard arms[arm].isMeasured else { return }
        let start = start(arm, at: point)
        let objection = limits.objection(
            to: start.contender.shape, connections: start.connections)
        if let objection {
            arms[arm].end(.notHosted(objection), at: point, of: points)
            return
        }
        do throws(ArmFailure) {
            arms[arm].take(try start.probe(for: options.timing.probe), at: point)
        } catch .interrupted(let signal) {
            throw Interrupted(signal: signal)
        } catch {
            arms[arm].end(error, at: point, of: points)
        }
    }
}

/// The rates at which latency and the sparse load are measured: the same for every arm.
///
/// Each arm at a share of its own maximum would compare a slow arm that has little to do with a
/// fast one that has much. So the slowest decides, and those that serve one client at a time do not
/// count, because they are measured with one.
enum Rates {
    /// Of what the slowest arm can do, so much is asked of all.
    private static let share = 0.5
    /// Of the connections, so many talk in the sparse load.
    private static let talking = 0.02
    /// Requests per second in the sparse load, where the fixed rate is not lower: enough for a 99th
    /// percentile in a second, and for each talking connection 20.
    private static let sparse = (least: 1000.0, perConnection: 20.0)

    static func set(
        _ points: [CompareRecord.Point], arms: [ArmState]
    ) -> [CompareRecord.Point] {
        points.indices.map { index in
            var point = points[index]
            let slowest = slowest(of: arms, at: index)
            point.sparseConnections = max(1, Int((Double(point.connections) * talking).rounded()))
            guard let slowest, slowest > 0 else { return point }
            let fixed = rounded(slowest * share)
            let wanted = max(sparse.least, sparse.perConnection * Double(point.sparseConnections))
            point.fixedRate = fixed
            point.sparseRate = min(fixed, wanted)
            return point
        }
    }

    private static func slowest(of arms: [ArmState], at point: Int) -> Double? {
        let together = arms.filter { $0.contender.shape != .oneAtATime }
        let rates = { (arms: [ArmState]) in arms.compactMap { $0.probes[point]?.rate } }
        return rates(together).min() ?? rates(arms).min()
    }

    /// Two digits, downwards: a rate that can be said and asked for again.
    static func rounded(_ rate: Double) -> Double {
        var step = 1.0
        while rate / step >= 100 { step *= 10 }
        return max(1, (rate / step).rounded(.down) * step)
    }
}
