import Generator
import Syscalls

// Rules about the machine: whether something else had a part in the figures.
//
//     code        figure                                        suspect    invalid
//     N-LISTEN    listen queues that overflowed                 any
//     N-RETRANS   segments sent again                           0.1 %
//     H-STEAL     CPU time that the hypervisor gave to others   2 %        10 %
//     H-SHARED    threads and server beside cores               twice      (equal: a note)
//     H-QUOTA     time that a limit of the group took away      1 %        10 %
//     K-STOPPED   the generator was stopped                                a second
extension Verdict {
    static var machineRules: [(RunRecord) -> Finding?] {
        [
            overflows, retransmits, stolenTime, sharedCores, throttled, stopped,
        ]
    }

    private static func overflows(_ record: RunRecord) -> Finding? {
        guard let kernel = record.measurement.kernel else { return nil }
        let count = max(kernel.listenOverflows, kernel.listenDrops)
        guard count > 0, record.plan.target.isLoopback else { return nil }
        return Finding(
            code: "N-LISTEN", level: .suspect, value: Double(count), limit: 0, .count,
            text: "\(Figures.count(count)) connections found a listen queue full on this machine, "
                + "and tried again a second later; none is allowed",
            remedy: "raise the server's backlog and net.core.somaxconn, or use --connect-rate")
    }

    private static func retransmits(_ record: RunRecord) -> Finding? {
        guard let kernel = record.measurement.kernel, kernel.segments > 0 else { return nil }
        let share = Double(kernel.retransmits) / Double(kernel.segments)
        guard share > 0.001 else { return nil }
        return Finding(
            code: "N-RETRANS", level: .suspect, value: share, limit: 0.001,
            text: "\(Figures.percent(share)) of this machine's segments were sent again; "
                + "\(Figures.percent(0.001)) are allowed",
            remedy: "the network or a full listen queue loses segments: look at connect times")
    }

    private static func stolenTime(_ record: RunRecord) -> Finding? {
        guard let kernel = record.measurement.kernel, kernel.stolen > 0.02 else { return nil }
        return Finding(
            code: "H-STEAL", level: kernel.stolen > 0.1 ? .invalid : .suspect,
            value: kernel.stolen, limit: 0.02,
            text: "the hypervisor gave \(Figures.percent(kernel.stolen)) of the CPU time to "
                + "others; \(Figures.percent(0.02)) are allowed",
            remedy: "use a quieter machine, or repeat and compare with loadtest diff")
    }

    private static func sharedCores(_ record: RunRecord) -> Finding? {
        let (cores, threads) = (record.environment.cores, record.plan.threads)
        let together = threads + (record.server?.count ?? 1)
        guard record.plan.target.isLoopback, together >= cores else { return nil }
        // The bundled server may use what we may; another one may have been given other cores.
        let isBundled = record.server != nil
        let isCrowded = isBundled && together >= 2 * cores
        // The remark on a thread that is as full as the server names both already.
        if !isCrowded, busyThread(record)?.level == .note { return nil }
        let shared = isBundled ? "\(cores) core\(cores == 1 ? "" : "s")" : "a machine"
        let crowd = isCrowded ? "\(together) threads of " : ""
        return Finding(
            code: "H-SHARED", level: isCrowded ? .suspect : .note,
            value: Double(together), limit: Double(cores), .count,
            text: "\(crowd)server and generator share \(shared) with all else",
            remedy: isCrowded ? "compare runs of this machine with each other only" : "")
    }

    private static func throttled(_ record: RunRecord) -> Finding? {
        guard let share = record.measurement.kernel?.throttled, share > 0.01 else { return nil }
        return Finding(
            code: "H-QUOTA", level: share > 0.1 ? .invalid : .suspect, value: share, limit: 0.01,
            text: "a limit on processor time (cgroup cpu.max) held this process for "
                + "\(Figures.percent(share)) of the run; \(Figures.percent(0.01)) are allowed",
            remedy: "raise the limit of the container, or lower the load")
    }

    private static func stopped(_ record: RunRecord) -> Finding? {
        let seconds = record.measurement.phases.stopped
        guard seconds > 0 else { return nil }
        return Finding(
            code: "K-STOPPED", level: .invalid, value: seconds, limit: 1, .seconds,
            text: "the generator did not run for \(Figures.time(seconds: seconds)): it or the "
                + "machine was stopped; \(Figures.time(seconds: 1)) is allowed",
            remedy: "run it again without stopping it")
    }
}

extension Verdict {
    /// Judges a run by every rule.
    package init(judging record: RunRecord) {
        let rules = Verdict.generatorRules + Verdict.runRules + Verdict.machineRules
        let all = rules.compactMap { $0(record) }
        // Stable: within a level in the order of the rules.
        for level in Level.allCases.reversed() {
            findings += all.filter { $0.level == level }
        }
    }
}
