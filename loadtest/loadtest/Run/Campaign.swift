import Generator
import Reports

/// The runs that a command takes, each decided from what the ones before it gave.
///
///     single    the run
///     70%       a short closed loop for the maximum, the run at its share
///     steps     a run for each rate; the highest that held is reported, all of them are drawn
///     search    short runs until the rate is found, full ones to confirm it
///
/// A value: whoever holds it makes the run that is `next`, hands in what it gave with `take`, and
/// goes on until there is no next. Then `headline` is the run to report, and `probes` are the
/// others. A run that could not be made to its end ends the campaign, and is its headline.
struct Campaign {
    enum Course: Equatable {
        case single
        case share(Double)
        case steps([Double])
        case search(Threshold)

        /// How requests are made, in a few words, where the plan alone does not say it.
        var words: String? {
            switch self {
            case .single: nil
            case .share(let share): "open loop at \(Figures.percent(share)) of the maximum"
            case .steps(let rates): "open loop in \(rates.count) steps"
            case .search(let condition): "open loop, searching for \(condition.text)"
            }
        }
    }

    struct Run {
        var plan: LoadPlan
        /// What it is to find out; nil for the run that was asked for.
        var purpose: RunRecord.Probe.Purpose?
        /// What it is, in a few words; empty for the run that was asked for.
        var title = ""
        /// Whether it may be the one that is reported.
        var mayBeHeadline: Bool { purpose != .maximum && purpose != .headroom }
    }

    /// How long a run is measured that only finds something out.
    static let probeDuration = Duration.seconds(3)
    private static let probeWarmup = Duration.seconds(1)
    /// Where a search begins that is not told: any server does that.
    private static let searchStart = 1000.0
    /// Of what was planned, so much must have been answered for a rate to count as held.
    private static let shareAnswered = 0.95

    private(set) var next: Run?
    private(set) var headline: (plan: LoadPlan, measurement: Measurement)?
    private(set) var probes: [RunRecord.Probe] = []
    private(set) var search: RunRecord.Search?

    private let plan: LoadPlan
    private let course: Course
    private let provesHeadroom: Bool
    private var rateSearch: RateSearch?

    init(_ course: Course, _ plan: LoadPlan, provesHeadroom: Bool = false) {
        self.course = course
        self.plan = plan
        self.provesHeadroom = provesHeadroom
        switch course {
        case .single: next = Run(plan: plan)
        case .share: next = maximumRun
        case .steps(let rates): next = step(0, of: rates)
        case .search(let condition):
            search = RunRecord.Search(condition: condition.text)
            rateSearch = RateSearch(
                from: plan.rate ?? Campaign.searchStart, lowest: lowestRate(for: condition))
            next = searchRun
        }
    }

    /// Takes what the run that was next gave, and what its verdict is, and decides what follows.
    ///
    /// Says whether it is the run to report by now.
    @discardableResult
    mutating func take(_ measurement: Measurement, _ verdict: Verdict = Verdict()) -> Bool {
        guard let run = next else { return false }
        next = nil
        var probe = run.purpose.map {
            RunRecord.Probe(
                purpose: $0, plan: run.plan, measurement: measurement, verdict: verdict)
        }
        if measurement.ending == .completed {
            next = following(run, measurement, &probe)
        }
        // An interrupted campaign keeps what was finished, and what was cut short as the headline.
        let isWhole = if case .interrupted = measurement.ending { false } else { true }
        if let probe, isWhole { probes.append(probe) }
        // Of steps and of a search, the last one that held.
        let isBetter = probe == nil || probe?.holds == true || measurement.ending != .completed
        guard
            run.mayBeHeadline && isBetter || headline == nil && (run.mayBeHeadline || next == nil)
        else { return false }
        headline = (run.plan, measurement)
        return true
    }

    /// Ends the campaign although runs are left: a signal asked for it between two of them.
    mutating func interrupt(signal: Int32) {
        guard next != nil else { return }
        next = nil
        if headline == nil { headline = probes.last.map { ($0.plan, $0.measurement) } }
        headline?.measurement.ending = .interrupted(signal: signal)
    }

    private mutating func following(
        _ run: Run, _ measurement: Measurement, _ probe: inout RunRecord.Probe?
    ) -> Run? {
        switch (run.purpose, course) {
        case (nil, _): return provesHeadroom ? headroomRun(run.plan) : nil
        case (.maximum, .share(let share)):
            guard measurement.rate > 0 else { return nil }
            return Run(plan: plan.at(rate: measurement.rate * share))
        case (.step, .steps(let rates)):
            let holds = probe.flatMap { Campaign.holds(nil, $0) }
            probe?.holds = holds
            let done = probes.count + 1
            return done < rates.count ? step(done, of: rates) : nil
        case (.search, .search(let condition)):
            let holds = probe.flatMap { Campaign.holds(condition, $0) }
            probe?.holds = holds
            rateSearch?.note(holds: holds)
            if case .found(let rate) = rateSearch?.state { search?.rate = rate }
            return searchRun
        default: return nil
        }
    }

    /// Whether a rate was really made, and the condition held at it, where there is one: what is
    /// not sent waits for nothing. Nil where that cannot be told, because the generator was the
    /// limit and not the server.
    private static func holds(_ condition: Threshold?, _ probe: RunRecord.Probe) -> Bool? {
        if probe.verdict.blamesGenerator { return nil }
        // Without one, that the rate was kept.
        guard let condition else {
            return isAnswered(probe) && !probe.verdict.findings.contains { $0.code == "G-RATE" }
        }
        return isAnswered(probe) && condition.judge(probe.measurement).isMet
    }

    private static func isAnswered(_ probe: RunRecord.Probe) -> Bool {
        let ledger = probe.measurement.ledger
        let isEnough = Double(ledger.answered) >= shareAnswered * Double(ledger.scheduled)
        return ledger.answered > 0 && isEnough && !probe.measurement.sawWrongBytes
            && probe.verdict.level != .invalid
    }

    // The kinds of run.

    private var maximumRun: Run {
        Run(plan: probe(at: nil), purpose: .maximum, title: "closed-loop maximum")
    }

    private func step(_ index: Int, of rates: [Double]) -> Run {
        let rate = Figures.short(rates[index])
        return Run(
            plan: plan.at(rate: rates[index]), purpose: .step,
            title: "step \(index + 1) of \(rates.count) at \(rate)/s")
    }

    private var searchRun: Run? {
        switch rateSearch?.state {
        case .trying(let rate):
            Run(
                plan: probe(at: rate), purpose: .search,
                title: "search at \(Figures.short(rate))/s")
        case .confirming(let rate):
            Run(
                plan: plan.at(rate: rate), purpose: .search,
                title: "confirm \(Figures.short(rate))/s")
        case .found, nil: nil
        }
    }

    /// The lowest rate that gives a run enough samples for a condition, and some to spare.
    private func lowestRate(for condition: Threshold) -> Double {
        let longest = plan.duration ?? Campaign.probeDuration
        let seconds = Double(longest.wholeNanoseconds) / 1e9
        return max(1, Campaign.samples(for: condition) / max(seconds, 0.001))
    }

    private static func samples(for condition: Threshold) -> Double {
        Double(condition.samplesNeeded) * 1.2
    }

    private func headroomRun(_ plan: LoadPlan) -> Run {
        var half = probe(at: plan.rate)
        half.threads = plan.threads / 2
        return Run(plan: half, purpose: .headroom, title: "half the threads")
    }

    /// The plan for a short look: as long as a search needs for its samples, and never longer than
    /// what was asked for.
    private func probe(at rate: Double?) -> LoadPlan {
        var short = plan.at(rate: rate)
        var duration = Campaign.probeDuration
        if let rate, case .search(let condition) = course {
            let seconds = (Campaign.samples(for: condition) / rate).rounded(.up)
            duration = max(duration, .seconds(Int64(min(seconds, 1e9))))
        }
        short.duration = min(duration, plan.duration ?? Campaign.probeDuration)
        short.requests = nil
        short.ramp = .zero
        short.warmup = .fixed(min(Campaign.probeWarmup, plan.fixedWarmup))
        return short
    }
}

extension LoadPlan {
    /// The same load at another rate; nil is the closed loop.
    fileprivate func at(rate: Double?) -> LoadPlan {
        var plan = self
        plan.rate = rate
        return plan
    }
}
