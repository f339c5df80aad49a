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
    /// sleep before you ask; `SimulatedHost.crash()` does it at once. A fault whose numbers or
    /// scope make no sense stops the program.
    ///
    /// - Parameters:
    ///   - fault: what goes wrong.
    ///   - scope: where it does.
    ///   - delay: how long it is until it begins.
    ///   - time: how long it lasts; nil until it is healed.
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

extension Network {
    /// Keeps everything that two hosts send to each other until the partition heals: after `time`,
    /// or when it is healed.
    @discardableResult public func partition(
        _ one: SimulatedHost, _ other: SimulatedHost, for time: Duration? = nil
    ) -> InjectedFault {
        inject(.partition, .between(one, and: other), for: time)
    }

    /// Keeps what one host sends to another until the partition heals; the other way is open.
    ///
    /// Acknowledgements are held too: the sender of the open way fills its buffer, and waits.
    @discardableResult public func partition(
        from sender: SimulatedHost, to receiver: SimulatedHost, for time: Duration? = nil
    ) -> InjectedFault {
        inject(.partition, .from(sender, to: receiver), for: time)
    }

    /// Resets every connection between two hosts `delay` from now, and again after each further
    /// `delay`, until that has happened `times` times.
    ///
    /// - Parameters:
    ///   - one: a host.
    ///   - other: another host.
    ///   - delay: how long it is to the first reset, and from each to the next.
    ///   - times: how often the connections of that moment are reset.
    public func reset(
        between one: SimulatedHost, and other: SimulatedHost, after delay: Duration = .zero,
        times: Int = 1
    ) {
        precondition(times >= 1, "connections are reset at least once")
        precondition(
            times == 1 || delay > .zero, "resets that come several times have time between them")
        for count in 0..<times {
            inject(.reset, .between(one, and: other), after: delay * (count + 1))
        }
    }

    /// Resets every connection between two hosts so many times at instants that the seed chooses,
    /// all of them within `time` from now.
    public func reset(
        between one: SimulatedHost, and other: SimulatedHost, times: Int, within time: Duration
    ) {
        precondition(times >= 1, "connections are reset at least once")
        precondition(time >= .zero, "resets within a time have a time that is not negative")
        let delays = kernel.use { kernel in
            (0..<times).map { _ in
                Latency.uniform(.zero...time).draw(using: &kernel.random)
            }
        }
        for delay in delays {
            inject(.reset, .between(one, and: other), after: .nanoseconds(delay))
        }
    }
}

/// A fault that was injected and can be ended.
public struct InjectedFault: Sendable {
    let id: FaultRule.ID
    let kernel: SharedKernel

    /// Ends the fault, or keeps it from beginning; does nothing when it is over.
    public func heal() { kernel.use { $0.heal(id) } }
}
