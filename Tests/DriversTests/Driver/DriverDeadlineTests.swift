import Drivers
import Syscalls
import Testing

// The part of the contract that is about time.

extension DriverContractTests {
    @Test(
        arguments: DriverUnderTest.all,
        [1, 999, 1_000, 1_001, 999_999, 1_000_000, 1_000_001, 1_500_000, 7_654_321] as [Int64]
    )
    func `a deadline is never early and never spins`(
        kind: DriverUnderTest,
        nanoseconds: Int64
    ) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)

        for _ in 0..<5 {
            let deadline = setting.driver.now.advanced(byNanoseconds: nanoseconds)
            let waits = try setting.waits(until: deadline)
            #expect(waits.ready.isEmpty)
            #expect(waits.count <= Setting.fewWaits)
        }
    }

    @Test(arguments: DriverUnderTest.all, [.past, Instant(nanoseconds: 0), .init(nanoseconds: 1)])
    func `a deadline that has passed looks and returns`(
        kind: DriverUnderTest,
        deadline: Instant
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)

        var ready: [Readiness] = []
        try setting.driver.wait(until: deadline, into: &ready)
        #expect(ready.isEmpty)

        try setting.sendByte(from: peer)
        try setting.driver.wait(until: deadline, into: &ready)
        #expect(ready == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `what is ready ends a wait before any deadline`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()
        try setting.driver.setInterest(.writable, in: watched)

        for deadline in DriverContractTests.farDeadlines {
            var ready: [Readiness] = []
            try setting.driver.wait(until: deadline, into: &ready)
            #expect(ready == [Readiness(watched, .writable)])
        }
    }

    @Test(arguments: DriverUnderTest.kernel, farDeadlines)
    func `a deadline far away neither fails nor passes`(
        kind: DriverUnderTest,
        deadline: Instant
    ) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)
        // A second driver counts out 20 ms and then wakes the first.
        let clock = try kind.open()
        let waker = Waker(setting.driver)
        let thread = try ParallelThread {
            let end = Instant.now.advanced(by: .milliseconds(20))
            _ = try? clock.waits(until: end)
            waker.wakeForGood()
        }

        var count = 0
        while !waker.isDone {
            var ready: [Readiness] = []
            try setting.driver.wait(until: deadline, into: &ready)
            #expect(ready.isEmpty)
            count += 1
        }
        thread.join()

        #expect(count <= Setting.fewWaits)
    }

    static let farDeadlines: [Instant] = [
        .never, Instant(nanoseconds: .max - 1), Instant(nanoseconds: .max / 2),
        .now.advanced(by: .seconds(86_400)), .now.advanced(by: .seconds(100 * 365 * 86_400)),
    ]

    @Test(
        arguments: [
            (Instant.never, nil), (.past, 0), (Instant(nanoseconds: 999), 0),
            (Instant(nanoseconds: 1_000), 0), (Instant(nanoseconds: 1_001), 1),
            (Instant(nanoseconds: .max - 1), 86_400_000_000_000),
            (Instant(nanoseconds: .min + 1), 0),
        ] as [(Instant, Int64?)]
    )
    func `a wait is as long as it is left, and at most a day`(
        deadline: Instant, nanoseconds: Int64?
    ) {
        #expect(
            deadline.nanosecondsToWait(from: Instant(nanoseconds: 1_000)) == nanoseconds)
    }
}
