import Syscalls
import Testing

@testable import Swiftlet

@Suite struct FairnessTests {
    @Test(arguments: DriverKind.usable)
    func `tasks that only yield do not keep the loop from its descriptors`(driver: DriverKind)
        async throws
    {
        try await onLoop(driver) {
            let (left, right) = try await makeConnectionPair()
            for _ in 0..<3 {
                try spawn { while !Task.isCancelled { await Task.yield() } }
            }
            let echo = try spawn {
                for _ in 0..<100 { try await right.write(try await right.read(exactly: 1)) }
            }
            for _ in 0..<100 {
                try await left.write("x")
                _ = try await left.read(exactly: 1)
            }
            try await echo.value
        }
    }

    @Test func `a stream that is never empty lets others run`() async throws {
        // One task writes and one reads as fast as they can; a third one counts its own turns
        // meanwhile.
        let turns = try await onLoop {
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
            #expect(total == 10_240_000)
            others.cancel()
            return try await others.value
        }
        // 10,000 writes at 32 completions a job are at least 312 jobs, with the others between
        // them.
        #expect(turns >= 300)
    }

    @Test func `a stream that never parks notices its cancellation`() async throws {
        try await onLoop {
            let (left, right) = try await makeConnectionPair()
            let drain = try spawn { while try await right.read() != nil {} }
            let stream = try spawn {
                await ioError {
                    let block = [UInt8](repeating: 7, count: 64)
                    while true { try await left.write(block) }
                }
            }
            for _ in 0..<20 { await Task.yield() }
            stream.cancel()
            #expect(try await stream.value == IOError(.write, .cancelled))
            drain.cancel()
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
}
