import Drivers
import Swiftlet
import Testing

@testable import SwiftletSimulation

// Simulated worlds for the tests of the runtime. A test asks with `#require` for what must hold: a
// simulation then ends with a report that names the seed. A failed `#expect` lets it go on, and
// names none.

/// Runs `body` in a simulated world under each of many schedules.
func simulated(
    seeds: Range<UInt64> = 0..<20, test: StaticString = #function,
    _ body: @escaping @Sendable (World) async throws -> Void
) throws {
    try Simulation.explore(seeds: seeds, test: test, body)
}

/// As above, where chance has a say in what comes out: each of the outcomes under some schedule,
/// and no other under any.
func simulated<Outcome: Hashable & Sendable>(
    yielding outcomes: Set<Outcome>, seeds: Range<UInt64> = 0..<20,
    test: StaticString = #function,
    _ body: @escaping @Sendable (World) async throws -> Outcome
) throws {
    let seen = Notes<Outcome>()
    try Simulation.explore(seeds: seeds, test: test) { world in
        let outcome = try await body(world)
        try #require(outcomes.contains(outcome))
        seen.add(outcome)
    }
    // Who repeats one seed by SWIFTLET_SEED sees what that one yields.
    if seen.all.count == seeds.count { #expect(Set(seen.all) == outcomes) }
}

extension DriverKind {
    /// Those that this machine lets a process open.
    static let usable = allCases.filter { (try? $0.makeDriver()) != nil }
}

/// What the sockets of a test are: simulated, or the kernel's own with one of the drivers.
enum Ground: Sendable, CustomTestStringConvertible {
    case simulation
    case kernel(DriverKind)

    static let all = [simulation] + DriverKind.usable.map(kernel)

    var testDescription: String {
        switch self {
        case .simulation: "simulation"
        case .kernel(let driver): driver.rawValue
        }
    }

    /// Runs `body` on a loop, which leaves no socket open; in simulated worlds under each of many
    /// schedules.
    func run(
        seeds: Range<UInt64> = 0..<20, test: StaticString = #function,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await run(seeds: seeds, test: test) { _ in try await body() }
    }

    /// As above, for a body that asks how many sockets it has open.
    func run(
        seeds: Range<UInt64> = 0..<20, test: StaticString = #function,
        _ body: @escaping @Sendable (_ openSockets: @Sendable () -> Int) async throws -> Void
    ) async throws {
        switch self {
        case .simulation:
            try simulated(seeds: seeds, test: test) { world in
                try await body { world.home.openSockets }
            }
        case .kernel(let driver):
            let sockets = FaultySockets()
            try await onLoop(driver, sockets: sockets) { try await body { sockets.openCount } }
            #expect(sockets.openCount == 0)
        }
    }
}

/// Lets everybody else run until nobody can go on: in a simulated world the clock stands still
/// before. What the network has under way is not waited for.
nonisolated(nonsending) func settle() async throws { try await sleep(for: .nanoseconds(1)) }

extension World {
    /// The host on which the body runs.
    var home: SimulatedHost { hosts[0] }

    /// A connection of the body's host, and its other end, which is another host's.
    func makeConnectionPair(with peer: SimulatedHost) async throws -> (Connection, Connection) {
        let listener = try await Listener.bind(to: home.address(port: 0))
        async let accepted = listener.accept()
        let connected = try await peer.run { try await Connection.connect(to: listener.address) }
        let pair = (try await accepted, connected)
        listener.close()
        return pair
    }
}

extension SimulatedHost {
    /// How many sockets it has open.
    var openSockets: Int { scheduler.kernel.use { $0.hosts[id.index].openCount } }
}
