import SwiftletSimulation
import Syscalls
import Testing

@testable import Swiftlet

/// Serialized, because each counts the descriptors of the whole process.
@Suite(.serialized) struct EndingTests {
    @Test(arguments: Ground.all)
    func `what was spawned is cancelled and awaited`(ground: Ground) async throws {
        let notes = Notes<IOError?>()
        try await ground.run {
            for _ in 0..<3 {
                try spawn { notes.add(await ioError { try await sleep(for: .seconds(1_000_000)) }) }
            }
            await Task.yield()
        }
        #expect(!notes.all.isEmpty && notes.all.count.isMultiple(of: 3))
        #expect(notes.all.allSatisfy { $0?.operation == .sleep })
    }

    @Test(arguments: Ground.all)
    func `a task that is parked on a descriptor is resumed with an error`(
        ground: Ground
    ) async throws {
        let notes = Notes<IOError.Reason?>()
        try await ground.run {
            notes.removeAll()
            let listener = try await Listener.bind(to: anyPort())
            try spawn { notes.add(await ioError { try await listener.accept() }?.reason) }
            await untilParked(1)
        }
        #expect(notes.all.count == 1)
        #expect([.cancelled, .loopEnded].contains(notes.all.first))
    }

    @Test func `a task that the loop does not know of is resumed too`() async throws {
        let notes = Notes<IOError.Reason?>()
        let task = try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let task = Task.detached {
                let error = await ioError { try await left.read() }
                notes.add(error?.reason)
                _ = right
            }
            while EventLoop.current?.executor.state.lot.isEmpty == true { await Task.yield() }
            return task
        }
        try await onLoop { await task.value }
        #expect(notes.all == [.loopEnded])
    }

    @Test func `after the end every operation says that the loop has ended`() async throws {
        let (left, right) = try await onLoop { try await makeConnectionPair() }
        #expect(await ioError { try await left.read() }?.reason == .loopEnded)
        #expect(await ioError { try await right.write("x") }?.reason == .loopEnded)
        left.close()
    }

    @Test func `a job that comes after the end is not lost`() async throws {
        let executor = try await onLoop { EventLoop.current?.taskExecutor }
        let value = await Task(executorPreference: executor) {
            await Task.yield()
            return 42
        }.value
        #expect(value == 42)
    }

    @Test(arguments: DriverKind.usable)
    func `no descriptor is left`(driver: DriverKind) async throws {
        // Tests of other suites open descriptors meanwhile, so the loop's own are asked for by
        // number.
        let numbers = Notes<RawDescriptor>()
        try await onLoop(driver) {
            let listener = try await Listener.bind(to: anyPort())
            numbers.add(listener.socket.descriptor)
            for _ in 0..<10 {
                let (left, right) = try await makeConnectionPair()
                numbers.add(left.socket.descriptor)
                numbers.add(right.socket.descriptor)
                leak(left)
                leak(right)
            }
            let open = EventLoop.current?.executor.state.table.open.count
            #expect(open == 21)
        }
        let table = leaked.withLock { connections in
            defer { connections = [] }
            return connections.first?.socket.loop.state.table.open.count
        }
        #expect(table == 0)
        #expect(numbers.all.count == 21)
    }

    @Test func `the error of the body comes out although tasks are still parked`() async throws {
        await #expect(throws: IOError(.read, .tooLong)) {
            try await onLoop {
                try spawn { try await sleep(for: .seconds(1_000_000)) }
                throw IOError(.read, .tooLong)
            }
        }
    }

    @Test(arguments: Ground.all)
    func `spawning while the loop ends is refused`(ground: Ground) async throws {
        let notes = Notes<IOError?>()
        try await ground.run {
            notes.removeAll()
            try spawn {
                _ = await ioError { try await sleep(for: .seconds(1_000_000)) }
                notes.add(await ioError { try spawn {} })
            }
            await Task.yield()
        }
        #expect(notes.all == [IOError(.spawn, .loopEnded)])
    }

    @Test func `a driver that fails ends the run with its error`() async throws {
        await #expect(throws: IOError(.wait, .system(.outOfMemory))) {
            try await onFailingLoop { try await sleep(for: .seconds(10)) }
        }
    }

    @Test func `a task that the loop does not know of may sleep again and again`() async throws {
        let isOver = Latch()
        let stranger = try await onLoop {
            let stranger = Task(executorPreference: EventLoop.current?.taskExecutor) {
                var sleeps = 0
                while !isOver.isSet {
                    try await Task.sleep(for: .milliseconds(1))
                    sleeps += 1
                }
                return sleeps
            }
            await Task.yield()
            return stranger
        }
        // The loop has ended, and its clock no longer ticks; the stranger's sleeps take their time.
        isOver.set()
        #expect(try await stranger.value >= 1)
    }

    @Test func `a sleep that begins after the end is not cut short`() async throws {
        let executor = try await onLoop { EventLoop.current?.taskExecutor }
        let elapsed = try await Task(executorPreference: executor) {
            let started = ContinuousClock.now
            try await Task.sleep(for: .milliseconds(20))
            return started.duration(to: .now)
        }.value
        #expect(elapsed >= .milliseconds(20))
    }

    @Test(arguments: Ground.all)
    func `what a child does when it is cancelled may start another, and is refused`(
        ground: Ground
    ) async throws {
        let refusals = Notes<IOError?>()
        try await ground.run {
            refusals.removeAll()
            guard let loop = EventLoop.current else { return }
            try spawn {
                await withTaskCancellationHandler {
                    _ = await ioError { try await sleep(for: .seconds(1_000_000)) }
                } onCancel: {
                    do throws(IOError) {
                        _ = try loop.spawn {}
                    } catch {
                        refusals.add(error)
                    }
                }
            }
            try await settle()
        }
        #expect(refusals.all == [IOError(.spawn, .loopEnded)])
    }

    @Test func `a timer of Task.sleep does not hold the end up`() async throws {
        try await onLoop {
            try spawn { try await Task.sleep(for: .seconds(1_000_000)) }
            await Task.yield()
        }
    }

    @Test func `a task that does not end costs few turns, and is named with its line`() async throws
    {
        let lines = Notes<String>()
        let turns = Notes<Int>()
        try await onLoop(over: { try JumpingDriver() }, saying: { lines.add($0) }) {
            try spawn(name: "stubborn") {
                while lines.all.count(where: { $0.contains("'stubborn'") }) < 2 {
                    _ = await ioError { try await sleep(for: .seconds(1)) }
                }
                turns.add(loopStatistics().turns)
            }
            await Task.yield()
        }
        // Named after five seconds, and after another ten: it was told every 10 ms.
        #expect(turns.all.allSatisfy { $0 < 10_000 })
        #expect(lines.all.first?.contains("has been ending for 5.0 seconds") == true)
        #expect(
            lines.all.contains { $0.contains("'stubborn' at SwiftletTests/EndingTests.swift:") })
    }

    @Test func `a task that does not end fails a simulation`() throws {
        #expect(throws: SimulationFailure.self) {
            try Simulation.explore(seeds: 1..<2) { _ in
                try spawn(name: "stubborn") {
                    while true { _ = await ioError { try await sleep(for: .seconds(1)) } }
                }
                await Task.yield()
            }
        }
    }
}

/// Connections that somebody keeps beyond the end of their loop.
private let leaked = Guarded<[Connection]>([])
private func leak(_ connection: Connection) { leaked.withLock { $0.append(connection) } }
