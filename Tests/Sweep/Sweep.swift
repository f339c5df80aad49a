import EchoSweep
import SwiftletSimulation
import Syscalls

/// Runs the worlds of seeds, several at a time, each on one thread.
final class Sweep: Sendable {
    private struct State {
        /// The seed that is next, and the one before which the threads stop.
        var next: UInt64
        var end: UInt64
        var coverage = Coverage()
        var done = 0
        /// The failure of the lowest seed.
        var failure: SimulationFailure?
    }

    /// How many seeds are run before the progress is kept.
    private static let block: UInt64 = 10_000

    private let options: SweepOptions
    private let state: Guarded<State>
    private let start = Instant.now
    /// The digest of the seeds that an earlier sweep has run.
    private let earlierDigest: UInt64

    init(_ options: SweepOptions) throws {
        self.options = options
        let progress = try options.progressPath.flatMap {
            try Progress(contentsOf: $0, of: options.seeds)
        }
        let next = progress?.next ?? options.seeds.lowerBound
        earlierDigest = progress?.digest ?? 0
        state = Guarded(State(next: next, end: next))
    }

    /// Runs all seeds, or those before the first that fails; says whether all of them hold.
    func run() throws(Errno) -> Bool {
        while startBlock() {
            var threads: [RunningThread] = []
            for _ in 1..<options.threads { threads.append(try .start { self.work() }) }
            work()
            for thread in threads { thread.join() }
            if let failure = state.withLock({ $0.failure }) {
                print(report(failure))
                return false
            }
            try keepProgress()
        }
        print(state.withLock { $0.coverage })
        print("digest of all events: \(String(digest, radix: 16))")
        print("\(progress): all of them hold")
        return true
    }

    /// Gives the threads the next seeds, all of them when no progress is kept; false when none are
    /// left.
    private func startBlock() -> Bool {
        let size = options.progressPath == nil ? UInt64.max : Sweep.block
        return state.withLock { state in
            let left = options.seeds.upperBound - state.next
            state.end = state.next + min(size, left)
            return left > 0
        }
    }

    private func keepProgress() throws(Errno) {
        guard let path = options.progressPath else { return }
        let next = state.withLock { $0.next }
        try Progress(next: next, digest: digest).write(to: path, of: options.seeds)
    }

    /// The digest of all seeds until now.
    private var digest: UInt64 { earlierDigest &+ state.withLock { $0.coverage.digest } }

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
            guard state.failure == nil, state.next < state.end else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func note(_ coverage: Coverage) {
        let isWorthALine = state.withLock { state in
            state.coverage.add(coverage)
            state.done += 1
            return state.done % max(1, min(options.seeds.count / 5, 50_000)) == 0
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
