import Swiftlet

/// A run of ordinary async code in a simulated world, which the seed alone decides.
///
/// ```swift
/// try Simulation(seed: 42).run { world in
///     let server = world.host("server"), client = world.host("client")
///     try server.spawn { try await TCPServer.serve(on: server.address(port: 7788), handler: echo) }
///     try await client.run { try await chat(with: server.address(port: 7788)) }
/// }
/// ```
public struct Simulation: Sendable {
    /// What repeats the run.
    public var seed: UInt64

    /// A simulation that `seed` decides.
    public init(seed: UInt64) { self.seed = seed }
}
