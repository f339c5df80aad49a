import Syscalls
import Testing

@testable import Swiftlet

@Suite struct FairnessTests {
    @Test(arguments: Ground.all)
    func `tasks that only yield do not keep the loop from its descriptors`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let (left, right) = try await makeConnectionPair()
            for _ in 0..<3 {
                try spawn { while !Task.isCancelled { await Task.yield() } }
            }
            let echo = try spawn {
                for _ in 0..<100 { try await right.write(try await right.read(exactly: 1) ?? []) }
            }
            for _ in 0..<100 {
                try await left.write("x")
                _ = try await left.read(exactly: 1)
            }
            try await echo.value
        }
    }

    @Test(arguments: Ground.all)
    func `a stream that is never empty lets others run`(ground: Ground) async throws {
        // One task writes and one reads as fast as they can; a third one counts its own turns
        // meanwhile.
        try await ground.run(seeds: 0..<3) {
            let (left, right) = try await makeConnectionPair()
            let others = try spawn {
                var turns = 0
                while !Task.isCancelled {
                    await Task.yield()
                    turns += 1
                }
                return turns
            }
            try spawn {
                let block = [UInt8](repeating: 7, count: 1024)
                for _ in 0..<10_000 { try await left.write(block) }
                left.close()
            }
            var total = 0
            while let bytes = try await right.read() { total += bytes.count }
            try #require(total == 10_240_000)
            others.cancel()
            // 10,000 writes at 32 completions a job are at least 312 jobs. A schedule may put a
            // job off, but not for long.
            try #require(try await others.value >= 200)
        }
    }

    @Test func `a stream that never parks notices its cancellation`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            try spawn { while try await right.read() != nil {} }
            let stream = try spawn {
                await ioError {
                    let block = [UInt8](repeating: 7, count: 64)
                    while true { try await left.write(block) }
                }
            }
            for _ in 0..<20 { await Task.yield() }
            stream.cancel()
            try #require(try await stream.value == IOError(.write, .cancelled))
        }
    }

    @Test func `nobody waits long for a turn, whatever the schedule`() throws {
        try simulated(seeds: 0..<100) { _ in
            let turns = Notes<Int>()
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<5 {
                    group.addTask {
                        for _ in 0..<200 {
                            turns.add(number)
                            await Task.yield()
                        }
                    }
                }
            }
            let order = turns.all
            for number in 0..<5 {
                let places = order.indices.filter { order[$0] == number }
                let longest = zip(places, places.dropFirst()).map { $1 - $0 }.max()
                // A turn of each of the others between any two is fair, several are chance. That
                // one is put off again and again is not.
                try #require(try #require(longest) < 50)
            }
        }
    }

    @Test func `of many who are served as fast as they can ask, nobody falls far behind`() throws {
        try simulated { _ in
            let ended = Notes<Int>()
            try await withServer(handler: echoBack) { server in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            try await Connection.connect(to: server.address) { client in
                                for _ in 0..<50 {
                                    try await client.write("x")
                                    _ = try await client.read(exactly: 1)
                                    ended.add(number)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            // When the first one has had all of its answers, everybody has had a third of them.
            var answers = Array(repeating: 0, count: 20)
            for number in ended.all {
                answers[number] += 1
                if answers[number] == 50 { break }
            }
            try #require(try #require(answers.min()) >= 16)
        }
    }

    @Test func `an idle loop of a simulation waits once`() throws {
        try simulated { _ in
            let (left, right) = try await makeConnectionPair()
            try await left.write("nobody reads this")
            _ = try await right.read(exactly: 1)
            left.close()
            let before = loopStatistics().waits
            try await sleep(for: .seconds(3600))
            // One or two for the hang-up that concerns nobody, and one for the deadline.
            try #require(loopStatistics().waits - before <= 4)
        }
    }

    @Test(arguments: DriverKind.usable)
    func `an idle loop waits once and does not spin`(driver: DriverKind) async throws {
        let waits = try await onLoop(driver) {
            guard let loop = EventLoop.current else { throw IOError(.park, .noLoop) }
            let (left, right) = try await makeConnectionPair()
            try await left.write("nobody reads this")
            // The peer hangs up with bytes unread, and nobody is parked on it any more.
            let reader = try spawn { try await right.read(exactly: 1) }
            _ = try await reader.value
            left.close()
            let before = await loop.statistics.waits
            // Some milliseconds in which the loop has nothing to do.
            _ = await Task.detached { (0..<3_000_000).reduce(into: 0) { $0 ^= $1 &* $1 } }.value
            return await loop.statistics.waits - before
        }
        // One or two for the hang-up that concerns nobody, and one for the news from the other
        // thread.
        #expect(waits <= 8)
    }

    @Test(arguments: DriverKind.usable.filter { [.epoll, .ioUring].contains($0) })
    func `steady echoes make one receive, one send, and no change of interest`(
        driver: DriverKind
    ) async throws {
        let (before, after) = try await onLoop(driver) {
            guard let loop = EventLoop.current else { throw IOError(.park, .noLoop) }
            let (left, right) = try await makeConnectionPair()
            let echo = try spawn {
                while let bytes = try await right.read() { try await right.write(bytes) }
            }
            func echoOnce() async throws {
                try await left.write("ping")
                guard let bytes = try await left.read() else { throw IOError(.read, .endOfStream) }
                #expect(bytes.count == 4)
            }
            for _ in 0..<10 { try await echoOnce() }
            let before = await loop.statistics
            for _ in 0..<1000 { try await echoOnce() }
            let after = await loop.statistics
            echo.cancel()
            return (before, after)
        }
        // Both ends are on this loop, so each echo is two receives and two sends.
        #expect(after.receives - before.receives == 2000)
        #expect(after.sends - before.sends == 2000)
        #expect(after.wouldBlocks == before.wouldBlocks)
        #expect(after.interestChanges == before.interestChanges)
    }

    @Test func `the longest turn counts the one that is under way`() async throws {
        try await onLoop {
            let loop = try #require(EventLoop.current)
            // As if this turn had begun an hour ago.
            loop.executor.state.turnStart = loopNow().advanced(by: .seconds(-3600))
            #expect(await loop.statistics.longestTurn >= 3600 * 1_000_000_000)
        }
    }
}
