import Syscalls
import Testing

@testable import SwiftletSimulation

/// Three hosts and a kernel without sockets: enough to ask the rules.
struct ThreeHosts {
    var kernel = Kernel(random: SeededRandom(seed: 1))
    let a = FaultScope.Party(id: HostID(index: 0), name: "a")
    let b = FaultScope.Party(id: HostID(index: 1), name: "b")
    let c = FaultScope.Party(id: HostID(index: 2), name: "c")

    init() {
        for name in ["a", "b", "c"] { _ = kernel.addHost(named: name) }
    }

    @discardableResult mutating func inject(
        _ fault: Fault, _ scope: FaultScope = .everywhere, after delay: Duration = .zero,
        for time: Duration? = nil
    ) -> FaultRule.ID {
        kernel.plan(fault, on: scope, after: delay, lasting: time)
    }

    /// Moves the clock, and lets happen what is due on the way.
    mutating func pass(_ time: Duration) {
        let end = kernel.now.advanced(by: time)
        while kernel.nextEvent <= end {
            kernel.move(to: kernel.nextEvent)
            _ = kernel.happen()
        }
        kernel.move(to: end)
    }

    /// How long a segment takes; nil while it is held.
    mutating func time(
        _ sender: FaultScope.Party, _ receiver: FaultScope.Party, bytes: Int = 100
    ) -> Duration? {
        kernel.faults.arrival(
            of: bytes, from: sender.id, to: receiver.id, at: kernel.now, using: &kernel.random
        ).map { kernel.now.duration(to: $0) }
    }

    /// How many of so many bytes a call moves.
    mutating func part(_ count: Int, _ call: Fault.Call, _ host: FaultScope.Party) -> Int {
        kernel.faults.part(of: count, by: call, on: host.id, using: &kernel.random)
    }

    /// What a call fails with.
    mutating func error(_ call: Fault.Call, _ host: FaultScope.Party) -> Errno? {
        kernel.faults.error(of: call, on: host.id, using: &kernel.random)
    }

    /// The segments of what a sends to b.
    mutating func segments(_ count: Int) -> [Int] {
        kernel.faults.segments(of: count, from: a.id, to: b.id, using: &kernel.random)
    }

    mutating func wakesForNothing(_ host: FaultScope.Party) -> Bool {
        kernel.faults.drawSpuriousWake(on: host.id, using: &kernel.random)
    }
}

/// Where rules apply, which of them wins, when they begin and end.
@Suite struct FaultRuleTests {
    let millisecond = Fault.latency(.constant(.milliseconds(1)))
    let second = Fault.latency(.constant(.seconds(1)))

    // MARK: Scope

    @Test func `a scope covers the ways that it names and no other`() {
        let (a, b, c) = (ThreeHosts().a, ThreeHosts().b, ThreeHosts().c)
        /// The ways that are covered: "ab" is from a to b.
        func ways(_ scope: FaultScope) -> String {
            [a, b, c].flatMap { from in
                [a, b, c].compactMap { to in
                    from != to && scope.covers(from: from.id, to: to.id)
                        ? from.name + to.name : nil
                }
            }.joined(separator: " ")
        }

        #expect(ways(.everywhere) == "ab ac ba bc ca cb")
        #expect(ways(.between(a, and: b)) == "ab ba")
        #expect(ways(.from(a, to: b)) == "ab")
        #expect(ways(.of(a)) == "ab ac ba ca")
        #expect(ways(.from(a)) == "ab ac")
        #expect(ways(.to(a)) == "ba ca")
    }

    @Test func `a scope of a machine covers that machine, and everywhere covers all`() {
        let (a, b) = (ThreeHosts().a, ThreeHosts().b)

        #expect(FaultScope.of(a).covers(a.id))
        #expect(!FaultScope.of(a).covers(b.id))
        #expect(FaultScope.everywhere.covers(b.id))
    }

    // MARK: Precedence and time

    @Test func `the latest rule wins, and when it is healed the one before counts again`() {
        var hosts = ThreeHosts()
        hosts.inject(millisecond)
        let later = hosts.inject(second, .from(hosts.a, to: hosts.b))

        #expect(hosts.time(hosts.a, hosts.b) == .seconds(1))
        #expect(hosts.time(hosts.b, hosts.a) == .milliseconds(1))

        hosts.kernel.heal(later)
        #expect(hosts.time(hosts.a, hosts.b) == .milliseconds(1))
    }

    @Test func `without a rule a segment takes the usual time, and within a host none`() throws {
        var hosts = ThreeHosts()
        hosts.inject(.shortReads(probability: 1))

        for _ in 0..<100 {
            let time = hosts.time(hosts.a, hosts.b)
            let usual = Duration.microseconds(500) ... .microseconds(1500)
            #expect(try usual.contains(#require(time)))
        }
        hosts.inject(second)
        hosts.inject(.partition)
        #expect(hosts.time(hosts.a, hosts.a) == .zero)
    }

    @Test func `a rule begins after its delay and ends after its time`() {
        var hosts = ThreeHosts()
        hosts.inject(millisecond)
        hosts.inject(second, after: .seconds(5), for: .seconds(2))

        hosts.pass(.seconds(5) - .nanoseconds(1))
        #expect(hosts.time(hosts.a, hosts.b) == .milliseconds(1))
        hosts.pass(.nanoseconds(1))
        #expect(hosts.time(hosts.a, hosts.b) == .seconds(1))
        hosts.pass(.seconds(2) - .nanoseconds(1))
        #expect(hosts.time(hosts.a, hosts.b) == .seconds(1))
        hosts.pass(.nanoseconds(1))
        #expect(hosts.time(hosts.a, hosts.b) == .milliseconds(1))
    }

    @Test func `a rule that is healed before it begins never begins`() {
        var hosts = ThreeHosts()
        let cut = hosts.inject(.partition, after: .seconds(5))
        hosts.inject(.partition, after: .seconds(6))
        hosts.kernel.heal(cut)

        hosts.pass(.seconds(5))
        #expect(hosts.time(hosts.a, hosts.b) != nil)

        hosts.kernel.healAll()
        hosts.pass(.seconds(5))
        #expect(hosts.time(hosts.a, hosts.b) != nil)
    }

    @Test func `healing twice changes nothing`() {
        var hosts = ThreeHosts()
        let cut = hosts.inject(.partition, for: .seconds(1))
        hosts.kernel.heal(cut)
        let other = hosts.inject(.partition)
        hosts.kernel.heal(cut)
        hosts.pass(.seconds(2))

        #expect(hosts.time(hosts.a, hosts.b) == nil)
        hosts.kernel.heal(other)
        #expect(hosts.time(hosts.a, hosts.b) != nil)
    }

    // MARK: Chance

    @Test func `a rule that does not apply draws nothing`() {
        func numbers(_ change: (inout ThreeHosts) -> Void) -> [UInt64] {
            var hosts = ThreeHosts()
            change(&hosts)
            for _ in 0..<10 {
                _ = hosts.time(hosts.a, hosts.b)
                _ = hosts.part(100, .receive, hosts.a)
                _ = hosts.error(.accept, hosts.a)
            }
            return (0..<4).map { _ in hosts.kernel.random.next() }
        }
        let plain = numbers { _ in }

        #expect(plain == numbers { $0.inject(.shortReads(probability: 0.5), .of($0.b)) })
        #expect(plain == numbers { $0.inject(.shortWrites(probability: 0.5), .of($0.a)) })
        #expect(plain == numbers { $0.inject(.latency(.usual), .from($0.b, to: $0.a)) })
        #expect(
            plain
                == numbers {
                    $0.inject(.failing(.open, with: .tooManyOpenFiles, probability: 0.5))
                })
        #expect(plain != numbers { $0.inject(.shortReads(probability: 0.5), .of($0.a)) })
    }
}
