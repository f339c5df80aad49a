import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

/// What happened, in order, the same in every run and in every build.
@Suite struct TraceTests {
    @Test func `the same seed gives the same trace, byte for byte`() throws {
        #expect(try trace(seed: 11) == trace(seed: 11))
    }

    @Test func `another seed gives another trace`() throws {
        #expect(try trace(seed: 11) != trace(seed: 12))
    }

    @Test func `only the last events are kept, and all of them count`() {
        var trace = Trace(keeping: 3)
        for second in 1...5 {
            let time = Instant(nanoseconds: Int64(second) * 1_000_000_000)
            trace.add(.host(.crashed), on: HostID(index: 0), at: time)
        }

        #expect(
            trace.text(hosts: ["db"]) == [
                "3.000000000 db  the host crashed", "4.000000000 db  the host crashed",
                "5.000000000 db  the host crashed",
            ])
        #expect(trace.count == 5)
    }

    @Test func `each event changes the digest`() {
        var digests: Set<UInt64> = []
        var trace = Trace(keeping: 0)
        let events: [Trace.Event] = [.host(.crashed), .host(.restarted), .host(.crashed)]
        for event in events {
            trace.add(event, on: HostID(index: 0), at: Instant(nanoseconds: 7))
            digests.insert(trace.digest.value)
        }
        var other = Trace(keeping: 0)
        other.add(.host(.crashed), on: HostID(index: 1), at: Instant(nanoseconds: 7))
        digests.insert(other.digest.value)

        #expect(digests.count == 4)
    }

    @Test func `a note of the test stands in the trace of the host that says it`() throws {
        func run(_ text: String) throws -> (trace: String, digest: UInt64) {
            try Simulation(seed: 11).run { world in
                let server = world.host("server")
                world.note("before")
                try await server.run {
                    try await sleep(for: .seconds(1))
                    world.note(text)
                }
                return (world.trace, world.traceDigest)
            }
        }

        let (trace, digest) = try run("the reply is sent")

        #expect(trace.contains("0.000000000 test    # before"), "\(trace)")
        #expect(trace.contains("1.000000000 server  # the reply is sent"), "\(trace)")
        #expect(try run("the reply is sent").digest == digest)
        #expect(try run("another note").digest != digest)
    }

    /// Runs a scenario with everything in it and returns the whole trace.
    private func trace(seed: UInt64) throws -> [String] {
        let run = SeededRun(settings: Simulation(seed: seed), test: #function) { world in
            let server = world.host("server"), client = world.host("client")
            let address = server.address(port: 7788)
            try server.spawn(name: "echo") {
                try await StreamServer.serve(on: address, handler: echo)
            }
            try await client.run(name: "client") {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<3 {
                        group.addTask { try await chat(with: address, number) }
                    }
                    try await group.waitForAll()
                }
            }
        }
        let ending = run.play(keeping: .max)
        _ = try ending.result.get()
        return ending.lines
    }
}

private func chat(with address: SocketAddress, _ number: Int) async throws {
    let connection = try await connect(to: address)
    for round in 0..<3 {
        try await sleep(for: .milliseconds(10 * number))
        try await connection.write("\(number) \(round)\n")
        #expect(try await connection.readLine() == "\(number) \(round)")
    }
    connection.close()
}
