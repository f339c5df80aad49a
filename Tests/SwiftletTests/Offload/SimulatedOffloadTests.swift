import Swiftlet
import SwiftletSimulation
import Syscalls
import Testing

/// Work that would be a thread's, in a world that a seed decides.
@Suite struct SimulatedOffloadTests {
    @Test func `work costs no time of the world, and its order is the seed's`() throws {
        try simulated(yielding: ["abc", "acb", "bac", "bca", "cab", "cba"], seeds: 0..<100) {
            world in
            let start = world.now
            let done = Notes<String>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in ["a", "b", "c"] {
                    group.addTask { try await offload { done.add(name) } }
                }
                try await group.waitForAll()
            }
            try #require(world.now == start)
            return done.all.joined()
        }
    }

    @Test func `a timeout that has not passed does not pass while work is done`() throws {
        try simulated { world in
            try #require(try await offload(timeout: .nanoseconds(1)) { 7 } == 7)
        }
    }

    @Test func `work of a task that is cancelled is done before, or never`() throws {
        try simulated(yielding: [true, false], seeds: 0..<60) { _ in
            let done = Notes<Int>()
            let working = try spawn { try await offload { done.add(7) } }
            await Task.yield()
            working.cancel()
            let outcome = await working.result
            try await settle()
            if case .success = outcome { try #require(done.all == [7]) }
            return done.all.isEmpty
        }
    }
}
