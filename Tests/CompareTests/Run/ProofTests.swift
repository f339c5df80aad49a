import Generator
import Processes
import Statistics
import Syscalls
import Testing

@testable import Compare

/// What is decided before the rounds, from values alone.
@Suite struct ProofTests {
    @Test func `a server is what its calls say it is, and nothing else`() {
        let mechanism = Mechanism(own: "epoll_wait", telling: ["poll", "epoll_wait", "select"])

        #expect(mechanism.objection(to: ["recv": 9, "epoll_wait": 3, "poll": 0]) == nil)
        #expect(
            mechanism.objection(to: ["poll": 3])
                == "it never called epoll_wait; it counted poll")
        #expect(
            mechanism.objection(to: ["epoll_wait": 3, "select": 1, "poll": 2])
                == "it also called poll, select")
        #expect(mechanism.objection(to: [:]) == "it never called epoll_wait")
        #expect(mechanism.proof(in: ["epoll_wait": 1_900_000]) == "epoll_wait 1,900,000")
    }

    @Test func `counts of calls are read from the last line of a server`() {
        let line = #"{"accepted":3,"calls":{"recv":12,"epoll_wait":4},"loops":[]}"#

        #expect(CallCounts.read(line) == ["recv": 12, "epoll_wait": 4])
        #expect(CallCounts.read(#"{"calls":{}}"#) == [:])
        for other in ["", "{", "[]", #"{"accepted":3}"#, #"{"calls":7}"#] {
            #expect(CallCounts.read(other) == nil)
        }
    }

    // What the machine can host.

    private let limits = HostLimits(
        tasks: ProcessLimits([
            .init("kernel.pid_max", most: 32_768, used: 200),
            .init("ulimit -u", most: 1200, used: 200),
        ]), descriptors: 4096)

    @Test func `a process for each client needs as many as are left`() {
        #expect(limits.objection(to: .taskEach, connections: 900) == nil)
        #expect(
            limits.objection(to: .taskEach, connections: 1000)
                == "1,064 processes or threads are needed, and ulimit -u of 1,200 leaves 1,000")
        #expect(limits.objection(to: .together, connections: 4000) == nil)
        #expect(
            limits.objection(to: .together, connections: 4096)?
                .contains("4,128 descriptors are needed, and a process may open 4,096") == true)
        #expect(limits.objection(to: .oneAtATime, connections: 1) == nil)
        let free = HostLimits(tasks: ProcessLimits([]), descriptors: 4096)
        #expect(free.objection(to: .taskEach, connections: 100_000) == nil)
    }

    @Test func `with two processors the sides share none`() {
        #expect(
            Placement([0, 1]).note == "servers run on processor 0, the generator on processor 1")
        #expect(Placement([3]).note == "generator and servers share processor 3")
        #expect(Placement([]).note == "generator and servers share all processors")
        #expect(
            Placement(Array(0..<6), quota: 1.5).note
                == "servers run on processors 0-2, the generator on processors 3-5; the control "
                + "group allows 1.5 of them")
    }

    @Test func `as many arms are connected at once as there are descriptors for`() {
        let host = HostLimits(tasks: ProcessLimits([]), descriptors: 20_000)

        #expect(host.armsAtOnce(connections: 1000) == 19)
        #expect(host.armsAtOnce(connections: 9000) == 2)
        #expect(host.armsAtOnce(connections: 10_000) == 1)
        #expect(host.groups(of: 13, connections: 1000) == 1)
        #expect(host.groups(of: 13, connections: 9000) == 13)
        #expect(host.objectionToPairs(connections: 9900) == nil)
        #expect(
            host.objectionToPairs(connections: 10_000)?.hasPrefix(
                "20,056 descriptors are needed for two servers at once, and this process may open "
                    + "20,000") == true)
        let none = HostLimits(tasks: ProcessLimits([]), descriptors: 20)
        #expect(none.armsAtOnce(connections: 1) == 0)
    }

    // The rates.

    private func arm(_ shape: Contender.Shape, rate: Double) -> ArmState {
        var arm = ArmState(Contender(model: "m\(rate)", driver: "d", shape: shape))
        arm.take(ArmProbe(rate: rate), at: 0)
        return arm
    }

    @Test func `the slowest decides the rates, and who serves one client does not count`() throws {
        let arms = [
            arm(.together, rate: 90_000), arm(.taskEach, rate: 24_690),
            arm(.oneAtATime, rate: 700),
        ]

        let point = try #require(Rates.set([.init(connections: 1000, size: 64)], arms: arms).first)

        #expect(point.fixedRate == 12_000)
        #expect(point.sparseRate == 1000)
        #expect(point.sparseConnections == 20)
    }

    @Test func `the sparse load is never the higher one`() throws {
        let slow = Rates.set([.init(connections: 3, size: 64)], arms: [arm(.together, rate: 801)])
        let many = Rates.set([.init(connections: 9000, size: 1)], arms: [arm(.together, rate: 1e5)])
        let alone = Rates.set([.init(connections: 9, size: 1)], arms: [arm(.oneAtATime, rate: 44)])
        let none = Rates.set([.init(connections: 9, size: 1)], arms: [])

        #expect(slow[0].fixedRate == 400)
        #expect(slow[0].sparseRate == 400)
        #expect(slow[0].sparseConnections == 1)
        #expect(many[0].sparseRate == 3600)
        #expect(alone[0].fixedRate == 22)
        #expect(none[0].fixedRate == nil)
    }

    @Test func `calls for a message are what a longer life has more`() throws {
        // Each of 1,000 connections takes four calls, and each message two.
        let short = try #require(ServerLife(["recv": 3000, "send": 3000], messages: 1000))
        let long = try #require(ServerLife(["recv": 34_000, "send": 30_000], messages: 30_000))

        #expect(long.callsPerMessage(beyond: short) == 2)
        #expect(long.callsPerMessage(beyond: nil) == nil)
        #expect(short.callsPerMessage(beyond: long) == nil)
        #expect(short.callsPerMessage(beyond: short) == nil)
        #expect(ServerLife(nil, messages: 9) == nil)
    }

    // What becomes of an arm.

    private let points: [CompareRecord.Point] = [
        .init(connections: 10, size: 64), .init(connections: 9000, size: 64),
    ]

    @Test func `an arm that fails under one load goes on under the others`() {
        var arm = arm(.taskEach, rate: 5)
        arm.take(ArmProbe(rate: 5), at: 1)

        arm.end(.failed("it lost 3 connections"), at: 1, of: points)

        #expect(arm.isMeasured)
        #expect(arm.probes.keys.sorted() == [0])
        #expect(arm.arm.notes == ["9,000 connections × 64 B: it lost 3 connections"])

        arm.end(.failed("no more"), at: 0, of: points)

        #expect(arm.arm.outcome == .failed("no more"))
    }

    @Test func `an arm that is wrong under one load is wrong`() {
        var arm = arm(.together, rate: 5)

        arm.end(.incorrect(["wrong bytes"]), at: 1, of: points)

        #expect(arm.arm.outcome == .incorrect(["wrong bytes"]))
        #expect(arm.probes.isEmpty)
    }

    @Test func `the control is the same arm under its own name`() {
        let arm = arm(.together, rate: 5)

        #expect(arm.control.arm.name == arm.arm.name + "*")
        #expect(arm.control.arm.isControl)
        #expect(arm.control.contender == arm.contender)
    }
}
