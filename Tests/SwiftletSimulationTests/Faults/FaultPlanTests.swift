import Testing

@testable import SwiftletSimulation

/// Plans of faults: written by hand and drawn from a seed.
@Suite struct FaultPlanTests {
    func plan(_ seed: UInt64, count: Int = 40, hosts: Int = 3) -> FaultPlan {
        let parties = (1...hosts).map { FaultScope.Party(id: HostID(index: $0), name: "h\($0)") }
        return .random(
            seed: seed, count: count, among: parties, crashing: [parties[0]], within: .seconds(60))
    }

    @Test func `the same seed draws the same plan and another seed another`() {
        #expect(plan(1) == plan(1))
        #expect(plan(1) != plan(2))
        #expect(plan(1).description == plan(1).description)
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `a drawn plan is over in its time, and every fault begins in it`(seed: UInt64) {
        let plan = plan(seed)

        #expect(plan.entries.count == 40)
        #expect(plan.end <= .seconds(60))
        for entry in plan.entries {
            #expect(entry.start >= .zero)
            #expect(entry.fault == .reset ? entry.time == .zero : entry.time > .zero)
        }
    }

    @Test func `plans hold every kind of fault, and crash no host that was not named`() {
        let entries = (0..<50).flatMap { plan($0).entries }
        /// The case of a fault without its numbers.
        let kinds = Set(entries.map { "\($0.fault)".prefix(8) })

        #expect(kinds.count >= 14)
        let crashes = entries.filter { $0.fault == .crash }
        #expect(!crashes.isEmpty)
        #expect(crashes.allSatisfy { $0.scope.sender?.name == "h1" })
    }

    @Test func `a host that must start again can open its sockets`() {
        let entries = (0..<200).flatMap { plan($0).entries }
        let open = entries.filter {
            if case .failing(.open, _, _) = $0.fault { true } else { false }
        }

        #expect(!open.isEmpty)
        #expect(open.allSatisfy { $0.scope.sender?.name != "h1" })
    }

    @Test func `a plan is drawn on one host alone too`() {
        #expect(plan(1, hosts: 1).entries.allSatisfy { $0.scope.receiver == nil })
    }

    @Test func `after a plan everything is as it was`() {
        for seed in 0..<20 as Range<UInt64> {
            var hosts = ThreeHosts()
            _ = hosts.kernel.addHost(named: "d")
            for entry in plan(seed).entries {
                hosts.inject(entry.fault, entry.scope, after: entry.start, for: entry.time)
            }
            hosts.pass(.seconds(30))
            #expect(!hosts.kernel.faults.all.isEmpty, "seed \(seed)")
            hosts.pass(.seconds(30))
            #expect(hosts.kernel.faults.all.isEmpty, "seed \(seed)")
            let powered = hosts.kernel.faults.takePowerChanges().last?.isOn ?? true
            #expect(powered, "seed \(seed)")
        }
    }

    @Test func `a plan prints its faults in their order, a line each`() {
        let (a, b) = (ThreeHosts().a, ThreeHosts().b)
        let plan = FaultPlan([
            .init(.partition, .between(a, and: b), after: .milliseconds(12_500), for: .seconds(3)),
            .init(.reset, .from(a, to: b), after: .milliseconds(20), for: .zero),
            .init(
                .failing(.accept, with: .tooManyOpenFiles, probability: 0.5), .of(b),
                after: .milliseconds(20), for: .milliseconds(1)),
            .init(.latency(.usual), .to(b), after: .zero, for: .seconds(60)),
        ])

        #expect(
            plan.description == """
                0 s, for 60 s: latency 500 µs to 1.5 ms to b
                20 ms: reset from a to b
                20 ms, for 1 ms: accept fails with EMFILE (probability 0.5) of b
                12.5 s, for 3 s: partition between a and b
                """)
        #expect(plan.end == .seconds(60))
    }
}
