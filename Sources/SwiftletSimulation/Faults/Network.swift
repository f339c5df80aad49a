import Swiftlet

/// The network of a simulated world, and what goes wrong in it and on its hosts.
///
/// ```swift
/// let slow = world.network.inject(.latency(.exponential(mean: .milliseconds(80))))
/// world.network.inject(.bandwidth(bytesPerSecond: 125_000), .from(server, to: client))
/// world.network.inject(.shortReads(probability: 0.5), .of(server), for: .seconds(10))
///
/// let partition = world.network.partition(client, server)
/// try await sleep(for: .seconds(3))
/// partition.heal()
/// ```
///
/// A fault is a rule: what, where, from when on and how long. Where two rules of the same kind
/// apply the later one wins. Nothing of it is drawn from the seed but what the rule leaves open.
public struct Network: Sendable {
    let kernel: SharedKernel

    init(_ kernel: SharedKernel) { self.kernel = kernel }

    /// Makes something go wrong in a scope, at once or later, for a time or until it is healed.
    ///
    /// Times are those of the world. Machines crash and start with the next step of the world, so
    /// sleep before you ask; `Host.crash()` does it at once. A fault whose numbers or scope make no
    /// sense stops the program.
    ///
    /// - Parameters:
    ///   - fault: what goes wrong.
    ///   - scope: where it does.
    ///   - delay: how long it is until it begins.
    ///   - time: how long it lasts; nil for as long as nobody heals it.
    /// - Returns: the fault, to end it.
    @discardableResult public func inject(
        _ fault: Fault, _ scope: FaultScope = .everywhere, after delay: Duration = .zero,
        for time: Duration? = nil
    ) -> InjectedFault {
        let id = kernel.use { $0.plan(fault, on: scope, after: delay, lasting: time) }
        return InjectedFault(id: id, kernel: kernel)
    }

    /// Makes something go wrong while `body` runs: it is healed when the body returns or throws.
    ///
    /// - Parameters:
    ///   - fault: what goes wrong.
    ///   - scope: where it does.
    ///   - body: what runs meanwhile.
    /// - Returns: what `body` returns.
    public nonisolated(nonsending) func inject<Value>(
        _ fault: Fault, _ scope: FaultScope = .everywhere, while body: () async throws -> Value
    ) async rethrows -> Value {
        let injected = inject(fault, scope)
        defer { injected.heal() }
        return try await body()
    }

    /// Ends every fault that was injected and keeps those that are planned from beginning.
    ///
    /// What was held arrives, hosts that a fault has crashed start again. Hosts that `crash()` has
    /// stopped stay so.
    public func heal() { kernel.use { $0.healAll() } }
}

/// A fault that was injected and can be ended.
public struct InjectedFault: Sendable {
    let id: FaultRule.ID
    let kernel: SharedKernel

    /// Ends the fault, or keeps it from beginning; does nothing when it is over.
    public func heal() { kernel.use { $0.heal(id) } }
}
