import Flags
import Generator
import Processes
import Reports
import Syscalls

/// One load on a server, watched to its end: its figures, and what was doubtful about them.
///
///     connecting │ warm-up              │ measuring                       │ draining
///                │      find the server's│ count its switches              │
///                │      processes        │ from here …           … to here │
struct WatchedLoad {
    let measurement: Measurement
    /// Context switches per second of the server, over most of the measured time; nil when they
    /// were not counted.
    let switchesPerSecond: Double?
    /// CPU seconds of the server for a message; nil when its processes were found too late to count
    /// them all.
    let cpuPerMessage: Double?
    /// What the generator doubted of itself: "G-CPU INVALID".
    let doubts: [String]

    /// Between two looks at a run.
    private static let gap = Duration.milliseconds(20)

    /// Makes a run; throws when the server failed it, or a signal came.
    static func run(
        _ plan: LoadPlan, on server: ServerProcess, in environment: RunRecord.Environment,
        interrupts: Interrupts
    ) throws(ArmFailure) -> WatchedLoad {
        let run: LoadRun
        do throws(Errno) {
            run = try LoadRun.start(plan)
        } catch {
            throw .failed("the generator could not start: \(error)")
        }
        var look = Look(plan)
        while !run.isFinished {
            do throws(ArmFailure) {
                try interrupts.wait(gap)
            } catch {
                if case .interrupted(let signal) = error { run.interrupt(signal: signal) }
                _ = run.finish()
                throw error
            }
            server.takeOutput()
            look.take(run, server)
        }
        let measurement = run.finish()
        if let reason = measurement.failure { throw reason }
        var record = RunRecord(plan: plan, measurement: measurement, environment: environment)
        // That it is a debug build is said once, for all.
        record.environment.isDebugBuild = false
        let findings = Verdict(judging: record).findings.filter { $0.level >= .suspect }
        return WatchedLoad(
            measurement: measurement, switchesPerSecond: look.switchesPerSecond,
            cpuPerMessage: look.hasFollowed ? measurement.serverCPUPerRequest : nil,
            doubts: findings.map { "\($0.code) \($0.level.rawValue)" })
    }

    /// What is looked at while the run goes on, each at its time.
    private struct Look {
        private let warmup: Double
        private let measured: Double
        private var switches: ContextSwitches?
        private var began: Instant?
        /// Whether all of the server's processes were followed when measuring began.
        private(set) var hasFollowed = false
        private(set) var switchesPerSecond: Double?

        init(_ plan: LoadPlan) {
            warmup = Double(plan.fixedWarmup.wholeNanoseconds) / 1e9
            measured = Double((plan.duration ?? .zero).wholeNanoseconds) / 1e9
        }

        mutating func take(_ run: LoadRun, _ server: ServerProcess) {
            let (phase, elapsed) = run.phase
            switch phase {
            case .warmup where switches == nil && elapsed >= warmup * 0.7: find(server, run)
            case .measuring where switches == nil: find(server, run)
            case .measuring where began == nil:
                switches?.begin()
                began = .now
            case .measuring where switchesPerSecond == nil && elapsed >= measured * 0.9:
                guard let began, let count = switches?.sinceBeginning else { return }
                switchesPerSecond = count / (Double(began.nanoseconds(to: .now)) / 1e9)
            default: break
            }
        }

        /// Finds the server's processes. The first of them is followed from the start; more than
        /// that must be known before measuring begins.
        private mutating func find(_ server: ServerProcess, _ run: LoadRun) {
            let tree = ProcessTree(of: server.id)
            switches = ContextSwitches(of: tree)
            if tree.members == [server.id] {
                hasFollowed = true
            } else if run.phase.0 == .warmup {
                run.follow(server: tree.members)
                hasFollowed = run.phase.0 == .warmup
            }
        }
    }
}

extension WatchedLoad {
    /// Answers in all, those of the warm-up included.
    var messages: Int {
        measurement.ledger.answered + measurement.warmup.answered.count
    }

    /// Whether the generator had no time to spare while the server had: then the server could do
    /// more.
    var isGeneratorTheLimit: Bool {
        guard doubts.contains(where: { $0.hasPrefix("G-CPU") }), let cpuPerMessage else {
            return false
        }
        return cpuPerMessage * measurement.rate < 0.9
    }
}

extension Measurement {
    /// What makes a run one that its server failed; nil when it has figures.
    ///
    /// Answers that came late are no failure: they are in the percentiles.
    var failure: ArmFailure? {
        if sawWrongBytes {
            let diagnosis = totals.corruptions.first?.diagnosis ?? ""
            let reason = diagnosis.isEmpty ? "" : ": \(diagnosis)"
            return .incorrect(["wrong bytes under load\(reason)"])
        }
        let first = totals.errors.first.map { ": \($0.phase.rawValue) \($0.errno)" } ?? ""
        switch ending {
        case .connectFailed: return .failed("not all connections came up\(first)")
        case .allConnectionsLost: return .failed("it lost all connections\(first)")
        case .generatorFailed: return .failed("the generator could not go on\(first)")
        case .completed, .interrupted: break
        }
        let lost = totals.connects.lostEarly + totals.ledger.reset + totals.ledger.closedEarly
        if lost > 0 { return .failed("it lost \(Units.text(lost)) connections\(first)") }
        return wasAnswered ? nil : .failed("it answered nothing in time\(first)")
    }
}
