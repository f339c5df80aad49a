import Syscalls
import Testing

@testable import SwiftletSimulation

/// What each kind of fault decides.
@Suite struct FaultKindTests {
    let still = Fault.latency(.constant(.zero))

    @Test func `a partition holds what it cuts, one way or both`() {
        var hosts = ThreeHosts()
        let oneWay = hosts.inject(.partition, .from(hosts.a, to: hosts.b))
        #expect(hosts.time(hosts.a, hosts.b) == nil)
        #expect(hosts.time(hosts.b, hosts.a) != nil)

        hosts.inject(.partition, .between(hosts.b, and: hosts.c))
        #expect(hosts.time(hosts.b, hosts.c) == nil)
        #expect(hosts.time(hosts.c, hosts.b) == nil)

        hosts.kernel.heal(oneWay)
        #expect(hosts.time(hosts.a, hosts.b) != nil)
        #expect(hosts.time(hosts.b, hosts.c) == nil)
    }

    @Test func `a bandwidth lets one segment leave after the other, each way for itself`() {
        var hosts = ThreeHosts()
        hosts.inject(still)
        hosts.inject(.bandwidth(bytesPerSecond: 1000), .between(hosts.a, and: hosts.b))

        #expect(hosts.time(hosts.a, hosts.b, bytes: 500) == .milliseconds(500))
        #expect(hosts.time(hosts.a, hosts.b, bytes: 250) == .milliseconds(750))
        #expect(hosts.time(hosts.a, hosts.b, bytes: 0) == .milliseconds(750))
        #expect(hosts.time(hosts.b, hosts.a, bytes: 100) == .milliseconds(100))
        #expect(hosts.time(hosts.a, hosts.c, bytes: 100) == .zero)

        hosts.pass(.seconds(2))
        #expect(hosts.time(hosts.a, hosts.b, bytes: 1) == .milliseconds(1))
    }

    @Test func `a bandwidth rounds up to the nanosecond and takes any size`() {
        var hosts = ThreeHosts()
        hosts.inject(still)
        hosts.inject(.bandwidth(bytesPerSecond: 3))

        #expect(hosts.time(hosts.a, hosts.b, bytes: 1) == .nanoseconds(333_333_334))
        #expect(hosts.time(hosts.b, hosts.a, bytes: .max) == .nanoseconds(Int64.max))
    }

    @Test func `latency comes on top of bandwidth, and a delay on top of both`() {
        var hosts = ThreeHosts()
        hosts.inject(.latency(.constant(.milliseconds(10))))
        hosts.inject(.bandwidth(bytesPerSecond: 1000))
        hosts.inject(.delayedSegments(by: .constant(.milliseconds(200)), probability: 1))

        #expect(hosts.time(hosts.a, hosts.b, bytes: 100) == .milliseconds(310))
    }

    @Test func `some segments are delayed`() {
        var hosts = ThreeHosts()
        hosts.inject(still)
        hosts.inject(.delayedSegments(by: .constant(.milliseconds(200)), probability: 0.1))

        let times = (0..<1000).map { _ in hosts.time(hosts.a, hosts.b) }
        let delayed = times.filter { $0 == .milliseconds(200) }.count

        #expect((70...130).contains(delayed))
        #expect(times.filter { $0 == .zero }.count == 1000 - delayed)
    }

    @Test func `what is sent is cut into segments whose sizes add up`() {
        var hosts = ThreeHosts()
        #expect(hosts.segments(1448) == [1448])
        #expect(hosts.segments(3000) == [1448, 1448, 104])

        hosts.inject(.splitSegments(ofAtMost: 7))
        for count in [1, 7, 100, 5000] {
            let split = hosts.segments(count)
            #expect(split.reduce(0, +) == count)
            #expect(split.allSatisfy { (1...7).contains($0) })
        }
        #expect(Set(hosts.segments(5000)) == [1, 2, 3, 4, 5, 6, 7])
    }

    @Test func `an attempt to connect is refused or ignored at the hosts that are named`() {
        var hosts = ThreeHosts()
        hosts.inject(.refusedConnects, .to(hosts.b))
        hosts.inject(.fullBacklog, .from(hosts.a, to: hosts.c))
        let faults = hosts.kernel.faults

        #expect(faults.welcome(from: hosts.a.id, to: hosts.b.id) == .refused)
        #expect(faults.welcome(from: hosts.b.id, to: hosts.a.id) == .usual)
        #expect(faults.welcome(from: hosts.a.id, to: hosts.c.id) == .ignored)
        #expect(faults.welcome(from: hosts.b.id, to: hosts.c.id) == .usual)
        #expect(faults.welcome(from: hosts.b.id, to: hosts.b.id) == .usual)
    }

    @Test func `short calls move at least one byte and less than all`() {
        var hosts = ThreeHosts()
        hosts.inject(.shortReads(probability: 1), .of(hosts.a))

        let parts = (0..<1000).map { _ in hosts.part(10, .receive, hosts.a) }
        #expect(Set(parts) == Set(1...9))
        #expect(hosts.part(1, .receive, hosts.a) == 1)
        #expect(hosts.part(10, .send, hosts.a) == 10)
        #expect(hosts.part(10, .receive, hosts.b) == 10)
    }

    @Test func `a call fails with the error that was asked for, and no other call does`() {
        var hosts = ThreeHosts()
        hosts.inject(.failing(.accept, with: .tooManyOpenFiles, probability: 1), .of(hosts.a))

        #expect(hosts.error(.accept, hosts.a) == .tooManyOpenFiles)
        #expect(hosts.error(.open, hosts.a) == nil)
        #expect(hosts.error(.accept, hosts.b) == nil)
    }

    @Test func `spurious readiness comes as often as it should`() {
        var hosts = ThreeHosts()
        hosts.inject(.spuriousReadiness(probability: 0.25), .of(hosts.a))
        var count = 0
        for _ in 0..<1000 where hosts.wakesForNothing(hosts.a) { count += 1 }

        #expect((200...300).contains(count))
        let wakesAnother = hosts.wakesForNothing(hosts.b)
        #expect(!wakesAnother)
    }

    @Test func `a machine loses its power for the time of the crash, however many there are`() {
        var hosts = ThreeHosts()
        func changes() -> [String] {
            hosts.kernel.faults.takePowerChanges().map { "\($0.host.index) \($0.isOn)" }
        }
        hosts.inject(.crash, .of(hosts.b), after: .seconds(1), for: .seconds(5))
        hosts.inject(.crash, .of(hosts.b), after: .seconds(2), for: .seconds(1))
        #expect(changes() == [])

        hosts.pass(.seconds(1))
        #expect(changes() == ["1 false"])
        hosts.pass(.seconds(4))
        #expect(changes().allSatisfy { $0 == "1 false" })
        hosts.pass(.seconds(1))
        #expect(changes() == ["1 true"])
        #expect(changes() == [])
    }

    @Test func `a clock drifts at the rate of the latest rule`() {
        var hosts = ThreeHosts()
        hosts.inject(.clockDrift(partsPerMillion: 100))
        let later = hosts.inject(.clockDrift(partsPerMillion: -50), .of(hosts.a))
        #expect(hosts.kernel.faults.clockRate(of: hosts.a.id) == -50)
        #expect(hosts.kernel.faults.clockRate(of: hosts.b.id) == 100)

        hosts.kernel.heal(later)
        #expect(hosts.kernel.faults.clockRate(of: hosts.a.id) == 100)
        hosts.kernel.healAll()
        #expect(hosts.kernel.faults.clockRate(of: hosts.a.id) == 0)
    }
}
