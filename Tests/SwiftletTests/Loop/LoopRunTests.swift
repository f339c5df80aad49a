import Glibc
import Syscalls
import Testing

@testable import Swiftlet

/// Several loops that run together: what is where, and how they end.
@Suite(.serialized) struct LoopRunTests {
    @Test(arguments: DriverKind.usable)
    func `each loop has a thread of its own, and the body is on the first`(
        driver: DriverKind
    ) async throws {
        try await onLoops(4, driver) {
            #expect(EventLoop.all.count == 4)
            #expect(loopPlace() == 0)
            var threads: Set<UInt> = [thisThread()]
            for (place, loop) in EventLoop.all.enumerated().dropFirst() {
                let task = try loop.spawn {
                    // Child tasks are on the same loop, and know it.
                    async let child = (loopPlace(), thisThread())
                    #expect(loopPlace() == place)
                    #expect(await child == (place, thisThread()))
                    return thisThread()
                }
                threads.insert(try await task.value)
            }
            #expect(threads.count == 4)
        }
    }

    @Test func `a loop that runs alone is all there is, and outside there is none`() async throws {
        try await onLoop { #expect(EventLoop.all.map(\.executor.isCurrent) == [true]) }
        #expect(EventLoop.all.isEmpty)
    }

    @Test func `no thread and no driver is left when run returns`() async throws {
        let threads = Notes<String>()
        let drivers = Notes<Trace>()
        try await onLoops {
            for loop in EventLoop.all.dropFirst() {
                try await loop.spawn { threads.add(threadPath()) }.value
            }
            #expect(threads.all.allSatisfy { isThread($0) })
        } over: {
            try (0..<3).map { _ in
                let flag = Latch()
                drivers.add(Trace(flag: flag))
                return try BreakableDriver(until: flag)
            }
        }
        #expect(threads.all.count == 2)
        #expect(!threads.all.contains { isThread($0) })
        #expect(drivers.all.count == 3)
        #expect(!drivers.all.contains { $0.flag != nil })
    }

    @Test func `what was spawned on any loop is cancelled and awaited`() async throws {
        let notes = Notes<IOError?>()
        try await onLoops(3) {
            let started = Notes<Void>()
            for loop in EventLoop.all {
                try loop.spawn {
                    started.add(())
                    notes.add(await ioError { try await sleep(for: .seconds(1_000_000)) })
                }
            }
            while started.all.count < 3 { await Task.yield() }
        }
        #expect(notes.all.count == 3)
        #expect(notes.all.allSatisfy { $0?.operation == .sleep })
    }

    /// The last task of a run is on one loop and needs the others to the end.
    @Test(arguments: 0..<3)
    func `no loop goes while a task of another one needs it`(place: Int) async throws {
        let wrong = Notes<Int>()
        let rounds = Notes<Int>()
        try await onLoops(3) {
            let started = Latch()
            let loops = EventLoop.all
            try loops[place].spawn {
                started.set()
                _ = await ioError { try await sleep(for: .seconds(1_000_000)) }
                for round in 0..<30 {
                    let executor = loops[round % 3].executor
                    let isThere = await withTaskExecutorPreference(executor) { executor.isCurrent }
                    if !isThere { wrong.add(round) }
                    rounds.add(round)
                }
            }
            while !started.isSet { await Task.yield() }
        }
        #expect(rounds.all.count == 30)
        #expect(wrong.all.isEmpty)
    }

    @Test func `the error of the body comes out and all loops end`() async throws {
        let sockets = FaultySockets()
        await #expect(throws: IOError(.read, .tooLong)) {
            try await onLoops(3, sockets: sockets) {
                for loop in EventLoop.all { try loop.spawn { try await listenForEver() } }
                throw IOError(.read, .tooLong)
            }
        }
        #expect(sockets.openCount == 0)
    }

    @Test(arguments: 0..<3)
    func `a loop that fails ends the run with its error`(place: Int) async throws {
        let sockets = FaultySockets()
        let isBroken = Latch()
        await #expect(throws: IOError(.wait, .system(.outOfMemory))) {
            try await onLoops(sockets: sockets) {
                for loop in EventLoop.all { try loop.spawn { try await listenForEver() } }
                isBroken.set()
                EventLoop.all[place].executor.wake()
                try await sleep(for: .seconds(1_000_000))
            } over: {
                try threeDrivers(place, breaksWith: isBroken)
            }
        }
        #expect(sockets.openCount == 0)
    }

    @Test func `a loop that cannot wait at all ends the run with its error`() async throws {
        await #expect(throws: IOError(.wait, .system(.outOfMemory))) {
            try await onLoops {
                try await sleep(for: .seconds(1_000_000))
            } over: {
                [try DriverKind.poll.makeDriver(), FailingDriver()]
            }
        }
    }

    @Test func `spawning on a loop of a run that is over is refused`() async throws {
        let loops = try await onLoops(2) { EventLoop.all }
        for loop in loops {
            #expect(await ioError { try loop.spawn {} } == IOError(.spawn, .loopEnded))
        }
    }

    @Test func `each loop counts for itself`() async throws {
        try await onLoops(2) {
            let jobs = try await EventLoop.all[1].spawn {
                for _ in 0..<100 { await Task.yield() }
                return loopStatistics().jobs
            }.value
            #expect(jobs >= 100)
            #expect(await EventLoop.all[1].statistics.jobs >= jobs)
            #expect(loopStatistics().jobs < 100)
        }
    }

    @Test func `the top level of a program says in one line what went wrong, and ends with 1`()
        async throws
    {
        let ending = try await #require(
            processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
        ) {
            EventLoop.main { throw IOError(.bind, .system(.addressInUse)) }
        }
        let text = String(decoding: ending.standardErrorContent, as: UTF8.self)
        #expect(text == "bind: Address already in use\n")
    }
}

/// A listener on the calling loop that nobody connects to.
private func listenForEver() async throws {
    _ = try await Listener.bind(to: anyPort()).accept()
}

/// What only a driver holds, so that the end of the driver is seen.
private struct Trace { weak let flag: Latch? }

/// Where the kernel shows the calling thread: "/proc/1234/task/1240".
private func threadPath() -> String {
    var bytes = [CChar](repeating: 0, count: 64)
    let count = readlink("/proc/thread-self", &bytes, bytes.count)
    return "/proc/" + String(decoding: bytes.prefix(count).map(UInt8.init), as: UTF8.self)
}

private func isThread(_ path: String) -> Bool { access(path, F_OK) == 0 }
