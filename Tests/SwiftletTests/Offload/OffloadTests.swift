import Syscalls
import Testing

@testable import Swiftlet

/// Work on threads, awaited from a loop that goes on meanwhile.
@Suite struct OffloadTests {
    private struct Trouble: Error, Equatable {}

    private func pool(threads: Int = 1, queue: Int = 100) -> ThreadPool {
        var limits = ThreadPool.Limits()
        (limits.threads, limits.queue) = (threads, queue)
        return ThreadPool(name: "test", limits: limits)
    }

    @Test(arguments: DriverKind.usable)
    func `work runs on another thread while the loop goes on`(driver: DriverKind) async throws {
        let gate = try ThreadGate()
        try await onLoop(driver) {
            let home = thisThread()
            let working = try spawn {
                try await offload {
                    gate.pass()
                    return thisThread()
                }
            }
            // The loop runs this while the thread waits for it.
            await gate.until(1)
            try gate.open()
            let thread = try await working.value
            #expect(thread != home)
            #expect(thisThread() == home)
        }
    }

    @Test func `what work throws comes out of the call`() async throws {
        try await onLoop {
            await #expect(throws: Trouble()) { try await offload { throw Trouble() } }
        }
    }

    @Test func `there are at most so many threads, and what waits comes in order`() async throws {
        let gate = try ThreadGate()
        let pool = pool(threads: 2)
        try await onLoop {
            let works = try (0..<6).map { number in
                try spawn { try await offload(on: pool) { gate.pass("\(number)") } }
            }
            await gate.until(2)
            while pool.statistics.waiting < 4 { await Task.yield() }
            #expect(pool.statistics.running == 2)
            for number in 1...6 {
                try gate.open()
                await gate.until(min(6, 2 + number))
            }
            for work in works { #expect(try await work.value) }
            #expect(Set(gate.arrived.all.prefix(2)) == ["0", "1"])
            #expect(Array(gate.arrived.all.dropFirst(2)) == ["2", "3", "4", "5"])
            #expect(pool.statistics.threadsMax == 2)
            #expect(pool.statistics.done == 6)
        }
    }

    @Test func `threads end with the work`() async throws {
        let pool = pool(threads: 4)
        try await onLoop {
            for _ in 0..<10 { try await offload(on: pool) {} }
            while pool.statistics.threads > 0 { await Task.yield() }
            #expect(pool.statistics.done == 10)
        }
    }

    @Test func `more than may wait is refused, and says by which pool`() async throws {
        let gate = try ThreadGate()
        let pool = pool(threads: 1, queue: 1)
        try await onLoop {
            let working = try (0..<2).map { _ in
                try spawn { try await offload(on: pool) { gate.pass() } }
            }
            while pool.statistics.waiting + pool.statistics.running < 2 { await Task.yield() }
            let error = await ioError { try await offload(on: pool) {} }
            #expect(error == IOError(.offload, .full))
            #expect(error.map { "\($0)" } == "offload test: as many wait already as may")
            try gate.open(for: 2)
            for work in working { #expect(try await work.value) }
            #expect(pool.statistics.refused == 1)
        }
    }

    @Test func `a task that is cancelled in the queue takes its work along`() async throws {
        let gate = try ThreadGate()
        let pool = pool()
        try await onLoop {
            let first = try spawn { try await offload(on: pool) { gate.pass("first") } }
            await gate.until(1)
            let second = try spawn { try await offload(on: pool) { gate.pass("second") } }
            while pool.statistics.waiting < 1 { await Task.yield() }
            second.cancel()
            #expect(await ioError { try await second.value } == IOError(.offload, .cancelled))
            #expect(pool.statistics.waiting == 0)
            try gate.open()
            #expect(try await first.value)
            #expect(gate.arrived.all == ["first"])
            #expect(pool.statistics.withdrawn == 1)
        }
    }

    @Test func `a task that is cancelled while its work runs leaves at once`() async throws {
        let gate = try ThreadGate()
        let pool = pool()
        try await onLoop {
            let working = try spawn { try await offload(on: pool) { gate.pass() } }
            await gate.until(1)
            working.cancel()
            #expect(await ioError { try await working.value } == IOError(.offload, .cancelled))
            // The thread still has it, and goes on to the end.
            #expect(pool.statistics.running == 1)
            try gate.open()
            #expect(try await offload(on: pool) { 7 } == 7)
            #expect(pool.statistics.done == 2)
        }
    }

    @Test func `a task that was cancelled before begins nothing`() async throws {
        let pool = pool()
        try await onLoop {
            let late = try spawn {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await offload(on: pool) { true }
            }
            #expect(await ioError { try await late.value } == IOError(.offload, .cancelled))
            #expect(pool.statistics == ThreadPool.Statistics())
        }
    }

    @Test func `work that takes too long is left at the deadline`() async throws {
        let gate = try ThreadGate()
        try await onLoop {
            let error = await ioError {
                try await offload(timeout: .milliseconds(10)) { gate.pass() }
            }
            #expect(error == IOError(.offload, .timedOut))
            try gate.open()
            #expect(
                await ioError { try await offload(timeout: .zero) {} }
                    == IOError(.offload, .timedOut))
        }
    }

    @Test func `a loop that ends waits for no thread`() async throws {
        let gate = try ThreadGate()
        let working = try await onLoop {
            let working = try spawn { try await offload { gate.pass() } }
            await gate.until(1)
            return working
        }
        let reason = await ioError { try await working.value }?.reason
        #expect(reason == .cancelled || reason == .loopEnded)
        try gate.open()
    }

    @Test func `outside of a loop there is nothing to wait with`() async throws {
        #expect(await ioError { try await offload {} } == IOError(.offload, .noLoop))
    }

    @Test func `reports say that a thread is at work`() async throws {
        let gate = try ThreadGate()
        try await onLoop {
            let working = try spawn(name: "sum") { try await offload { gate.pass() } }
            await gate.until(1)
            let reports = await EventLoop.current?.parkReports ?? []
            #expect(reports.map(\.name) == ["sum"])
            #expect(reports.first?.purpose == "for a thread to do its work")
            try gate.open()
            #expect(try await working.value)
        }
    }

    @Test func `threads carry the name of their pool`() async throws {
        try await onLoop {
            let pool = ThreadPool(name: "files of the app")
            let name = try await offload(on: pool) {
                try File.read("/proc/thread-self/comm", atMost: 64)
            }
            #expect(name == "files of the ap\n")
        }
    }

    private actor Caller {
        func ask(_ pool: ThreadPool) async throws -> Int { try await offload(on: pool) { 7 } }
    }

    @Test func `an actor may ask, and other loops`() async throws {
        let pool = pool(threads: 3, queue: 1_000)
        let sum = try await onLoops(3) {
            #expect(try await Caller().ask(pool) == 7)
            return try await withThrowingTaskGroup(of: Int.self) { group in
                for loop in EventLoop.all {
                    for number in 1...100 {
                        let working = try loop.spawn { try await offload(on: pool) { number } }
                        group.addTask { try await working.value }
                    }
                }
                return try await group.reduce(0, +)
            }
        }
        #expect(sum == 3 * 5_050)
        #expect(pool.statistics.done == 301)
        #expect(pool.statistics.threadsMax <= 3)
    }
}
