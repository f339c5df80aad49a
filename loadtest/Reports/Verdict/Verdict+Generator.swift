import Generator
import Statistics

// Rules about the generator: whether what was measured is the server, or the instrument.
//
//     code      figure                                        suspect     invalid
//     G-CPU     tenths of a second with a thread above 85 %   20 %
//               … above 95 %                                              10 %
//     G-LAG     99th percentile of a turn over median         10 %        50 %
//               … in a closed loop                            100 %
//     G-SCHED   requests that the generator sent late         1 %         5 %
//               … from 0.1 % on, or where that is hardly
//               a part of the response                        (a note)
//     G-RATE    answered rate beside the offered one          1 %         10 %
//               … because the server is behind               (a note)
//     G-HALF    rate lost with half of the threads            2 %
//
// The bounds are those of other generators where they have one: 95 % of a thread (memtier), 99.9
// and 95 % of the schedule (caladan), 10 % of the rate (lancet).
extension Verdict {
    static var generatorRules: [(RunRecord) -> Finding?] {
        [
            busyThread, longTurns, lateRequests, missedRate, halfOfTheThreads,
        ]
    }

    static func busyThread(_ record: RunRecord) -> Finding? {
        let run = record.measurement
        let above95 = run.threads.map(\.above95).max() ?? 0
        let above85 = run.threads.map(\.above85).max() ?? 0
        let isInvalid = above95 >= 0.1
        guard isInvalid || above85 >= 0.2 else { return nil }
        // In a closed loop something is always the limit, and a server whose one loop is as busy is
        // one, too: there the rate is what both can do.
        let seconds = run.window?.seconds ?? run.phases.measured
        let server = seconds > 0 ? (run.server?.cpu ?? 0) / seconds : 0
        let isShared = record.plan.rate == nil && server >= 0.9
        let (bound, share, limit) = isInvalid ? (95, above95, 0.1) : (85, above85, 0.2)
        let busiest = run.threads.map(\.busy).max() ?? 0
        let worked = "the busiest thread worked \(Figures.percent(busiest)) of the time"
        if isShared {
            return Finding(
                code: "G-CPU", level: .note, value: share, limit: limit,
                text: "\(worked), and the server \(Figures.percent(server)) of a core: the rate is "
                    + "what both can do, and a lower bound of what the server can",
                remedy: "")
        }
        return Finding(
            code: "G-CPU", level: isInvalid ? .invalid : .suspect, value: share, limit: limit,
            text: "\(worked); above \(bound) % for \(Figures.percent(share)) of it, where "
                + "\(Figures.percent(limit)) are allowed",
            remedy: remedyForBusyThread(record))
    }

    private static func remedyForBusyThread(_ record: RunRecord) -> String {
        let threads = record.plan.threads
        if threads + 1 < record.environment.cores, threads < record.plan.connections {
            return "use --threads \(threads + 1)"
        }
        guard let rate = record.plan.rate else {
            return "give the generator a machine of its own, or read the rate as a lower bound"
        }
        return "lower --rate below \(Figures.short(rate * 0.8)), or use another machine"
    }

    private static func longTurns(_ record: RunRecord) -> Finding? {
        let run = record.measurement
        guard let lag = run.lag.value(at: 0.99), run.lag.count >= 1000,
            let median = run.response.value(at: 0.5)?.nanoseconds
        else { return nil }
        // Below the tolerance of a planned time, a turn is short whatever it is compared with.
        guard lag > 100_000 else { return nil }
        let share = Double(lag) / Double(median)
        // In a closed loop at its maximum all answers come in bunches, and waiting in one of them
        // is part of what it measures: only a turn that is longer than the response is doubtful.
        let isClosed = record.plan.rate == nil
        let (suspect, invalid) = isClosed ? (1.0, Double.infinity) : (0.1, 0.5)
        guard share > suspect else { return nil }
        return Finding(
            code: "G-LAG", level: share > invalid ? .invalid : .suspect, value: share,
            limit: suspect,
            text: "one turn in a hundred of the generator took "
                + "\(Figures.time(nanoseconds: Double(lag))) or more, "
                + "\(Figures.percent(share)) of the median response; "
                + "\(Figures.percent(suspect)) are allowed",
            remedy: "use more --threads, fewer --conns, or a machine of its own")
    }

    private static func lateRequests(_ record: RunRecord) -> Finding? {
        guard let pacing = record.measurement.pacing, pacing.sent > 0 else { return nil }
        let share = Double(pacing.late) / Double(pacing.sent)
        guard share > 0.001 else { return nil }
        let late =
            "\(Figures.percent(share)) of the requests left the generator more than "
            + "\(Figures.time(nanoseconds: Double(pacing.tolerance))) late"
        // A machine that does anything else at all delays one in some hundred now and then; that is
        // in the quantiles beyond, and in no other.
        if share <= 0.01 {
            return Finding(
                code: "G-SCHED", level: .note, value: share, limit: 0.01,
                text: "\(late), and quantiles that far out are its own as well", remedy: "")
        }
        if isHardlyLate(record.measurement, share) {
            return Finding(
                code: "G-SCHED", level: .note, value: share, limit: 0.01,
                text: "\(late), by less than a tenth of what was measured", remedy: "")
        }
        let (level, limit): (Level, Double) = share > 0.05 ? (.invalid, 0.05) : (.suspect, 0.01)
        return Finding(
            code: "G-SCHED", level: level, value: share, limit: limit,
            text: "\(late), and quantiles that far out are its own as well; "
                + "\(Figures.percent(limit)) are allowed",
            remedy: "lower --rate, use more --threads, or keep other programs off this machine")
    }

    /// Whether the delay before a request is sent is less than a tenth of the response, at the
    /// quantile that so many late ones reach.
    private static func isHardlyLate(_ run: Measurement, _ share: Double) -> Bool {
        guard let delay = run.sendDelay.value(at: 0.99), !delay.isLowerBound,
            let response = run.response.value(at: share > 0.05 ? 0.5 : 0.99)
        else { return false }
        return Double(delay.nanoseconds) < 0.1 * Double(response.nanoseconds)
    }

    static func missedRate(_ record: RunRecord) -> Finding? {
        let run = record.measurement
        guard let offered = record.plan.rate, run.phases.measured > 0, run.ledger.scheduled > 0
        else { return nil }
        // Independent arrivals scatter by the root of their number; three of them are chance.
        let isPoisson = record.plan.arrivals == .poisson
        let chance = isPoisson ? 3 / Double(run.ledger.scheduled).squareRoot() : 0
        // What was under way at the ends of the window belongs to it by half.
        let seconds = (run.service.answered.mean ?? 0) / 1e9 / run.phases.measured
        let allowed = max(0.01, chance, seconds)
        let off = abs(run.rate / offered - 1)
        guard off > allowed else { return nil }
        let figures =
            "\(Figures.short(run.rate))/s were answered of \(Figures.short(offered))/s wanted, "
            + "off by \(Figures.percent(off)) where \(Figures.percent(allowed)) are allowed"
        if run.rate < offered, run.serverFellBehind {
            return Finding(
                code: "G-RATE", level: .note, value: off, limit: allowed,
                text: "the server is overloaded: \(figures)",
                remedy: "latency grows with the duration, so only the rate says something: "
                    + "lower --rate for the rest")
        }
        return Finding(
            code: "G-RATE", level: off > max(0.1, chance) ? .invalid : .suspect, value: off,
            limit: allowed,
            text: (run.rate < offered ? "the generator did not keep up: " : "") + figures,
            remedy: run.rate < offered
                ? "lower --rate, use more --threads, or another machine"
                : "measure longer with -d")
    }

    /// What `--prove-headroom` showed: the only positive proof that the generator was not the
    /// limit.
    private static func halfOfTheThreads(_ record: RunRecord) -> Finding? {
        guard let probe = record.probes.last(where: { $0.purpose == .headroom }),
            record.measurement.rate > 0
        else { return nil }
        let lost = 1 - probe.measurement.rate / record.measurement.rate
        let threads = "\(probe.plan.threads) of \(record.plan.threads) threads"
        let isProven = lost <= 0.02
        return Finding(
            code: "G-HALF", level: isProven ? .note : .suspect, value: lost, limit: 0.02,
            text: isProven
                ? "\(threads) reach \(Figures.percent(1 - lost)) of the rate: the generator is not "
                    + "the limit"
                : "\(threads) reach \(Figures.percent(lost)) less, where "
                    + "\(Figures.percent(0.02)) are allowed: the generator may be the limit",
            remedy: isProven ? "" : "use more --threads, or a machine of its own")
    }
}

extension Measurement {
    /// Whether requests waited for the server and not for the generator: its threads had time, and
    /// what was sent late found every connection busy.
    var serverFellBehind: Bool {
        let isBusy = threads.contains { $0.above95 >= 0.1 }
        let ledger = totals.ledger
        let waited =
            (totals.pacing?.busy ?? 0) + ledger.neverSent + ledger.unanswered + ledger.lost
        return !isBusy && waited > (totals.pacing?.late ?? 0)
    }
}
