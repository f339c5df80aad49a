import Generator
import Reports
import Statistics

/// How readings, differences and words are written, the same in every report.
enum Wording {
    /// A difference: "+7.2 %", "-48 %", and "x2.2" from twice on, where percents mislead.
    static func change(_ difference: Double) -> String {
        let ratio = Change.ratio(difference)
        if ratio >= 1.995 { return "x" + Figures.short(ratio) }
        let share = ratio - 1
        let text = Figures.fixed(share * 100, decimals: share.magnitude < 0.0995 ? 1 : 0)
        return (text.hasPrefix("-") ? "" : "+") + text + " %"
    }

    /// A difference with its interval: "+7.2 % [+5.1, +9.3]", "x2.2 [2.1, 2.3]".
    static func change(_ ratio: PairedRatio) -> String {
        change(ratio.center) + (interval(of: ratio).map { " " + $0 } ?? "")
    }

    /// The interval in the digits and the unit of its middle; nil where there is none.
    static func interval(of change: PairedRatio) -> String? {
        guard let interval = change.interval else { return nil }
        let center = Change.ratio(change.center)
        let ends = [interval.lowerBound, interval.upperBound].map { end in
            let ratio = Change.ratio(end)
            if center >= 1.995 { return Figures.short(ratio) }
            let isSmall = (center - 1).magnitude < 0.0995
            let text = Figures.fixed((ratio - 1) * 100, decimals: isSmall ? 1 : 0)
            return (text.hasPrefix("-") ? "" : "+") + text
        }
        return "[" + ends.joined(separator: ", ") + "]"
    }

    /// What a message costs: the ratio to the baseline, whose own is in figures, and its interval:
    /// "1.056" and "[1.041, 1.071]".
    static func cost(_ figure: CompareAnalysis.Figure) -> (String, interval: String) {
        guard let ratio = figure.ratio else { return (Reading.cpu.text(figure), "") }
        let decimals = Change.ratio(ratio.center) >= 1.995 ? 2 : 3
        let text = { (difference: Double) in
            Figures.fixed(Change.ratio(difference), decimals: decimals)
        }
        let interval = ratio.interval.map { "[\(text($0.lowerBound)), \(text($0.upperBound))]" }
        return (text(ratio.center), interval ?? "")
    }

    /// A word where there is little room.
    static func brief(_ word: CompareAnalysis.Word) -> String {
        switch word {
        case .baseline: "baseline"
        case .control: "again"
        case .better: "less"
        case .worse: "more"
        case .noClearDifference, .open, .shown: "-"
        case .tooNoisy: "noisy"
        case .tooFewRounds: "few"
        }
    }

    /// How far noise reaches, or the smallest difference seen, without a sign: "2 %", "x3.1".
    static func share(_ difference: Double) -> String {
        let ratio = Change.ratio(difference)
        if ratio >= 100 { return "more than x100" }
        if ratio >= 1.995 { return "x" + Figures.short(ratio) }
        return Figures.fixed((ratio - 1) * 100, decimals: ratio < 1.0995 ? 1 : 0) + " %"
    }

    /// The same where there is little room; nil where there is nothing to say.
    static func short(_ word: CompareAnalysis.Word, of reading: Reading) -> String? {
        switch word {
        case .tooNoisy: "too noisy to tell"
        case .shown: nil
        default: Wording.word(word, of: reading)
        }
    }

    /// A probability: "0.012", and "< 0.001" where more digits tell nothing.
    static func probability(_ value: Double) -> String {
        value < 0.001 ? "< 0.001" : Figures.fixed(value, decimals: 3)
    }

    /// The name of an arm, with a mark where its notes must be read.
    static func name(_ arm: CompareRecord.Arm) -> String {
        arm.notes.isEmpty ? arm.name : arm.name + " †"
    }

    /// Why an arm has no figure; nil when it has.
    static func reason(_ outcome: CompareRecord.Arm.Outcome) -> String? {
        switch outcome {
        case .measured: nil
        case .skipped(let reason): "skipped: \(reason)"
        case .incorrect(let findings):
            "incorrect, so it gets no figure: \(findings.joined(separator: "; "))"
        case .failed(let reason): "failed: \(reason)"
        }
    }

    /// "8 rounds".
    static func rounds(_ count: Int) -> String {
        "\(Figures.count(count)) round\(count == 1 ? "" : "s")"
    }

    /// "100 connections of 64 B".
    /// Over what the servers were reached, where it is not what all readers take for granted.
    static func over(_ transport: Transport) -> String {
        switch transport {
        case .tcp: ""
        case .unix: " over Unix sockets"
        case .udp: " over UDP"
        }
    }

    static func point(_ point: CompareRecord.Point) -> String {
        let noun = point.connections == 1 ? "connection" : "connections"
        return
            "\(Figures.count(point.connections)) \(noun) of \(Figures.bytes(Double(point.size)))"
    }

    /// So many rounds, about: "~40", and "> 1,000" where that is not possible.
    static func needed(_ rounds: Int) -> String {
        let most = Judgement.roundsMax
        return rounds > most ? "> \(Figures.count(most))" : "~\(Figures.count(rounds))"
    }

    /// What a word is, said of a reading: an arm is faster, and takes less memory.
    static func word(_ word: CompareAnalysis.Word, of reading: Reading) -> String {
        switch word {
        case .baseline: "baseline"
        case .control: "baseline again"
        case .better: reading.isSpeed ? "faster" : "less"
        case .worse: reading.isSpeed ? "slower" : "more"
        case .noClearDifference: "no clear difference"
        case .tooNoisy(let rounds): "too noisy to tell (need \(needed(rounds)) rounds)"
        case .tooFewRounds: "too few rounds to tell"
        case .open: "not known: only a bound"
        case .shown: "-"
        }
    }
}

extension Reading {
    /// Whether more or less of it is being faster or slower; the others are amounts.
    var isSpeed: Bool {
        switch self {
        case .rate, .p50, .p99, .sparseP99: true
        default: false
        }
    }

    /// What it is, at the head of a column.
    var title: String {
        switch self {
        case .rate: "rate"
        case .cpu: "CPU/message"
        case .switches: "switches/message"
        case .calls: "calls/message"
        case .p50: "p50"
        case .p99: "p99"
        case .sparseCPU: "sparse CPU/message"
        case .sparseP99: "sparse p99"
        case .idleMemory: "idle memory"
        case .connectionMemory: "memory/connection"
        case .idleCPU: "idle CPU"
        case .threads: "threads"
        case .processes: "processes"
        }
    }

    /// The same in ten letters, before a sentence about it.
    var label: String {
        switch self {
        case .cpu: "CPU"
        case .switches: "switches"
        case .calls: "calls"
        case .sparseCPU: "sparse CPU"
        case .idleMemory: "idle mem."
        case .connectionMemory: "memory"
        default: title
        }
    }

    /// A value of it for people: "118,210/s", "4.12 us", "1.34 KiB".
    func text(_ value: Double) -> String {
        switch self {
        case .rate: Figures.rate(value) + "/s"
        case .cpu, .p50, .p99, .sparseCPU, .sparseP99: Figures.time(seconds: value)
        case .idleMemory, .connectionMemory: Figures.bytes(value)
        case .idleCPU: Figures.percent(value)
        case .switches, .calls: Figures.short(value)
        case .threads, .processes:
            value == value.rounded() && value.magnitude < 1e9
                ? Figures.count(Int(value)) : Figures.short(value)
        }
    }

    /// The middle of a figure, with the sign of a bound where it is one.
    func text(_ figure: CompareAnalysis.Figure) -> String {
        (figure.isLowerBound ? ">=" : "") + text(figure.rounds.median)
    }
}
