import Swiftlet
import Testing

@testable import SwiftletSimulation

/// How a simulation fails, and what it says then.
@Suite struct FailureTests {
    @Test func `a body that waits for what never comes is a deadlock that names its tasks`() throws
    {
        let failure = failure { _ in
            let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
            try spawn(name: "chat") { for await _ in stream {} }
            for await _ in stream {}
            continuation.finish()
        }

        guard case .deadlock = failure?.reason else { return wrong(failure) }
        let text = failure?.description ?? ""
        #expect(text.contains("deadlock"))
        #expect(
            text.contains("test: 'chat', spawned at SwiftletSimulationTests/FailureTests.swift:"))
        #expect(text.contains("'body'"))
        #expect(text.contains("SWIFTLET_SEED=5 swift test --filter '"))
        #expect(text.contains("task 1 runs"))
        #expect(text.contains("Task.detached"))
    }

    @Test func `an error of a task that nobody awaits fails the run, with name, place and error`()
        throws
    {
        let failure = failure { world in
            let server = world.host("server")
            try server.spawn {
                try await sleep(for: .seconds(1))
                try spawn(name: "sweeper") { throw Broken() }
                try await sleep(for: .seconds(1))
            }
            try await sleep(for: .seconds(3))
        }

        guard case .unhandled("server", "sweeper", let place, is Broken) = failure?.reason else {
            return wrong(failure)
        }
        #expect(place.hasPrefix("SwiftletSimulationTests/FailureTests.swift:"))
        let text = failure?.description ?? ""
        #expect(text.contains("'sweeper' at \(place) on host 'server' threw what no code handles"))
        #expect(text.contains("Broken"))
        #expect(text.contains("after 1.0 seconds of simulated time"))
    }

    @Test func `an error of a handler fails the run where the server has no onError`() throws {
        /// Connects to a server whose handler throws.
        func talk(_ options: StreamServer.Options) -> SimulationFailure? {
            failure { world in
                let server = world.host("server") {
                    try await StreamServer.serve(on: "0.0.0.0:7", options: options) { _ in
                        throw Broken()
                    }
                }
                try await server.untilListening(port: 7)
                try await Connection.connect(to: server.address(port: 7)) {
                    _ = try? await $0.read()
                }
                try await sleep(for: .seconds(1))
            }
        }

        let unheard = talk(StreamServer.Options())
        guard case .unhandled("server", let task, _, is Broken) = unheard?.reason else {
            return wrong(unheard)
        }
        #expect(task.hasPrefix("handler of 10.0.0.1:"))
        var options = StreamServer.Options()
        options.onError = { _, _ in }
        #expect(talk(options) == nil)
    }

    @Test func `an error that the test allows is in the trace, and the run goes on`() throws {
        try unforced(seed: 5).run { world in
            world.failsOnUnhandledErrors = false
            try spawn(name: "sweeper") { throw Broken() }
            try await sleep(for: .seconds(1))
            try #require(world.trace.contains("'sweeper' at "))
        }
    }

    /// What a caller gets it may handle; what ends with its task, its loop or its host is no error.
    @Test func `an error that is handed on or belongs to an ending fails nothing`() throws {
        try unforced(seed: 5).run { world in
            let client = world.host("client")
            await #expect(throws: Broken.self) { try await client.run { throw Broken() } }
            let sleeper = try spawn { try await sleep(for: .seconds(9)) }
            sleeper.cancel()
            try client.spawn {
                let stays = try await Listener.bind(to: client.address(port: 7))
                do { try await sleep(for: .seconds(9)) } catch { throw Broken() }
                stays.close()
            }
            try await sleep(for: .seconds(1))
            client.crash()
            try spawn { do { try await sleep(for: .seconds(9)) } catch { throw Broken() } }
            try await sleep(for: .seconds(1))
        }
    }

    @Test func `a task that yields for ever is a livelock of its host`() throws {
        let failure = failure { world in
            try world.host("spinner").spawn {
                while !Task.isCancelled { await Task.yield() }
            }
            try await sleep(for: .seconds(1))
        }

        guard case .livelock("spinner") = failure?.reason else { return wrong(failure) }
    }

    @Test func `a task that is cancelled and tries to sleep again and again is a livelock`() throws
    {
        let failure = failure { _ in
            let task = try spawn {
                // Its errors are dropped, which is the fault that is shown here.
                for _ in 0..<1_000_000 { try? await sleep(for: .seconds(1)) }
            }
            task.cancel()
            try await task.value
        }

        guard case .livelock("test") = failure?.reason else { return wrong(failure) }
    }

    @Test func `what moves at one instant counts a tenth, and is a livelock in the end`() throws {
        /// Sends so many bytes one by one within a host, where nothing takes time.
        func echo(_ count: Int) -> SimulationFailure? {
            var simulation = unforced(seed: 5)
            simulation.turnLimit = 1_000
            return failure(simulation) { world in
                let server = world.echoServer()
                try await sleep(for: .seconds(1))
                try await server.run {
                    try await Connection.connect(to: server.address(port: 7)) { connection in
                        for _ in 0..<count { _ = try await connection.echo([7]) }
                    }
                }
            }
        }

        #expect(echo(300) == nil)
        guard case .livelock("server") = echo(20_000)?.reason else { return wrong(nil) }
    }

    @Test func `a body that waits beside a ticker fails when the simulated time is over`() throws {
        var simulation = unforced(seed: 5)
        simulation.timeLimit = .seconds(60)

        let failure = failure(simulation) { _ in
            while true { try await sleep(for: .seconds(1)) }
        }

        guard case .timeIsOver(.seconds(60)) = failure?.reason else { return wrong(failure) }
    }

    @Test func `what the body throws comes with the seed and the trace`() throws {
        let failure = failure { _ in
            try await sleep(for: .seconds(2))
            throw Broken()
        }

        guard case .threw(let error) = failure?.reason else { return wrong(failure) }
        #expect(error is Broken)
        let text = failure?.description ?? ""
        #expect(text.contains("2.000000000 test  task 1 'body' goes on"), "\(text)")
    }

    @Test func `the error of a host's program fails the simulation and names the host`() throws {
        let failure = failure { world in
            _ = world.host("db") {
                try await sleep(for: .seconds(1))
                throw Broken()
            }
            try await sleep(for: .seconds(5))
        }

        guard case .hostThrew("db", let error) = failure?.reason else { return wrong(failure) }
        #expect(error is Broken)
    }

    @Test func `a task that ignores its cancellation is found`() throws {
        let failure = failure { _ in
            try spawn(name: "stubborn") {
                await withCheckedContinuation { kept.add($0) }
            }
        }
        kept.resumeAll()

        guard case .leftOver = failure?.reason else { return wrong(failure) }
        #expect(failure?.description.contains("'stubborn'") == true)
    }

    @Test func `a descriptor that stays open is found`() throws {
        let forgotten = Notes<Connection>()

        let failure = failure { world in
            let server = world.echoServer()
            try await sleep(for: .seconds(1))
            forgotten.add(try await Connection.connect(to: server.address(port: 7)))
        }

        guard case .leftOver(let what) = failure?.reason else { return wrong(failure) }
        #expect(what == "1 open descriptor of host 'test'")
    }

    private let kept = Kept()

    private func failure(
        _ simulation: Simulation = unforced(seed: 5),
        _ body: @escaping @Sendable (World) async throws -> Void
    ) -> SimulationFailure? {
        do throws(SimulationFailure) {
            try simulation.run(body)
            return nil
        } catch {
            return error
        }
    }

    private func wrong(_ failure: SimulationFailure?) {
        Issue.record("not this: \(failure?.description ?? "no failure")")
    }
}
