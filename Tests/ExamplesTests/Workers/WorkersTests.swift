import Swiftlet
import SwiftletSimulation
import Synchronization
import Testing

@testable import Examples

@Suite struct WorkersTests {
    /// A world with a server of jobs, and a way to call it from any host.
    private func served(
        seed: UInt64 = 1, limits: JobQueue.Limits = JobQueue.Limits(),
        _ body: @escaping @Sendable (World, JobQueue) async throws -> Void
    ) throws {
        try Simulation(seed: seed).run { world in
            world.failsOnUnhandledErrors = false
            let jobs = JobQueue(limits)
            let server = world.host("server") {
                try await StreamServer.serve(on: "server:9") { connection in
                    try await jobs.serve(Messages(connection: connection))
                }
            }
            try await server.untilListening(port: 9)
            try await body(world, jobs)
        }
    }

    private static func client<Value: Sendable>(
        _ body: (JobClient) async throws -> Value
    ) async throws -> Value {
        try await Connection.connect(to: "server:9", timeout: .seconds(60)) { connection in
            let messages = Messages(connection: connection)
            return try await body(JobClient(messages: messages, timeout: .seconds(60)))
        }
    }

    @Test func `the urgent one comes first, and of equals the elder`() throws {
        try served { _, _ in
            try await WorkersTests.client { jobs in
                for (text, priority) in [("a", 0), ("b", 5), ("c", 5), ("d", 9)] {
                    _ = try await jobs.put(Array(text.utf8), priority: priority)
                }
                var order = ""
                for _ in 0..<4 {
                    let job = try #require(try await jobs.next())
                    order += String(decoding: job.body, as: UTF8.self)
                    try await jobs.report(job.id, isDone: true)
                }
                #expect(order == "dbca")
                #expect(try await jobs.state() == "waiting 0, running 0, done 4, given up 0")
                await #expect(throws: Failure.self) { try await jobs.report(1, isDone: true) }
            }
        }
    }

    @Test func `a worker that waits gets a job at once, and is told when there is none`() throws {
        try served { world, jobs in
            try await WorkersTests.client { client in
                #expect(try await client.next() == nil)
                #expect(world.elapsed >= .seconds(30))
                async let next = client.next()
                try await WorkersTests.client { _ = try await $0.put([1], priority: 0) }
                #expect(try await next?.body == [1])
            }
        }
    }

    @Test func `a worker that goes while it waits gets no job`() throws {
        try served { world, jobs in
            let worker = world.host("worker")
            let waiting = try worker.spawn { try await WorkersTests.client { try await $0.next() } }
            try await rest(.seconds(1))
            waiting.cancel()
            _ = await waiting.result
            try await rest(.seconds(1))
            _ = try await jobs.put([1], priority: 0)
            #expect(await jobs.waitingCount == 1)
        }
    }

    @Test func `a job that takes too long goes to another, whose word counts`() throws {
        try served { _, jobs in
            try await WorkersTests.client { slow in
                _ = try await slow.put([1], priority: 0)
                let mine = try #require(try await slow.next())
                try await WorkersTests.client { quick in
                    // Waits for the end of the lease.
                    var job = try await quick.next()
                    while job == nil { job = try await quick.next() }
                    #expect(job?.id == mine.id)
                    await #expect(throws: Failure.self) {
                        try await slow.report(mine.id, isDone: true)
                    }
                    try await quick.report(mine.id, isDone: true)
                }
                #expect(await jobs.done == 1)
            }
        }
    }

    @Test func `a job that fails again and again is given up`() throws {
        var limits = JobQueue.Limits()
        limits.attempts = 3
        (limits.jobs, limits.bytes) = (2, 3)
        try served(limits: limits) { _, jobs in
            try await WorkersTests.client { client in
                _ = try await client.put([1], priority: 0)
                await #expect(
                    throws: Failure(.unavailable, "there are jobs enough already: try again later")
                ) {
                    try await client.put([2, 2, 2], priority: 0)
                }
                for _ in 0..<3 {
                    try await client.report(try #require(try await client.next()).id, isDone: false)
                }
                #expect(try await client.state() == "waiting 0, running 0, done 0, given up 1")
            }
        }
    }

    /// Eight workers lose their power at instants that the seed chooses, again and again.
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `a thousand jobs are done, each once, though workers are killed`(seed: UInt64) throws {
        var limits = JobQueue.Limits()
        limits.attempts = 1_000
        let runs = Runs()
        try served(seed: seed, limits: limits) { world, jobs in
            try await WorkersTests.client { producer in
                for number in 0..<1_000 {
                    _ = try await producer.put(Array("\(number)".utf8), priority: number % 3)
                }
            }
            let workers = (0..<8).map { number in
                world.host("worker \(number)") {
                    try await WorkersTests.client { try await WorkersTests.work($0, runs) }
                }
            }
            while await jobs.done < 1_000 {
                try await rest(.milliseconds(.random(in: 1...200, using: &world.random)))
                let victim = workers[Int.random(in: 0..<8, using: &world.random)]
                victim.crash()
                try await rest(.milliseconds(.random(in: 0...3_000, using: &world.random)))
                victim.restart()
            }
            #expect(await jobs.waitingCount + jobs.leasedCount == 0)
            #expect(await (jobs.done, jobs.givenUp) == (1_000, 0))
        }
        let counts = runs.counts.withLock { $0 }
        #expect(counts.count == 1_000, "each job was run")
        #expect(counts.values.reduce(0, +) > 1_000, "some were run again: the killed ones")
    }

    /// How often each job was begun.
    private final class Runs: Sendable { let counts = Mutex([Int: Int]()) }

    /// Does jobs, each in its time, and counts how often each was begun.
    private static func work(_ jobs: JobClient, _ runs: Runs) async throws {
        while true {
            guard let job = try await jobs.next() else { continue }
            runs.counts.withLock { $0[job.id, default: 0] += 1 }
            try await rest(.milliseconds(job.id % 50))
            try await jobs.report(job.id, isDone: true)
        }
    }
}
