import Swiftlet
import SwiftletSimulation

/// What tests of the simulated network have in common: an echo server and its clients.

extension World {
    /// A host that runs an echo server on port 7, and again after each restart.
    func echoServer(_ name: String = "server") -> SimulatedHost {
        // The first host after the body's own is 10.0.0.2, and so on.
        let address = SocketAddress.any(port: 7)
        return host(name) {
            try await StreamServer.serve(on: address) { connection in
                while let bytes = try await connection.read() { try await connection.write(bytes) }
            }
        }
    }
}

extension SocketAddress {
    /// Every IPv4 address of a machine.
    static func any(port: UInt16) -> SocketAddress {
        guard let address = try? SocketAddress("0.0.0.0:\(port)") else {  // it is a good text
            preconditionFailure("0.0.0.0 and a port are an address")
        }
        return address
    }
}

extension Connection {
    /// Writes bytes and reads as many back.
    nonisolated(nonsending) func echo(_ bytes: [UInt8]) async throws -> [UInt8] {
        async let written: Void = write(bytes)
        let read = try await read(exactly: bytes.count) ?? []
        try await written
        return read
    }
}

/// Bytes that tell their places apart; 100,000 at most, cut from one array.
func pattern(_ count: Int) -> [UInt8] { Array(manyBytes.prefix(count)) }

private let manyBytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
