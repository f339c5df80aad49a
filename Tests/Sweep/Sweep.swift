import EchoSweep
import SwiftletSimulation
import Syscalls

/// Runs the worlds of seeds, several at a time, each on one thread.
final class Sweep: Sendable {
    private struct State {
        /// The seed that is next.
        var next: UInt64
        var coverage = Coverage()
        var done = 0
        /// The failure of the lowest seed.
        var failure: SimulationFailure?
    }

    private let options: SweepOptions
    private let state: Guarded<State>
    private let start = Instant.now

    init(_ options: SweepOptions) {
        self.options = options
        state = Guarded(State(next: options.seeds.lowerBound))
    }

    /// Runs all seeds, or those before the first that fails; says whether all of them hold.
    func run() throws(Errno) -> Bool {
        var threads: [RunningThread] = []
        for _ in 1..<options.threads { threads.append(try .start { self.work() }) }
        work()
        for thread in threads { thread.join() }
        let (failure, coverage) = state.withLock { ($0.failure, $0.coverage) }
        if let failure {
            print(report(failure))
            return false
        }
        print(coverage)
        print("digest of all events: \(String(coverage.digest, radix: 16))")
        print("\(progress): all of them hold")
        return true
    }

    /// Takes one seed after the other, in order, so that the first that fails is always the same.
    private func work() {
        while let seed = takeSeed() {
            do throws(SimulationFailure) {
                try note(run(seed))
            } catch {
                state.withLock { state in
                    state.done += 1
                    let isFirst = state.failure.map { $0.seed > error.seed } ?? true
                    if isFirst { state.failure = error }
                }
            }
        }
    }

    /// The test that runs a seed in the debugger; `EchoSweepTests` has it.
    private static let test: StaticString =
        "an echo service holds its invariants under two hundred seeds of faults()"

    private func run(_ seed: UInt64) throws(SimulationFailure) -> Coverage {
        guard options.printsTrace else { return try EchoSweep.run(seed: seed, test: Sweep.test) }
        return try EchoSweep.run(seed: seed, keeping: .max, test: Sweep.test) { print($0) }
    }

    private func takeSeed() -> UInt64? {
        state.withLock { state in
            guard state.failure == nil, state.next < options.seeds.upperBound else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func note(_ coverage: Coverage) {
        let isWorthALine = state.withLock { state in
            state.coverage.add(coverage)
            state.done += 1
            return state.done % max(1, options.seeds.count / 5) == 0
        }
        if isWorthALine { print(progress) }
    }

    /// As in "2000 seeds in 8.1 s, 247 seeds/s".
    private var progress: String {
        let done = state.withLock { $0.done }
        let milliseconds = max(1, start.nanoseconds(to: .now) / 1_000_000)
        let seconds = "\(milliseconds / 1000).\(milliseconds / 100 % 10)"
        return "\(done) seeds in \(seconds) s, \(Int64(done) * 1000 / milliseconds) seeds/s"
    }

    private func report(_ failure: SimulationFailure) -> String {
        """
        seed \(failure.seed) fails: \(failure.reason)
        \(progress)
        again, with every event: swift run -c release sweep --seed \(failure.seed) --trace

        \(failure)
        """
    }
}
