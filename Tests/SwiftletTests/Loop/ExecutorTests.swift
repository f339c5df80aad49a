import Synchronization
import Syscalls
import Testing

@testable import Swiftlet

/// An actor that runs on whatever executor the calling task prefers.
private actor Plain {
    func thread() -> UInt { thisThread() }
}

/// An actor whose own executor is the loop.
private actor Bound {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        loop.taskExecutor.asUnownedSerialExecutor()
    }
    init(_ loop: EventLoop) { self.loop = loop }
    func thread() -> UInt {
        assertIsolated()
        return thisThread()
    }
}

@concurrent private func concurrentThread() async -> UInt { thisThread() }
nonisolated(nonsending) private func inheritingThread() async -> UInt { thisThread() }

/// The thread that each kind of asynchronous code runs on.
@Sendable private func threadsOfEverything() async throws -> [UInt] {
    guard let loop = EventLoop.current else { throw IOError(.park, .noLoop) }
    var threads = [thisThread()]
    async let child = thisThread()
    threads.append(await child)
    threads += await withTaskGroup(of: UInt.self) { group in
        for _ in 0..<10 {
            group.addTask {
                await Task.yield()
                return thisThread()
            }
        }
        return await group.reduce(into: []) { $0.append($1) }
    }
    threads.append(await Plain().thread())
    threads.append(await Bound(loop).thread())
    threads.append(await concurrentThread())
    threads.append(await inheritingThread())
    threads.append(try await spawn { thisThread() }.value)
    try await sleep(for: .nanoseconds(1))
    threads.append(thisThread())
    return threads
}

@Suite struct ExecutorTests {
    @Test(arguments: DriverKind.usable)
    func `a descriptor that is not open is an error and costs nothing, whatever its number`(
        driver: DriverKind
    ) async throws {
        try await onLoop(driver) {
            let loop = try EventLoop.require(.park)
            for number: CInt in [-1, .min, 50_000_000, .max] {
                let descriptor = RawDescriptor(number)
                let error = await ioError { try await loop.park(on: descriptor, for: .read) }
                #expect(error == IOError(.park, .system(.badDescriptor)))
                await loop.forget(descriptor)
            }
            #expect(loop.executor.state.lot.descriptors < 100_000)
        }
    }

    @Test(arguments: [0, -1, .min]) func `a run has at least one loop`(loops: Int) {
        #expect(throws: IOError(.spawn, .outOfRange(loops))) {
            try EventLoop.run(loops: loops) {}
        }
    }

    @Test func `the value of the body comes back, and its error`() async throws {
        #expect(try await onLoop { 42 } == 42)
        await #expect(throws: IOError(.read, .tooLong)) {
            try await onLoop { throw IOError(.read, .tooLong) }
        }
    }

    @Test(arguments: DriverKind.usable)
    func `everything that a task awaits stays on the loop's thread`(driver: DriverKind) async throws
    {
        let (caller, threads) = try await onThread {
            (thisThread(), try EventLoop.run(driver: driver) { try await threadsOfEverything() })
        }
        #expect(threads.count == 18)
        #expect(threads.allSatisfy { $0 == caller })
    }

    #if !SWIFTLET_PUBLIC_API_ONLY
        @Test func `Task.sleep lands on the loop's own timers`() throws {
            try simulated { _ in
                let (started, before) = (loopNow(), loopStatistics().postedJobs)
                for _ in 0..<10 { try await Task.sleep(for: .seconds(3600)) }
                try await ContinuousClock().sleep(for: .seconds(3600))
                try await SuspendingClock().sleep(for: .seconds(3600))
                // Nothing came from another thread, and half a day took no time.
                try #require(loopStatistics().postedJobs == before)
                try #require(started.duration(to: loopNow()) == .seconds(12 * 3600))
            }
        }

        @Test func `a sleep that is cancelled leaves nothing behind`() async throws {
            let (sleepers, rounds) = (100, 100)
            try await onLoop {
                let loop = try #require(EventLoop.current)
                for _ in 0..<rounds {
                    try await withThrowingDiscardingTaskGroup { group in
                        for _ in 0..<sleepers {
                            group.addTask {
                                await #expect(throws: CancellationError.self) {
                                    try await Task.sleep(for: .seconds(3600))
                                }
                            }
                        }
                        await Task.yield()
                        #expect(loop.executor.state.naps.count == sleepers)
                        group.cancelAll()
                    }
                }
                for _ in 0..<10 { await Task.yield() }
                #expect(loop.executor.state.deadlines.isEmpty)
                #expect(loop.executor.state.naps.isEmpty)
            }
        }

        @Test func `a sleep that another thread cancels leaves nothing behind`() async throws {
            try await onLoop {
                let loop = try #require(EventLoop.current)
                let sleeper = try spawn { try await Task.sleep(for: .seconds(3600)) }
                await Task.yield()
                #expect(loop.executor.state.naps.count == 1)
                try await onThread { sleeper.cancel() }
                await #expect(throws: CancellationError.self) { try await sleeper.value }
                for _ in 0..<10 { await Task.yield() }
                #expect(loop.executor.state.deadlines.isEmpty)
            }
        }
    #endif

    @Test func `a task of another executor comes to the loop and goes back`() async throws {
        let notes = Notes<Bool>()
        try await onLoop {
            let loopThread = thisThread()
            let (left, right) = try await makeConnectionPair()
            let foreign = Task.detached {
                let before = thisThread()
                try await left.write("ping")
                let reply = try await left.read(exactly: 4) ?? []
                notes.add(before != loopThread && thisThread() != loopThread)
                return String(decoding: reply, as: UTF8.self)
            }
            try await right.write(try await right.read(exactly: 4) ?? [])
            #expect(try await foreign.value == "ping")
        }
        #expect(notes.all == [true])
    }

    @Test func `main-actor code can use a connection`() async throws {
        let line = try await onLoop {
            let (left, right) = try await makeConnectionPair()
            try await left.write("hello\n")
            return try await readOnMain(right)
        }
        #expect(line == "hello")
    }

    @Test func `outside a loop there is a clear error`() async {
        #expect(await ioError { try await sleep(for: .zero) } == IOError(.sleep, .noLoop))
        #expect(await ioError { try spawn {} } == IOError(.spawn, .noLoop))
        let error = await ioError { try await Connection.connect(to: anyPort()) }
        #expect(error == IOError(.connect, .noLoop))
    }

    @Test func `many threads post and every job runs`() async throws {
        let count = try await onLoop {
            guard let loop = EventLoop.current else { throw IOError(.park, .noLoop) }
            let counter = Counter()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask(executorPreference: globalConcurrentExecutor) {
                        for _ in 0..<500 {
                            await withTaskExecutorPreference(loop.taskExecutor) {
                                loop.taskExecutor.assertOnLoop()
                                counter.increment()
                            }
                        }
                    }
                }
            }
            return counter.value
        }
        #expect(count == 4000)
    }

    @Test func `loops in several threads do not disturb each other`() async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<4 {
                group.addTask {
                    try await onLoop(.epoll) {
                        let (left, right) = try await makeConnectionPair()
                        for _ in 0..<100 {
                            try await left.write("\(number)")
                            _ = try await right.read(exactly: 1)
                        }
                        return number
                    }
                }
            }
            let numbers = try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            #expect(numbers == [0, 1, 2, 3])
        }
    }
}

@MainActor private func readOnMain(_ connection: Connection) async throws -> String? {
    let line = try await connection.readLine()
    MainActor.assertIsolated()
    return line
}

/// Counts without a lock, on the loop's thread and nowhere else.
private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func increment() { count.add(1, ordering: .relaxed) }
}

extension SerialExecutor {
    fileprivate func assertOnLoop() { checkIsolated() }
}
