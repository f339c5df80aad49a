import Generator
import Statistics

// Rules about the run: whether what was asked for is what was measured.
//
//     code         figure                                          suspect      invalid
//     L-LITTLE     connections beside rate × mean latency          2 %          10 %
//     E-FEW        samples beyond the 99th percentile              below ten    no sample
//     E-ERRORS     errors, and requests without an answer at the   any
//                  end or never sent, unless the server is behind
//     E-SILENT     seconds without an answer at the end            .           1 s
//     C-CONNS      connections that are missing                    any          10 %
//     F-NEVER      connections without an answer                   any          1 %
//     F-HARDLY     connections with less than a tenth of the mean  any
//     W-UNSTEADY   the warm-up did not settle                      yes
//     I-EARLY      the run was ended early                         yes
//     B-VERIFY     bytes were not compared                         (a note)
//     B-DEBUG      debug build                                     yes
extension Verdict {
    static var runRules: [(RunRecord) -> Finding?] {
        [
            littlesLaw, fewSamples, errors, silent, missingConnections, starved, hardlyServed,
            unsteady,
            endedEarly, unverified, debugBuild,
        ]
    }

    /// In a closed loop without failures, as many requests are under way as there are places for:
    /// rate times mean latency is their number (Little 1961). Anything else is a mistake in the
    /// books or time that was lost between an answer and the next request.
    private static func littlesLaw(_ record: RunRecord) -> Finding? {
        let (run, plan) = (record.measurement, record.plan)
        guard plan.rate == nil, run.ledger.failed == 0, run.connects.failed == 0,
            run.connects.reopened == 0,
            plan.slowRead == nil, plan.split == .none, run.phases.measured > 0,
            let mean = run.service.answered.mean, run.connects.lostEarly == 0
        else { return nil }
        // Requests on connections that never got an answer have no latency; F-NEVER counts those.
        let places = Double((plan.connections - run.served.never) * plan.pipeline)
        let seconds = mean / 1e9
        let off = abs(run.rate * seconds / places - 1)
        // What was under way at the ends of the measured time belongs to it by half.
        let allowed = max(0.02, 2 * seconds / run.phases.measured)
        guard off > allowed else { return nil }
        return Finding(
            code: "L-LITTLE", level: off > max(0.1, allowed) ? .invalid : .suspect, value: off,
            limit: allowed,
            text: "rate times mean latency is \(Figures.short(run.rate * seconds)) requests under "
                + "way, and \(Figures.short(places)) were to be; "
                + "off by \(Figures.percent(off)), \(Figures.percent(allowed)) are allowed",
            remedy: "the generator loses time between an answer and the next request: use more "
                + "--threads, or measure longer with -d")
    }

    private static func fewSamples(_ record: RunRecord) -> Finding? {
        let response = record.measurement.response
        if response.supports(0.99) { return nil }
        let count = response.count
        return Finding(
            code: "E-FEW", level: record.measurement.wasAnswered ? .suspect : .invalid,
            value: Double(count), limit: Double(Figures.samplesNeeded(for: 0.99)), .count,
            text: "\(Figures.count(count)) samples, of which p99 needs "
                + Figures.count(Figures.samplesNeeded(for: 0.99)),
            remedy: "measure longer with -d, or more with -n")
    }

    private static func errors(_ record: RunRecord) -> Finding? {
        let run = record.measurement
        // G-RATE tells of an open loop that the server cannot follow, and what is left over of it.
        let count = missedRate(record)?.level == .note ? run.errors.occurrences : run.failures
        guard count > 0 else { return nil }
        return Finding(
            code: "E-ERRORS", level: .suspect, value: Double(count), limit: 0, .count,
            text: "\(Figures.count(count)) errors, and none is allowed",
            remedy: "the table of errors and the ledger say which; "
                + "--fail-if 'errors>0' makes them count")
    }

    /// A server that answers nothing any more, however well it answered before.
    private static func silent(_ record: RunRecord) -> Finding? {
        let run = record.measurement
        let ledger = run.ledger
        let waiting = ledger.unanswered + ledger.neverSent + ledger.timedOut + ledger.lost
        guard waiting > 0, run.phases.measured >= 1 else { return nil }
        let end = run.phases.beforeMeasuring + run.phases.measured
        let last = run.phases.lastAnswer ?? run.phases.beforeMeasuring
        let silence = end - last
        guard silence >= 1 else { return nil }
        let after = max(0, last - run.phases.beforeMeasuring)
        return Finding(
            code: "E-SILENT", level: .invalid, value: silence, limit: 1, .seconds,
            text: "the server stopped answering \(Figures.time(seconds: after)) after measuring "
                + "began, and \(Figures.count(waiting)) requests waited for it; "
                + "\(Figures.time(seconds: 1)) of silence is allowed",
            remedy: "look at the server: it hangs, or it was stopped")
    }

    private static func missingConnections(_ record: RunRecord) -> Finding? {
        let (run, plan) = (record.measurement, record.plan)
        // Where connections come and go, those of the start are not the ones that matter.
        if plan.reopens { return nil }
        let wanted = plan.connections + plan.idle
        let missing = wanted - (run.connects.ok - run.connects.reopened - run.connects.lostEarly)
        guard missing > 0 else { return nil }
        let share = Double(missing) / Double(wanted)
        return Finding(
            code: "C-CONNS", level: share > 0.1 ? .invalid : .suspect, value: share, limit: 0,
            text: "\(Figures.count(missing)) of \(Figures.count(wanted)) connections were not "
                + "there when measuring began, and none may be missing",
            remedy: "the table of errors says why")
    }

    /// Fewer answers a connection than that are too few to tell which one is starved.
    private static let answersToJudge = 30.0

    private static func starved(_ record: RunRecord) -> Finding? {
        let served = record.measurement.served
        guard served.never > 0, served.mean >= answersToJudge else { return nil }
        let share = Double(served.never) / Double(served.connections)
        return Finding(
            code: "F-NEVER", level: share > 0.01 ? .invalid : .suspect, value: share, limit: 0,
            text: "\(Figures.count(served.never)) of \(Figures.count(served.connections)) "
                + "connections never got an answer, while the mean is "
                + "\(Figures.short(served.mean)); none may be left out",
            remedy: "percentiles of a closed loop hide them: look at the server's fairness")
    }

    private static func hardlyServed(_ record: RunRecord) -> Finding? {
        let served = record.measurement.served
        let count = served.hardly - served.never
        guard count > 0, served.mean >= answersToJudge else { return nil }
        let jain = served.jain.map { Figures.fixed($0, decimals: 3) } ?? "-"
        return Finding(
            code: "F-HARDLY", level: .suspect,
            value: Double(count) / Double(served.connections), limit: 0,
            text: "\(Figures.count(count)) of \(Figures.count(served.connections)) connections "
                + "got less than a tenth of the mean of \(Figures.short(served.mean)) answers; "
                + "Jain's index \(jain)",
            remedy: "percentiles of a closed loop hide them: look at the server's fairness")
    }

    private static func unsteady(_ record: RunRecord) -> Finding? {
        guard record.measurement.phases.isSteady == false else { return nil }
        let seconds = record.measurement.phases.warmup
        return Finding(
            code: "W-UNSTEADY", level: .suspect, value: seconds, limit: seconds, .seconds,
            text: "rate and latency still changed by more than 5 % across ten windows after "
                + "\(Figures.time(seconds: seconds)) of warm-up, which is as long as it takes",
            remedy: "look at the timeline; use a longer --warmup, or a quieter machine")
    }

    private static func endedEarly(_ record: RunRecord) -> Finding? {
        let run = record.measurement
        if run.ending == .completed { return nil }
        let wanted = record.plan.duration.map { Double($0.wholeNanoseconds) / 1e9 }
        let whole = wanted.map { " \(Figures.time(seconds: $0)) of" } ?? ""
        return Finding(
            code: "I-EARLY", level: .suspect, value: run.phases.measured, limit: wanted ?? 0,
            .seconds,
            text: "the run ended early, after \(Figures.time(seconds: run.phases.measured)) of"
                + "\(whole) measuring",
            remedy: "run it to its end")
    }

    private static func unverified(_ record: RunRecord) -> Finding? {
        guard record.plan.verification == .off else { return nil }
        return Finding(
            code: "B-VERIFY", level: .note, value: 0, limit: 1, .share,
            text: "echoed bytes were not compared: a server that answers nonsense looks as good",
            remedy: "leave out --verify off")
    }

    private static func debugBuild(_ record: RunRecord) -> Finding? {
        guard record.environment.isDebugBuild else { return nil }
        return Finding(
            code: "B-DEBUG", level: .suspect, value: 1, limit: 0, .count,
            text: "a debug build: the figures mean nothing",
            remedy: "swift run -c release loadtest")
    }
}
