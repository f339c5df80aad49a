import Swiftlet
import SwiftletSimulation
import Testing

/// The sample of README.md about simulation, word for word.
@Suite struct ReadmeSampleTests {
    @Test func `a client that reconnects survives three resets`() throws {
        try Simulation.explore(seeds: 0..<20) { world in
            let server = world.host("server") {
                try await StreamServer.serve(on: "0.0.0.0:7788", handler: echo)
            }
            let client = world.host("client")
            world.network.reset(between: client, and: server, after: .seconds(60), times: 3)
            world.failsOnUnhandledErrors = false  // a handler ends with its connection

            let echoed = try await client.run {
                try await chat(with: server.address(port: 7788), for: .seconds(600))
            }
            try #require(echoed > 590 && world.elapsed > .seconds(600))
        }
    }
}

/// Sends a line a second and reads it back, on a new connection after each failure; says how many
/// lines came back.
private func chat(with address: SocketAddress, for time: Duration) async throws -> Int {
    let clock = ContinuousClock()
    let end = clock.now + time
    var echoed = 0
    while clock.now < end {
        do {
            try await Connection.connect(to: address) { connection in
                while clock.now < end {
                    try await connection.write("hello\n")
                    guard try await connection.readLine() == "hello" else { return }
                    echoed += 1
                    try await sleep(for: .seconds(1))
                }
            }
        } catch let error as IOError where error.reason == .system(.connectionReset) {
            continue
        }
    }
    return echoed
}
