import Drivers
import Glibc
import Synchronization
import Syscalls
import Testing

// The part of the contract that is about other threads and about signals.

extension DriverContractTests {
    @Test(arguments: DriverUnderTest.all)
    func `a wake before the wait ends it`(kind: DriverUnderTest) throws {
        let setting = try kind.open()

        setting.driver.wake()

        var ready: [Readiness] = []
        try setting.driver.wait(until: .never, into: &ready)
        #expect(ready.isEmpty)
    }

    @Test(arguments: DriverUnderTest.all)
    func `many wakes are one and do not spin the loop`(kind: DriverUnderTest) throws {
        let setting = try kind.open()

        for _ in 0..<10_000 { setting.driver.wake() }

        let deadline = setting.driver.now.advanced(by: .milliseconds(20))
        let waits = try setting.waits(until: deadline)
        #expect(waits.ready.isEmpty)
        #expect(waits.count <= Setting.fewWaits)
    }

    @Test(arguments: DriverUnderTest.all)
    func `a wake hides nothing that is ready`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()
        try setting.driver.setInterest(.writable, in: watched)

        setting.driver.wake()

        #expect(try setting.look() == [Readiness(watched, .writable)])
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `no wake is lost however it falls together with a wait`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let waker = Waker(setting.driver)
        let rounds = 5_000
        let thread = try ParallelThread {
            for round in 1...rounds {
                waker.post(round)
                // The next wake follows at once, while the other thread goes back to wait.
                while waker.taken < round, !waker.isDone { sched_yield() }
            }
        }

        var isLost = false
        while waker.taken < rounds, !isLost {
            // All rounds may take longer than that, but not the wait for one.
            let giveUp = Instant.now.advanced(by: .seconds(120))
            let before = waker.taken
            var ready: [Readiness] = []
            try setting.driver.wait(until: giveUp, into: &ready)
            waker.take()
            isLost = waker.taken == before && Instant.now >= giveUp
        }
        waker.wakeForGood()
        thread.join()

        #expect(waker.taken == rounds)
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `a signal ends a wait with nothing`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)
        // By default this signal is ignored, and then it interrupts nothing.
        signal(SIGURG) { _ in }
        // The threads that tests run on take no signals.
        var urgent = sigset_t()
        sigaddset(&urgent, SIGURG)
        pthread_sigmask(SIG_UNBLOCK, &urgent, nil)
        defer { SignalSet([SIGURG]).block() }
        let waker = Waker(setting.driver)
        let waiting = pthread_self()
        let thread = try ParallelThread {
            while waker.taken < 3 {
                pthread_kill(waiting, SIGURG)
                sched_yield()
            }
        }
        defer { thread.join() }

        for count in 1...3 {
            var ready: [Readiness] = []
            try setting.driver.wait(until: .never, into: &ready)
            #expect(ready.isEmpty)
            waker.post(count)
            waker.take()
            // The wake that came with the post must not stand in for a signal.
            try setting.driver.wait(until: .past, into: &ready)
        }
    }
}

/// What two threads share in these tests: a driver that one of them only wakes, and two counters.
final class Waker: Sendable {
    // The contract allows `wake`, the only call made here, from every thread.
    private nonisolated(unsafe) let driver: any Driver
    private let posted = Atomic(0)
    private let seen = Atomic(0)
    private let done = Atomic(false)

    init(_ driver: any Driver) { self.driver = driver }

    /// The last post that the waiting thread has taken.
    var taken: Int { seen.load(ordering: .acquiring) }
    var isDone: Bool { done.load(ordering: .acquiring) }

    /// Leaves a number for the waiting thread and wakes it.
    func post(_ number: Int) {
        posted.store(number, ordering: .releasing)
        driver.wake()
    }

    /// Takes what was posted last.
    func take() { seen.store(posted.load(ordering: .acquiring), ordering: .releasing) }

    /// Wakes the waiting thread for the last time.
    func wakeForGood() {
        done.store(true, ordering: .releasing)
        driver.wake()
    }
}

/// A thread of its own, because a wait would hold up one of the few that tests share.
final class ParallelThread {
    private var thread = pthread_t()

    init(_ body: @escaping () -> Void) throws {
        let box = Unmanaged.passRetained(Box(body))
        let failure = pthread_create(&thread, nil, runBox, box.toOpaque())
        if failure != 0 {
            box.release()
            throw Errno(rawValue: failure)
        }
    }

    /// Waits until the thread has ended.
    func join() { pthread_join(thread, nil) }
}

private final class Box {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}

private func runBox(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
    return nil
}
