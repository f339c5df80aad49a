import Generator
import Reports
import Syscalls

/// One run under way: takes the signals, and shows its progress to whoever looks.
///
/// What a look returns was answered since the look before, so there is one for all readers.
struct Watch {
    private static let longestGap = Duration.milliseconds(250)

    private let run: LoadRun
    private var display: LiveDisplay
    private var interruption = Interruption()
    private let gap: Duration
    private var lastLook = Instant.now

    /// The signal that asked for the end, if one did.
    private(set) var signal: Int32?

    /// Starts a run.
    init(_ next: Campaign.Run, _ options: Options) throws(Stop) {
        do throws(Errno) {
            run = try LoadRun.start(next.plan)
        } catch {
            let plan = next.plan
            let remedy = plan.driver.remedy(for: error).map { "; \($0)" } ?? ""
            throw Stop(
                message:
                    "cannot start \(plan.threads) threads with \(plan.driver.rawValue): \(error)"
                    + remedy,
                exitCode: ExitCode.systemLimit
            )
        }
        display = LiveDisplay(next, options)
        gap = min(Watch.longestGap, options.interval ?? Watch.longestGap)
    }

    /// Waits for the end of the run; nil when a second signal asked to leave at once.
    mutating func wait(for signals: SignalSet, log: inout IntervalLog?) -> Measurement? {
        while !run.isFinished {
            if let signal = signals.wait(nanoseconds: 20_000_000) {
                switch interruption.request(by: signal, at: .now) {
                case .finish:
                    self.signal = signal
                    run.interrupt(signal: signal)
                case .leave:
                    self.signal = signal
                    display.clear()
                    run.abandon()
                    return nil
                case nil: break
                }
            }
            let now = Instant.now
            if now >= lastLook.advanced(by: gap) { look(at: now, log: &log) }
        }
        display.clear()
        log?.endRun(run.progress().latencies)
        return run.finish()
    }

    private mutating func look(at now: Instant, log: inout IntervalLog?) {
        let progress = run.progress()
        let seconds = Double(lastLook.nanoseconds(to: now)) / 1e9
        lastLook = now
        display.take(progress, seconds: seconds, at: now)
        log?.take(progress.latencies, at: now)
    }
}

/// What signals ask for: the first to finish early, the second to leave at once.
///
/// timeout(1) and others send one request twice, to the process and to its group. The same signal
/// within a fifth of a second is therefore the same request; nobody presses Ctrl-C twice as fast.
struct Interruption {
    enum Request: Equatable {
        case finish, leave
    }

    private static let repetition = Duration.milliseconds(200)
    private var first: (signal: Int32, time: Instant)?

    /// What a signal asks for; nil when it repeats what is being done already.
    mutating func request(by signal: Int32, at now: Instant) -> Request? {
        guard let first else {
            self.first = (signal, now)
            return .finish
        }
        let isSame = signal == first.signal
        return isSame && now < first.time.advanced(by: Interruption.repetition) ? nil : .leave
    }
}
