import Flags
import Reports

/// What is known of an arm so far: whether it may be measured, and under which loads.
struct ArmState: Sendable {
    let contender: Contender
    private(set) var arm: CompareRecord.Arm
    /// By the place of a load in the list: what the arm showed there before the slices. Without it
    /// there is nothing to measure at that load.
    private(set) var probes: [Int: ArmProbe] = [:]
    /// What its processes counted, together.
    private var calls: [String: Int] = [:]
    /// Why it is not measured at a load, by the load's place.
    private var reasons: [Int: ArmFailure] = [:]

    init(_ contender: Contender) {
        self.contender = contender
        switch contender.origin {
        case .bundled(let model, let driver):
            arm = .init(name: contender.name, kind: .bundled(model: model, driver: driver))
        case .foreign(let command, _):
            arm = .init(name: contender.name, kind: .foreign(command: command))
        }
        if contender.shape == .oneAtATime { arm.notes = ["one client at a time: 1 connection"] }
    }

    /// The same arm again, under a name of its own, for what nothing differs by.
    var control: ArmState {
        var control = self
        control.arm.name += "*"
        control.arm.isControl = true
        return control
    }

    /// Whether it has figures or may get some.
    var isMeasured: Bool { arm.outcome == .measured }

    /// What it showed at the first load that it runs at.
    var firstProbe: ArmProbe? { probes.min { $0.key < $1.key }?.value }

    /// Whether it was found not to echo as it must.
    var isIncorrect: Bool { if case .incorrect = arm.outcome { true } else { false } }

    mutating func take(_ probe: ArmProbe, at point: Int) {
        probes[point] = probe
        if case .foreign = contender.origin { arm.proof = "not self-reported" }
        add(probe.calls)
    }

    /// Adds what a measurement's processes counted, which is what proves the mechanism.
    mutating func add(_ more: [String: Int]) {
        calls.merge(more, uniquingKeysWith: +)
        if let mechanism = contender.mechanism, !calls.isEmpty {
            arm.proof = mechanism.proof(in: calls)
        }
    }

    mutating func note(_ text: String) {
        if !arm.notes.contains(text) { arm.notes.append(text) }
    }

    /// Ends it, under every load.
    mutating func end(_ trouble: ArmFailure) {
        switch trouble {
        case .notHosted(let reason): arm.outcome = .skipped(reason)
        case .incorrect(let findings): arm.outcome = .incorrect(findings)
        case .failed(let reason): arm.outcome = .failed(reason)
        case .interrupted: break
        }
        probes = [:]
    }

    /// Ends it under one of `points`; where no other is left, or it is wrong, under all of them.
    mutating func end(_ trouble: ArmFailure, at point: Int, of points: [CompareRecord.Point]) {
        probes[point] = nil
        reasons[point] = trouble
        if case .incorrect = trouble { return end(trouble) }
        if reasons.count == points.count { return end(trouble) }
        switch trouble {
        case .notHosted(let reason), .failed(let reason):
            note("\(points[point].text): \(reason)")
        case .incorrect, .interrupted: break
        }
    }

    /// It is no control any more: what it was the control of has ended.
    mutating func retire() { arm.isControl = false }
}

extension CompareRecord.Point {
    /// "1,000 connections × 64 B".
    var text: String {
        (connections == 1 ? "1 connection" : "\(Units.text(connections)) connections")
            + " × \(Figures.bytes(Double(size)))"
    }
}
