import Compare
import Foundation
import Reports
import Statistics

/// Sessions that nobody ran: records made from a seed, with what differs put into them.
struct Sessions {
    var seed: UInt64 = 1
    var rounds = 8
    /// What ends it before, as in a real one.
    var enough: Enough?
    /// Beside the baseline and its control.
    var others = ["epoll", "threads"]
    var readings: [Reading] = [.rate, .cpu, .p99, .sparseCPU, .connectionMemory]
    /// How much slices of an arm differ, as a standard deviation of logarithms.
    var spread = 0.02
    /// How many of the slices are disturbed, as a share: so much more spread they have.
    var disturbed = (share: 0.0, factor: 5.0)
    /// How much everything changes over the session, as a logarithm.
    var drift = 0.0
    var points = [CompareRecord.Point(connections: 100, size: 64)]
    /// The factor by which an arm differs from the baseline in a reading.
    var factor: (String, Reading) -> Double = { _, _ in 1 }

    static let kinds = ["poll", "select", "epoll", "io_uring"]

    /// The record of one session.
    func record() -> CompareRecord {
        var random = SplitMix(seed: seed)
        var record = CompareRecord(environment: Sessions.environment)
        record.rounds = rounds
        record.seed = seed
        record.points = points
        record.commandLine = ["loadtest", "compare", "--rounds", "\(rounds)"]
        record.startedAt = "2026-11-21T15:00:00Z"
        record.arms = arms
        for round in 0..<rounds {
            for point in points.indices { add(round, at: point, to: &record, &random) }
            // Not after each, which takes its time over a thousand sessions.
            guard round % 10 == 9 else { continue }
            let ending = enough?.ending(of: record.samples, baseline: 0, isTimeOver: false)
            if let ending {
                record.points[0].ending = ending
                break
            }
        }
        return record
    }

    private func add(
        _ round: Int, at point: Int, to record: inout CompareRecord, _ random: inout SplitMix
    ) {
        let last = Double(rounds * record.arms.count * points.count - 1)
        for arm in record.arms.indices.shuffled(using: &random) {
            let away = drift * Double(record.samples.count) / max(1, last)
            record.samples.append(
                .init(
                    arm: arm, point: point, round: round, position: record.samples.count,
                    readings: readings(of: record.arms[arm], away, &random)))
        }
    }

    private func readings(
        of arm: CompareRecord.Arm, _ away: Double, _ random: inout SplitMix
    ) -> [Reading: Double] {
        var values: [Reading: Double] = [:]
        for reading in readings {
            let isDisturbed = disturbed.share > 0 && random.share() < disturbed.share
            let spread = isDisturbed ? spread * disturbed.factor : spread
            let noise = exp(spread * random.normal() + away)
            let factor = arm.isControl ? 1 : factor(arm.name, reading)
            values[reading] = Sessions.typical(reading) * factor * noise
        }
        return values
    }

    private var arms: [CompareRecord.Arm] {
        let base = CompareRecord.Arm.Kind.bundled(model: "coroutine", driver: "epoll")
        var control = CompareRecord.Arm(name: "coroutine-epoll*", kind: base)
        control.isControl = true
        return [.init(name: "coroutine-epoll", kind: base), control] + others.map(Sessions.arm)
    }

    /// "coroutine-poll" and "threads" are the bundled server; what has a space is a command.
    static func arm(_ name: String) -> CompareRecord.Arm {
        let parts = name.split(separator: "-", maxSplits: 1).map(String.init)
        if name.contains(" ") { return .init(name: parts[0], kind: .foreign(command: name)) }
        let model = parts[0] == "coroutine" ? "coroutine" : name
        let driver = model == name ? name : parts.last ?? name
        return .init(name: name, kind: .bundled(model: model, driver: driver))
    }

    /// What the program that has the servers tells of them.
    static func contenders(of record: CompareRecord) -> [Contender] {
        record.arms.compactMap { arm in
            guard case .bundled(let model, let driver) = arm.kind else { return nil }
            let ofModel = model == driver ? nil : "The story of \(model)."
            return Contender(
                model: model, driver: driver, shape: .together,
                story: .init("The story of \(arm.name).", ofModel: ofModel))
        }
    }

    static func typical(_ reading: Reading) -> Double {
        switch reading {
        case .rate: 118_000
        case .cpu: 4.1e-6
        case .switches: 0.02
        case .calls: 2.02
        case .p50: 0.4e-3
        case .p99: 0.94e-3
        case .sparseCPU: 6.3e-6
        case .sparseP99: 0.21e-3
        case .idleMemory: 7.5e6
        case .connectionMemory: 1331
        case .idleCPU: 0.001
        case .threads, .processes: 1
        }
    }

    static var environment: RunRecord.Environment {
        var environment = RunRecord.Environment()
        environment.kernel = "Linux 6.12.0"
        environment.cpuModel = "Model of a processor"
        environment.cores = 2
        environment.descriptorsSoft = 20_000
        environment.descriptorsHard = 20_000
        return environment
    }
}

extension SplitMix {
    /// A number of the normal distribution (Box and Muller 1958).
    mutating func normal() -> Double {
        (-2 * log(share())).squareRoot() * cos(2 * Double.pi * share())
    }
}
