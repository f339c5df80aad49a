import Swiftlet

// What goes wrong, as tests say it: with hosts.

extension FaultScope {
    /// Both ways between two hosts.
    public static func between(_ one: Host, and other: Host) -> FaultScope {
        .between(one.party, and: other.party)
    }

    /// What one host sends to another.
    public static func from(_ sender: Host, to receiver: Host) -> FaultScope {
        .from(sender.party, to: receiver.party)
    }

    /// A machine, all that it sends and all that it receives.
    public static func of(_ host: Host) -> FaultScope { .of(host.party) }

    /// All that a host sends.
    public static func from(_ host: Host) -> FaultScope { .from(host.party) }

    /// All that a host receives, connects included.
    public static func to(_ host: Host) -> FaultScope { .to(host.party) }
}

extension Host {
    fileprivate var party: FaultScope.Party { FaultScope.Party(id: id, name: name) }

    /// How many descriptors the host's program may have open, at first 20,000; beyond it, opening a
    /// socket and accepting a connection fail with `EMFILE`. Descriptors that are open stay so.
    public var descriptorLimit: Int {
        get { scheduler.kernel.use { $0.hosts[id.index].descriptorLimit } }
        set {
            precondition(newValue >= 0, "a limit of descriptors is at least 0")
            scheduler.kernel.use { $0.hosts[id.index].descriptorLimit = newValue }
        }
    }
}

extension Network {
    /// Keeps everything that two hosts send to each other until the partition heals: after `time`,
    /// or when somebody heals it.
    @discardableResult public func partition(
        _ one: Host, _ other: Host, for time: Duration? = nil
    ) -> InjectedFault {
        inject(.partition, .between(one, and: other), for: time)
    }

    /// Keeps what one host sends to another until the partition heals; the other way is open.
    ///
    /// Acknowledgements are held too: the sender of the open way fills its buffer, and waits.
    @discardableResult public func partition(
        from sender: Host, to receiver: Host, for time: Duration? = nil
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
        between one: Host, and other: Host, after delay: Duration = .zero, times: Int = 1
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
    public func reset(between one: Host, and other: Host, times: Int, within time: Duration) {
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

extension FaultPlan {
    /// Draws a plan of `count` faults on these hosts and between them.
    ///
    /// Every fault has begun and ended `time` after the plan is applied, so that what must hold in
    /// the end can be checked then; what was sent through a slow network still arrives as slowly.
    /// A fault lasts for 1 ms to a quarter of that time, and mostly not for long. Instants and
    /// durations are whole milliseconds.
    ///
    /// - Parameters:
    ///   - seed: what decides the plan, such as `world.random.next()`.
    ///   - count: how many faults the plan has.
    ///   - hosts: what goes wrong goes wrong here.
    ///   - crashing: the hosts that may crash, and come back: those that run a program.
    ///   - time: when the plan is over.
    /// - Returns: the plan, by instants.
    public static func random(
        seed: UInt64, count: Int, among hosts: [Host], crashing: [Host] = [],
        within time: Duration
    ) -> FaultPlan {
        random(
            seed: seed, count: count, among: hosts.map(\.party),
            crashing: crashing.map(\.party), within: time)
    }
}
