import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

// What the tests of coordination share: where they run, who takes part, and how chance has a say.

extension Ground {
    /// Coordination makes no system call, so one driver is enough beside the simulation.
    static let ofCoordination = [simulation, kernel(.poll)]
}

/// The error of an operation for a reason.
func failure(_ operation: IOError.Operation, _ reason: IOError.Reason) -> IOError {
    IOError(operation, reason)
}

extension Semaphore {
    /// Whether a permit can be had at once.
    var canTake: Bool {
        guard let permit = tryAcquire() else { return false }
        permit.release()
        return true
    }
}

/// Numbers that tasks change, one at a time.
final class Sum: Sendable {
    private let counts = Guarded<[String: Int]>([:])
    subscript(name: String) -> Int { counts.withLock { $0[name, default: 0] } }
    @discardableResult
    func add(_ number: Int = 1, to name: String = "") -> Int {
        counts.withLock {
            $0[name, default: 0] += number
            return $0[name, default: 0]
        }
    }
}

/// Who came in which order, and when each was served.
final class Line: Sendable {
    private let state = Guarded<(count: Int, served: [Int: Duration])>((0, [:]))

    /// Notes that a task comes, and gives it a number.
    func enter() -> Int {
        state.withLock {
            $0.count += 1
            return $0.count
        }
    }

    func serve(_ number: Int, at time: Duration) { state.withLock { $0.served[number] = time } }

    /// Whether nobody was served before one that had come earlier and was served at all.
    var isKept: Bool {
        let served = state.withLock { $0.served }.sorted { $0.key < $1.key }.map(\.value)
        return served == served.sorted()
    }
}

extension World {
    func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func draws(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }

    /// Sleeps for some milliseconds, or only lets others run.
    func pause(upTo milliseconds: Int = 3) async throws {
        let time = number(in: 0...milliseconds)
        if time == 0 { return await Task.yield() }
        try await sleep(for: .milliseconds(time))
    }

    /// Runs `body` so often at the same time, each on one of two hosts, and now and then cancels
    /// one after a moment; returns when all have ended.
    func crowd(
        _ count: Int, cancelling probability: Double = 0.3,
        _ body: @escaping @Sendable (_ number: Int) async throws -> Void
    ) async throws {
        let hosts = [home, host("other")]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                let host = hosts[draws(0.3) ? 1 : 0]
                let moment = draws(probability) ? self.number(in: 0...6) : nil
                let task = try host.spawn(name: "\(number)") { try await body(number) }
                group.addTask {
                    if let moment {
                        try await sleep(for: .milliseconds(moment))
                        task.cancel()
                    }
                    do { try await task.value } catch  where error.isOfEnding {}
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Runs tasks on several loops, on Swift's pool and beyond any loop, all at the same time.
func onEveryKindOfTask(
    _ count: Int = 8, _ body: @escaping @Sendable (_ number: Int) async throws -> Void
) async throws {
    try await onLoops(3) {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                let loops = EventLoop.all
                let task: Task<Void, any Error> =
                    switch number % 5 {
                    case 0, 1, 2: try loops[number % 5].spawn { try await body(number) }
                    case 3: Task { try await body(number) }
                    default: Task.detached { try await body(number) }
                    }
                group.addTask { try await task.value }
            }
            try await group.waitForAll()
        }
    }
}
