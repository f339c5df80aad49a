import Swiftlet
import SwiftletSimulation
import Syscalls
import Testing

/// The standard library's own sleeps take no time either, and its clocks show the simulated time.
@Suite struct StandardSleepTests {
    @Test func `each form of sleep takes the time that it names`() throws {
        let times = try Simulation(seed: 1).run { world in
            var times: [Duration] = []
            func measure(_ sleep: () async throws -> Void) async throws {
                let start = world.now
                try await sleep()
                times.append(start.duration(to: world.now))
            }
            try await measure { try await Task.sleep(for: .milliseconds(10)) }
            try await measure { try await Task.sleep(nanoseconds: 20_000_000) }
            try await measure { try await Task.sleep(until: .now + .milliseconds(30)) }
            try await measure { try await ContinuousClock().sleep(for: .milliseconds(40)) }
            try await measure { try await SuspendingClock().sleep(for: .milliseconds(50)) }
            try await measure { try await Task.sleep(for: .zero) }
            try await measure { try await Task.sleep(for: .seconds(86_400)) }
            return times
        }

        #expect(
            times == [10, 20, 30, 40, 50, 0, 86_400_000].map { Duration.milliseconds($0) })
    }

    @Test func `a clock of the standard library shows the time of the host that asks`() throws {
        try Simulation(seed: 1).run { world in
            let start = ContinuousClock.now
            try await sleep(for: .seconds(3))
            #expect(start.duration(to: .now) == .seconds(3))

            // A deadline that was made before the sleep is 2 seconds away after it.
            try await Task.sleep(until: start + .seconds(5), clock: .continuous)
            #expect(world.elapsed == .seconds(5))
            try await Task.sleep(for: .nanoseconds(1_234_567))
            #expect(world.elapsed == .nanoseconds(5_001_234_567))

            let elapsed = try await SuspendingClock().measure { try await sleep(for: .seconds(9)) }
            #expect(elapsed == .seconds(9))
        }
        let before = ContinuousClock.now
        #expect(before.duration(to: .now) < .seconds(3_600))
    }

    @Test func `thousands of sleeps give the same trace twice while the machine is busy`() throws {
        let isOver = Over()
        let burner = try RunningThread.start { while !isOver.isTrue {} }
        defer {
            isOver.set()
            burner.join()
        }
        var simulation = Simulation(seed: 7)
        simulation.checksDeterminism = true

        try simulation.run { world in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        var random = world.random
                        for _ in 0..<100 {
                            let time = Duration.milliseconds(Int.random(in: 0...50, using: &random))
                            if Bool.random(using: &random) {
                                try await Task.sleep(for: time)
                            } else {
                                try await sleep(for: time)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}

/// Something that is over or not, for two threads.
private final class Over: Sendable {
    private let flag = Guarded(false)
    var isTrue: Bool { flag.withLock { $0 } }
    func set() { flag.withLock { $0 = true } }
}
