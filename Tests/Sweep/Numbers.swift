import Swiftlet
import SwiftletSimulation
import Syscalls

/// How long simulated time takes: the two figures that `docs/TESTING.md` gives.
enum Numbers {
    /// Runs both and prints them, a line each.
    static func print() throws(SimulationFailure) {
        let clients = try time { () throws(SimulationFailure) in try hour() }
        Swift.print("a simulated hour of 100 clients that ask once a second: \(clients)")
        let idle = try time { () throws(SimulationFailure) in try day() }
        Swift.print("an idle simulated day: \(idle)")
    }

    private static func time(
        _ body: () throws(SimulationFailure) -> Void
    ) throws(SimulationFailure) -> Duration {
        let start = Instant.now
        try body()
        return start.duration(to: .now)
    }

    /// 360,000 requests of 64 bytes, each answered before the next one.
    private static func hour() throws(SimulationFailure) {
        try Simulation(seed: 1).run { world in
            let server = world.host("server"), clients = world.host("clients")
            let address = server.address(port: 7788)
            try server.spawn { try await StreamServer.serve(on: address, handler: echo) }
            try await sleep(for: .seconds(1))
            try await clients.run {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<100 { group.addTask { try await ask(address, times: 3_600) } }
                    try await group.waitForAll()
                }
            }
        }
    }

    private static func day() throws(SimulationFailure) {
        try Simulation(seed: 1).run { _ in try await sleep(for: .seconds(86_400)) }
    }
}

private func echo(_ connection: Connection) async throws {
    while let bytes = try await connection.read() { try await connection.write(bytes) }
}

private func ask(_ address: SocketAddress, times: Int) async throws {
    let request = [UInt8](repeating: 7, count: 64)
    let connection = try await Connection.connect(to: address)
    for _ in 0..<times {
        try await connection.write(request)
        _ = try await connection.read(exactly: request.count)
        try await sleep(for: .seconds(1))
    }
    connection.close()
}
