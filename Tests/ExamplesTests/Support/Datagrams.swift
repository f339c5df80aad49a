import Swiftlet
import SwiftletSimulation

extension SimulatedHost {
    /// Runs a server of datagrams on this host, which receives when this returns.
    func receive(
        on address: String, _ serve: @escaping @Sendable (DatagramServer) async throws -> Void
    ) async throws {
        let socket = try await run {
            try await DatagramSocket.bind(to: address, tellsLocalAddress: true)
        }
        try spawn { try await serve(DatagramServer(sockets: [socket])) }
    }
}
