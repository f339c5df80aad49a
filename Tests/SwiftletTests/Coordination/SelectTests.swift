import Drivers
import Swiftlet
import Testing

@testable import SwiftletSimulation

/// The first of several things, and nothing of the others.
@Suite struct SelectTests {
    /// What a call of these tests makes of its choices.
    enum Next: Equatable, Sendable {
        case left(Int?)
        case right(Int?)
        case sent, readable, writable, late
    }

    @Test(arguments: Ground.ofCoordination)
    func `one of those that are ready is taken, each in its turn`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = (Channel<Int>(capacity: 40), Channel<Int>(capacity: 40))
            for number in 0..<40 {
                try await left.send(number)
                try await right.send(number)
            }
            let choices: [Choice<Next>] = [
                .receive(left) { .left($0) }, .receive(right) { .right($0) },
            ]
            for count in 1...40 {
                _ = try await select(choices)
                try #require(left.count + right.count == 80 - count)
            }
            // Neither is starved, whatever the seed.
            try #require(left.count < 40 && right.count < 40)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a choice keeps its channel, and what is in it`(ground: Ground) async throws {
        @Sendable func holding7() -> Choice<Next> {
            let channel = Channel<Int>(capacity: 1)
            _ = channel.trySend(7)
            return .receive(channel) { .left($0) }
        }
        try await ground.run {
            let next = try await select([holding7()])
            try #require(next == .left(7))
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `it waits for the first, and the others keep what they have`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = (Channel<Int>(), Channel<Int>(capacity: 1))
            let waiting = try spawn {
                try await select(.receive(left) { Next.left($0) }, .receive(right) { .right($0) })
            }
            try await settle()
            // In one job: both come before the waiting task runs.
            try #require(left.trySend(1))
            try #require(right.trySend(2))
            try #require(try await waiting.value == .left(1))
            try #require(right.tryReceive() == 2 && left.tryReceive() == nil)
            try #require(!left.trySend(3))
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `what is not chosen is not sent`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = (Channel<Int>(), Channel<Int>(capacity: 1))
            let choices: @Sendable (Int) -> [Choice<Next>] = {
                [.send(left, $0, then: .sent), .receive(right) { .right($0) }]
            }
            let first = try spawn { try await select(choices(1)) }
            try await settle()
            try await right.send(7)
            try #require(try await first.value == .right(7))
            try #require(left.tryReceive() == nil)
            let second = try spawn { try await select(choices(2)) }
            try await settle()
            try #require(left.tryReceive() == 2)
            try #require(try await second.value == .sent)
            // With a place there is no wait.
            try #require(try await select(.send(right, 3, then: Next.sent)) == .sent)
            try #require(right.tryReceive() == 3)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `two calls find one another`(ground: Ground) async throws {
        try await ground.run {
            for turn in 0..<10 {
                let (left, right) = (Channel<Int>(), Channel<Int>())
                let one = try spawn {
                    try await select(
                        .send(left, turn, then: Next.sent), .receive(right) { .right($0) })
                }
                if turn.isMultiple(of: 2) { try await settle() }
                let other = try await select(
                    .receive(left) { Next.left($0) }, .send(right, turn, then: .sent))
                let outcome = try await one.value
                try #require(
                    outcome == .sent && other == .left(turn)
                        || outcome == .right(turn) && other == .sent)
                try #require(left.tryReceive() == nil && right.tryReceive() == nil)
            }
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a channel that is closed is ready, and takes nothing`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = (Channel<Int>(), Channel<Int>())
            let waiting = try spawn {
                try await select(.receive(left) { Next.left($0) }, .receive(right) { .right($0) })
            }
            let sending = try spawn {
                await ioError { try await select(.send(right, 1, then: Next.sent)) }
            }
            try await settle()
            left.close()
            // The first of them may have met the other one.
            let outcome = try await waiting.value
            try #require(outcome == .left(nil) || outcome == .right(1))
            right.close()
            let error = try await sending.value
            try #require(error == (outcome == .right(1) ? nil : failure(.send, .closed)))
            try #require(try await select(.receive(left) { Next.left($0) }) == .left(nil))
            let late = await ioError { try await select(.send(left, 1, then: Next.sent)) }
            try #require(late == failure(.send, .closed))
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a time is a choice, and comes after what is ready`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>(capacity: 1)
            let choices: [Choice<Next>] = [
                .after(.seconds(3600), then: .sent), .after(.zero, then: .late),
                .receive(channel) { .left($0) },
            ]
            try #require(try await select(choices) == .late)
            try await channel.send(1)
            try #require(try await select(choices) == .left(1))
            try #require(try await select(.after(.milliseconds(1), then: Next.late)) == .late)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a queue is got from and put into`(ground: Ground) async throws {
        try await ground.run {
            let queue = Queue<Int>(.lifo, capacity: 2)
            let waiting = try spawn { try await select(.get(queue) { Next.left($0) }) }
            try await settle()
            for number in 0..<3 { try await queue.put(number) }
            try #require(try await waiting.value == .left(0))
            let putting = try spawn { try await select(.put(queue, 9, then: Next.sent)) }
            try await settle()
            try #require(try await queue.get() == 2)
            try #require(try await putting.value == .sent)
            try #require(queue.tryGet() == 9 && queue.tryGet() == 1 && queue.unfinished == 4)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a cancelled call takes nothing and sends nothing`(ground: Ground) async throws {
        try await ground.run {
            let (left, right) = (Channel<Int>(), Channel<Int>())
            let waiting = try spawn {
                try await select(.receive(left) { Next.left($0) }, .send(right, 1, then: .sent))
            }
            try await settle()
            waiting.cancel()
            try #require(!left.trySend(2))
            try #require(right.tryReceive() == nil)
            try #require(
                await ioError { try await waiting.value } == failure(.select, .cancelled))
        }
    }

    @Test(arguments: Ground.all)
    func `a connection that can be read is chosen, and its bytes are there`(ground: Ground)
        async throws
    {
        try await ground.run {
            let (near, far) = try await makeConnectionPair()
            let channel = Channel<Int>(capacity: 1)
            let choices: [Choice<Next>] = [
                .receive(channel) { .left($0) }, .readable(near, then: .readable),
            ]
            for round in 0..<3 {
                try await channel.send(round)
                try #require(try await select(choices) == .left(round))
                let waiting = try spawn { try await select(.readable(near, then: Next.readable)) }
                try await settle()
                try #require(await ioError { try await near.read() } == failure(.read, .busy))
                try await far.write("one\ntwo\n")
                try #require(try await waiting.value == .readable)
                try #require(try await near.readLine() == "one")
                // What is there already needs no kernel.
                try #require(try await select(choices) == .readable)
                try #require(try await near.readLine() == "two")
            }
            try #require(
                try await select(choices + [.writable(near, then: .writable)]) == .writable)
            far.close()
            try #require(try await select(choices) == .readable)
            try #require(try await near.read() == nil)
            near.close()
            try #require(await ioError { try await select(choices) } == failure(.read, .closed))
        }
    }

    @Test(arguments: Ground.all)
    func `a connection that is not chosen is free again`(ground: Ground) async throws {
        try await ground.run {
            let (near, far) = try await makeConnectionPair()
            let channel = Channel<Int>()
            for round in 0..<3 {
                let waiting = try spawn {
                    try await select(
                        .receive(channel) { Next.left($0) }, .readable(near, then: .readable))
                }
                try await settle()
                if round == 0 { waiting.cancel() } else { try await channel.send(round) }
                let outcome = try? await waiting.value
                try #require(outcome == (round == 0 ? nil : .left(round)))
                try await far.write("x")
                try #require(try await near.read(exactly: 1)?.count == 1)
            }
        }
    }

    @Test func `tasks of other loops and of none watch a connection, too`() async throws {
        try await onLoops(2) {
            let (near, far) = try await makeConnectionPair()
            let channel = Channel<Int>()
            for round in 0..<20 {
                let choices: @Sendable () async throws -> Next = {
                    try await select(
                        .receive(channel) { .left($0) }, .readable(near, then: .readable))
                }
                let waiting =
                    round.isMultiple(of: 2)
                    ? try EventLoop.all[1].spawn { try await choices() }
                    : Task.detached { try await choices() }
                if round.isMultiple(of: 3) {
                    try await channel.send(round)
                    #expect(try await waiting.value == .left(round))
                } else {
                    try await far.write("x")
                    #expect(try await waiting.value == .readable)
                    #expect(try await near.read(exactly: 1)?.count == 1)
                }
            }
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `the end of the loop ends the wait`(ground: Ground) async throws {
        let seen = Notes<IOError?>()
        try await ground.run {
            let channel = Channel<Int>()
            try spawn {
                seen.add(
                    await ioError { try await select(.receive(channel) { Next.left($0) }) })
            }
            try await settle()
        }
        // It may see that it was cancelled first.
        let reasons = Set(seen.all.map { $0?.reason })
        #expect(!reasons.isEmpty && reasons.isSubset(of: [.cancelled, .loopEnded]), "\(reasons)")
    }

    @Test func `a report names all that is waited for`() throws {
        let lines = try Simulation(seed: 1).run { world in
            let (jobs, results) = (Queue<Int>(name: "jobs"), Channel<Int>(name: "results"))
            let (near, far) = try await makeConnectionPair()
            defer { far.close() }
            try spawn(name: "waiting") {
                try await select(
                    .get(jobs) { Next.left($0) }, .send(results, 1, then: .sent),
                    .readable(near, then: .readable), .after(.seconds(5), then: .late))
            }
            try await sleep(for: .seconds(2))
            return world.waitingLines.filter { $0.contains("'waiting'") }
        }
        let line = lines.first ?? ""
        #expect(
            line.contains(
                """
                waits to get from queue 'jobs', which is empty, or to send to channel 'results', \
                of 0 elements, which is full: 1 wait, or to read from 
                """), "\(line)")
        #expect(line.contains(": 2.0 seconds so far, 3.0 seconds more"), "\(line)")
    }

    @Test func `a deadlock names all that is waited for`() throws {
        let failure = #expect(throws: SimulationFailure.self) {
            try Simulation(seed: 1).run { _ in
                let (left, right) = (Channel<Int>(name: "left"), Channel<Int>(name: "right"))
                _ = try await select(
                    .receive(left) { Next.left($0) }, .receive(right) { .right($0) })
            }
        }
        let text = try #require(failure?.description)
        #expect(
            text.contains(
                "channel 'left', which is empty, or to receive from channel 'right', which"),
            "\(text)")
    }

    @Test(arguments: [0, 3]) func `tasks of all kinds select`(capacity: Int) async throws {
        let (left, right) = (Channel<Int>(capacity: capacity), Channel<Int>(capacity: capacity))
        let (sent, received, done) = (Sum(), Sum(), Sum())
        try await onEveryKindOfTask(20) { number in
            if number < 10 {
                for element in 0..<100 {
                    _ = try await select(
                        .send(left, element, then: Next.sent), .send(right, element, then: .sent))
                    sent.add(element)
                }
                if done.add() == 10 {
                    left.close()
                    right.close()
                }
            } else {
                var isOpen = true
                while isOpen {
                    let next = try await select(
                        .receive(left) { Next.left($0) }, .receive(right) { .right($0) },
                        .after(.nanoseconds(element(of: number)), then: .late))
                    switch next {
                    case .left(let element?), .right(let element?): received.add(element)
                    case .late: continue
                    default: isOpen = false
                    }
                }
                // Where one is closed, something may be left in the other one.
                while let element = left.tryReceive() ?? right.tryReceive() {
                    received.add(element)
                }
            }
        }
        #expect(sent[""] == received[""] && sent[""] == 10 * 99 * 50)
    }

    /// Some give up now and then, some soon.
    private func element(of number: Int) -> Int { number % 3 == 0 ? 100_000 : 1_000_000_000_000 }
}

/// Chance has tasks send and receive here or there, give up, be cancelled, and close.
@Suite struct SelectSeedTests {
    @Test func `no element is lost or doubled by a choice, in a thousand worlds`() throws {
        try simulated(seeds: 0..<1000) { world in
            world.failsOnUnhandledErrors = false
            let channels = (0..<2).map { _ in Channel<Int>(capacity: world.number(in: 0...2)) }
            let (sent, received) = (Notes<Int>(), Notes<Int>())
            let receivers = try (0..<world.number(in: 1...3)).map { _ in
                try spawn { try await Self.receive(from: channels, in: world, received) }
            }
            try await world.crowd(world.number(in: 1...3)) { number in
                for round in 0..<world.number(in: 1...6) where !Task.isCancelled {
                    let element = number * 100 + round
                    let error = await ioError { () async throws -> Void in
                        let isSent = try await select(
                            channels.map { .send($0, element, then: true) }
                                + Self.patience(in: world, then: false))
                        if isSent { sent.add(element) }
                    }
                    if let error { try #require(error.isExpected) }
                    if world.draws(0.3) { try await world.pause(upTo: 2) }
                    for channel in channels { try #require(channel.count <= channel.capacity) }
                }
            }
            for channel in channels { channel.close() }
            for receiver in receivers { try await receiver.value }
            for channel in channels { while let last = channel.tryReceive() { received.add(last) } }
            try #require(sent.all.sorted() == received.all.sorted())
        }
    }

    private static func patience<Result>(in world: World, then result: Result) -> [Choice<Result>] {
        world.draws(0.3) ? [.after(.milliseconds(world.number(in: 0...2)), then: result)] : []
    }

    /// Receives until one is closed, and is cut short now and then.
    @Sendable private static func receive(
        from channels: [Channel<Int>], in world: World, _ received: Notes<Int>
    ) async throws {
        while true {
            let attempt = try spawn {
                let next: SelectTests.Next = try await select(
                    channels.map { .receive($0) { .left($0) } } + patience(in: world, then: .late))
                if case .left(let element?) = next { received.add(element) }
                return next == .left(nil)
            }
            if world.draws(0.3) {
                try await world.pause(upTo: 2)
                attempt.cancel()
            }
            do {
                if try await attempt.value { return }
            } catch let error as IOError {
                try #require(error.isExpected)
            }
        }
    }
}
