import Drivers
import Statistics
import Syscalls

/// A run under way, in threads of its own, while its owner watches, interrupts and finishes it.
///
///     try Preflight.prepare(for: plan)
///     let run = try LoadRun.start(plan)
///     while !run.isFinished {
///         wait for a signal, for `run.ended` to become readable, or for the next live line
///         if a signal came { run.interrupt(signal: SIGINT) }
///         show(run.progress())
///     }
///     let measurement = run.finish()
///
/// Everything here may be called from any thread, and nothing but `finish` waits. Block the signals
/// that the owner wants to take before `start`, so that the threads of the run inherit it.
package final class LoadRun: Sendable {
    private let state: RunState
    private let outcome: Guarded<Outcome>

    private enum Outcome {
        case running([RunningThread])
        case abandoned
        case finished(Measurement)
    }

    private init(state: RunState, threads: [RunningThread]) {
        self.state = state
        outcome = Guarded(.running(threads))
    }

    deinit {
        // Nothing can finish the run any more, and its threads must not outlive it.
        if case .running(let threads) = outcome.withLock({ $0 }) {
            state.interrupt(signal: -1)
            for thread in threads { thread.join() }
        }
    }

    /// Starts the threads of a run. Throws what the kernel says when it refuses one, or a driver.
    package static func start(_ plan: LoadPlan) throws(Errno) -> LoadRun {
        // Once before the threads: what they meet counts as an error of the run.
        _ = try plan.driver.makeDriver()
        let workers = min(plan.threads, plan.connections)
        let state = try RunState(plan: plan, workers: workers)
        state.sampleServer { $0.started = $1 }
        var threads: [RunningThread] = []
        do throws(Errno) {
            for index in 0..<workers {
                threads.append(try .start { LoadRun.work(index, state) })
            }
        } catch {
            state.interrupt(signal: -1)
            for thread in threads { thread.join() }
            throw error
        }
        return LoadRun(state: state, threads: threads)
    }

    /// The body of a worker's thread.
    private static func work(_ index: Int, _ state: RunState) {
        var result = WorkerResult()
        do throws(Errno) {
            if state.plan.separatesDescriptors { try RunningThread.unshareDescriptors() }
            let driver = try state.plan.driver.makeDriver()
            result = try Worker.make(state: state, index: index, driver: driver).run()
        } catch {
            result.tally.totals.errors.note(.socket, error.name, connection: 0, seconds: 0)
            state.failConnecting()
        }
        state.desks[index].result.withLock { $0 = result }
        state.noteWorkerEnded()
    }

    /// A descriptor that becomes readable when the run has ended, for a driver to watch.
    package var ended: RawDescriptor { state.ended.raw }

    /// Whether the run has ended, so that `finish` does not wait.
    package var isFinished: Bool { state.isFinished }

    /// Which phase the run is in, and for how many seconds; cheaper than `progress`.
    package var phase: (Progress.Phase, elapsed: Double) {
        let now = Instant.now
        let (phase, since) = state.phase(at: now)
        return (phase, Double(since.nanoseconds(to: now)) / 1e9)
    }

    /// Where the run is, and what ended since the previous call; after the run the last of it.
    ///
    /// Cheap, but the workers publish only ten times a second.
    package func progress() -> Progress {
        let (phase, elapsed) = phase
        var progress = Progress(phase: phase, elapsed: elapsed)
        for desk in state.desks {
            desk.published.withLock { published in
                progress.connectionsUp += published.connectionsUp
                progress.inFlight += published.inFlight
                progress.answered += published.answered
                progress.errors.add(published.errors)
                progress.threadCPU.append(Double(published.cpu) / 1e9)
                progress.latencies.add(published.latencies)
                published.latencies.clear()
            }
        }
        progress.response.add(progress.latencies.response.answered)
        progress.response.add(progress.latencies.warmup.answered)
        return progress
    }

    /// Stops sending, waits up to a second for answers that are under way, and ends the run.
    ///
    /// The first call counts.
    package func interrupt(signal: Int32) { state.interrupt(signal: signal) }

    /// Leaves the run to the end of the process, which is near: nothing waits for its threads.
    package func abandon() { outcome.withLock { $0 = .abandoned } }

    /// Waits for the end of the run and returns what it saw; the same again when called again.
    package func finish() -> Measurement {
        outcome.withLock { outcome in
            switch outcome {
            case .abandoned:
                return Measurement()
            case .finished(let measurement):
                return measurement
            case .running(let threads):
                for thread in threads { thread.join() }
                let results = state.desks.compactMap { desk in desk.result.withLock { $0 } }
                let measurement = Measurement(results, of: state)
                outcome = .finished(measurement)
                return measurement
            }
        }
    }
}

extension Measurement {
    /// Puts together what the workers saw.
    init(_ results: [WorkerResult], of state: RunState) {
        var totals = Tally(isPlanned: state.plan.plansRequests).totals
        for result in results {
            totals.add(result.tally.totals)
            served.add(result.served)
        }
        if state.plan.rate == nil { totals.pacing = nil }
        self.totals = totals
        threads = results.compactMap(\.usage)
        kernel = state.kernelAtStart.counts(until: .read())
        server = state.serverSamples.withLock { $0.usage }
        phases = Phases(results, of: state)
        window = Window(results.compactMap(\.window))
        ending = Ending(results, of: state)
    }
}

extension Measurement.Ending {
    fileprivate init(_ results: [WorkerResult], of state: RunState) {
        if state.connectedAt == nil, state.hasConnectFailed {
            self = .connectFailed
        } else if state.interruption == RunState.failure {
            self = .generatorFailed
        } else if let signal = state.interruption,
            results.contains(where: \.wasInterrupted)
        {
            self = .interrupted(signal: signal)
        } else if results.allSatisfy(\.lostAllConnections) {
            self = .allConnectionsLost
        } else {
            self = .completed
        }
    }
}

extension Measurement.Phases {
    fileprivate init(_ results: [WorkerResult], of state: RunState) {
        let ended = results.map(\.ended).max() ?? state.origin
        let connected = state.connectedAt ?? ended
        let from = results.compactMap(\.measuredFrom).min() ?? ended
        let until = results.compactMap(\.measuredUntil).max() ?? ended
        self.init()
        connect = Double(state.origin.nanoseconds(to: connected)) / 1e9
        warmup = Double(connected.nanoseconds(to: from)) / 1e9
        measured = Double(from.nanoseconds(to: until)) / 1e9
        drain = Double(until.nanoseconds(to: ended)) / 1e9
        isSteady = state.wasSteady
        stopped = results.map(\.stopped).max() ?? 0
        lastAnswer = results.compactMap(\.tally.lastAnswer).max().map { Double($0) / 1e9 }
    }
}

extension Measurement.Window {
    /// Adds up what moved; nil when no worker came to measure.
    fileprivate init?(_ windows: [(from: Instant, until: Instant, moved: Self)]) {
        guard let from = windows.map(\.from).min(), let until = windows.map(\.until).max() else {
            return nil
        }
        self.init()
        for window in windows { add(window.moved) }
        seconds = Double(from.nanoseconds(to: until)) / 1e9
    }
}
