import Drivers
import Syscalls
import Testing

/// The contract that is written above `Driver`, held against every driver.
///
/// Waits that could hang are bounded by the time limit; no test depends on how long something
/// takes.
@Suite(.timeLimit(.minutes(60))) struct DriverContractTests {
    // MARK: Interest

    @Test(arguments: DriverUnderTest.all)
    func `a look tells all that is ready, or at least 256`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        var watched: Set<RawDescriptor> = []
        for _ in 0..<300 {
            let pair = try setting.makePair()
            try setting.driver.setInterest(.readable, in: pair.watched)
            try setting.sendByte(from: pair.peer)
            watched.insert(pair.watched)
        }

        let first = try setting.look()
        let rest = try setting.look()

        #expect(first.count >= 256)
        #expect(Set((first + rest).map(\.descriptor)) == watched)
    }

    @Test(arguments: DriverUnderTest.all)
    func `nothing is ready before something happened`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()

        try setting.driver.setInterest(.readable, in: watched)

        #expect(try setting.look().isEmpty)
    }

    @Test(arguments: DriverUnderTest.all)
    func `what has arrived is reported as readable and not as writable`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)

        try setting.sendByte(from: peer)

        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `room to send is reported as writable and not as readable`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.sendByte(from: peer)

        try setting.driver.setInterest(.writable, in: watched)

        #expect(try setting.waitForReadiness() == [Readiness(watched, .writable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `both directions at once are one report`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.both, in: watched)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .writable)])

        try setting.sendByte(from: peer)

        #expect(try setting.waitForReadiness() == [Readiness(watched, .both)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `a full descriptor is writable again when its peer has read`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.writable, in: watched)

        try setting.fill(from: watched)
        #expect(try setting.look().isEmpty)

        try setting.drain(peer)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .writable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `a new interest replaces the old one`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.sendByte(from: peer)

        for interest in [Interest.readable, .writable, .both, .readable, .both, .writable] {
            try setting.driver.setInterest(interest, in: watched)
            #expect(try setting.waitForReadiness() == [Readiness(watched, interest)])
        }
    }

    @Test(arguments: DriverUnderTest.all)
    func `the same interest set again changes nothing`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        for _ in 0..<3 { try setting.driver.setInterest(.readable, in: watched) }

        try setting.sendByte(from: peer)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])

        try setting.driver.setInterest([], in: watched)
        #expect(try setting.look().isEmpty)
    }

    @Test(arguments: DriverUnderTest.all)
    func `a withdrawn interest reports nothing and can come back`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.both, in: watched)
        try setting.sendByte(from: peer)

        try setting.driver.setInterest([], in: watched)
        #expect(try setting.look().isEmpty)

        try setting.driver.setInterest(.readable, in: watched)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `withdrawing what was never asked for is harmless`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.sendByte(from: peer)

        for _ in 0..<2 { try setting.driver.setInterest([], in: watched) }

        #expect(try setting.look().isEmpty)
    }

    @Test(arguments: DriverUnderTest.all)
    func `withdrawing one descriptor leaves the others as they were`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let pairs = try (0..<16).map { _ in try setting.makePair() }
        for pair in pairs {
            try setting.driver.setInterest(.readable, in: pair.watched)
            try setting.sendByte(from: pair.peer)
        }

        var left = Set(pairs.map(\.watched))
        // From the front, the back and the middle, as tables that close their holes must survive.
        for index in [0, 15, 7, 8, 1, 14, 3, 2] {
            try setting.driver.setInterest([], in: pairs[index].watched)
            left.remove(pairs[index].watched)
            #expect(Set(try setting.look().map(\.descriptor)) == left)
        }
    }

    // MARK: Readiness

    @Test(arguments: DriverUnderTest.all)
    func `what is ready and not used is reported again`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)
        try setting.sendByte(from: peer)

        for _ in 0..<5 {
            #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
        }
        try setting.drain(watched)

        #expect(try setting.look().isEmpty)
    }

    @Test(arguments: DriverUnderTest.all)
    func `reports are added to those that are there`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()
        try setting.driver.setInterest(.writable, in: watched)
        let earlier = Readiness(RawDescriptor(3), .readable)

        var ready = [earlier]
        try setting.driver.wait(until: .past, into: &ready)

        #expect(ready == [earlier, Readiness(watched, .writable)])
    }

    @Test(arguments: DriverUnderTest.all, [Interest.readable, .writable, .both])
    func `a hang-up is reported to every direction that was asked for`(
        kind: DriverUnderTest,
        interest: Interest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(interest, in: watched)

        setting.close(peer)

        let ready = try setting.waitForReadiness()
        #expect(ready.map(\.descriptor) == [watched])
        #expect(ready.allSatisfy { $0.ready.contains(interest) })
    }

    @Test(arguments: DriverUnderTest.all, [Interest.readable, .writable, .both])
    func `an error is reported to every direction that was asked for`(
        kind: DriverUnderTest,
        interest: Interest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.fill(from: watched)
        try setting.driver.setInterest(interest, in: watched)

        // The peer leaves with bytes unread: that is a reset.
        setting.close(peer)

        let ready = try setting.waitForReadiness()
        #expect(ready.map(\.descriptor) == [watched])
        #expect(ready.allSatisfy { $0.ready.contains(interest) })
    }

    // MARK: Nobody parked

    @Test(arguments: DriverUnderTest.all)
    func `after its interest is withdrawn not even a hang-up ends a wait`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let pairs = try (0..<3).map { _ in try setting.makePair() }
        for pair in pairs { try setting.driver.setInterest(.both, in: pair.watched) }

        for pair in pairs {
            try setting.driver.setInterest([], in: pair.watched)
            setting.close(pair.peer)
        }

        let deadline = setting.driver.now.advanced(by: .milliseconds(20))
        let waits = try setting.waits(until: deadline)
        #expect(waits.ready.isEmpty)
        #expect(waits.count <= Setting.fewWaits)
    }

    @Test(arguments: DriverUnderTest.all)
    func `a descriptor that nobody asked for never spins the loop`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (idle, _) = try setting.makePair()
        let (_, _) = try setting.makePair()
        let (full, peer) = try setting.makePair()
        try setting.sendByte(from: peer)
        try setting.driver.setInterest(.readable, in: idle)
        try setting.driver.setInterest(.readable, in: full)
        #expect(try setting.waitForReadiness() == [Readiness(full, .readable)])

        try setting.driver.setInterest([], in: full)

        let deadline = setting.driver.now.advanced(by: .milliseconds(20))
        let waits = try setting.waits(until: deadline)
        #expect(waits.ready.isEmpty)
        #expect(waits.count <= Setting.fewWaits)
    }
}
