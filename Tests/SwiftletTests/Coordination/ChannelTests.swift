import Swiftlet
import Testing

@testable import SwiftletSimulation

/// Elements on their way: in order, each to one receiver, and none is lost.
@Suite struct ChannelTests {
    @Test(arguments: Ground.ofCoordination, [0, 1, 7])
    func `elements arrive in their order`(ground: Ground, capacity: Int) async throws {
        try await ground.run {
            let channel = Channel<Int>(capacity: capacity)
            try spawn {
                for number in 0..<50 { try await channel.send(number) }
                channel.close()
            }
            var received: [Int] = []
            for try await number in channel { received.append(number) }
            try #require(received == Array(0..<50))
            try #require(channel.count == 0 && channel.isClosed)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `without capacity a sender waits for its receiver`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>()
            try #require(!channel.trySend(1))
            let sender = try spawn { try await channel.send(2) }
            try await settle()
            try #require(channel.count == 0)
            try #require(channel.tryReceive() == 2)
            try await sender.value
            let receiver = try spawn { try await channel.receive() }
            try await settle()
            try #require(channel.trySend(3))
            try #require(try await receiver.value == 3)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a full channel lets senders wait, in their order`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>(capacity: 2)
            try await channel.send(0)
            try await channel.send(1)
            try #require(!channel.trySend(9))
            for number in 2..<5 {
                try spawn { try await channel.send(number) }
                try await settle()
            }
            var received: [Int?] = []
            for _ in 0..<5 { received.append(try await channel.receive()) }
            try #require(received == [0, 1, 2, 3, 4])
            try #require(channel.tryReceive() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `receivers get elements in the order in which they came`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>(capacity: 4)
            var receivers: [Task<Int?, any Error>] = []
            for _ in 0..<4 {
                receivers.append(try spawn { try await channel.receive() })
                try await settle()
            }
            for number in 0..<4 { try await channel.send(number) }
            for number in 0..<4 { try #require(try await receivers[number].value == number) }
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `closing keeps what was sent, and nothing more comes in`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>(capacity: 1)
            try await channel.send(1)
            let sender = try spawn { await ioError { try await channel.send(2) } }
            try await settle()
            channel.close()
            channel.close()
            try #require(try await sender.value == failure(.send, .closed))
            try #require(
                await ioError { try await channel.send(3) } == failure(.send, .closed))
            try #require(!channel.trySend(3))
            try #require(try await channel.receive() == 1)
            try #require(try await channel.receive() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `receivers that wait see the end when it is closed`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>()
            let receivers = try (0..<3).map { _ in try spawn { try await channel.receive() } }
            try await settle()
            channel.close()
            for receiver in receivers { try #require(try await receiver.value == nil) }
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a send that gives up has not sent`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>(capacity: 1)
            try await channel.send(1)
            try #require(
                await ioError { try await channel.send(2, timeout: .zero) }
                    == failure(.send, .timedOut))
            let sender = try spawn { try await channel.send(3) }
            try await settle()
            sender.cancel()
            try #require(await ioError { try await sender.value } == failure(.send, .cancelled))
            try await channel.send(4, timeout: nil, afterReceiving: 1)
            try #require(channel.tryReceive() == 4 && channel.tryReceive() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a receive that gives up leaves the element to the next`(ground: Ground) async throws {
        try await ground.run {
            let channel = Channel<Int>()
            try #require(
                await ioError { try await channel.receive(timeout: .zero) }
                    == failure(.receive, .timedOut))
            let first = try spawn { try await channel.receive() }
            try await settle()
            let second = try spawn { try await channel.receive() }
            try await settle()
            first.cancel()
            try await channel.send(1)
            try #require(await ioError { try await first.value } == failure(.receive, .cancelled))
            try #require(try await second.value == 1)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `an element that was given before the cancellation is received`(ground: Ground)
        async throws
    {
        try await ground.run {
            let channel = Channel<Int>()
            let receiver = try spawn {
                let element = try await channel.receive()
                // The next call that would wait tells.
                let error = await ioError { try await channel.receive() }
                try #require(error == failure(.receive, .cancelled))
                return element
            }
            try await settle()
            try #require(channel.trySend(1))
            receiver.cancel()
            try #require(try await receiver.value == 1)
        }
    }

    @Test func `elements may be what cannot be copied`() async throws {
        struct Parcel: ~Copyable {
            let number: Int
            let opened: Sum
            deinit { opened.add() }
        }
        let opened = Sum()
        try await onLoop {
            let channel = Channel<Parcel>(capacity: 2)
            try await channel.send(Parcel(number: 1, opened: opened))
            try await channel.send(Parcel(number: 2, opened: opened))
            _ = await ioError {
                try await channel.send(Parcel(number: 3, opened: opened), timeout: .zero)
            }
            // The one that was not sent is gone.
            #expect(opened[""] == 1)
            if let parcel = try await channel.receive() {
                let number = parcel.number
                #expect(number == 1 && opened[""] == 1)
            }
            #expect(opened[""] == 2)
        }
        // And what a channel held goes with it.
        #expect(opened[""] == 3)
    }

    @Test func `elements need not be Sendable`() async throws {
        final class Note { var text = "" }
        try await onLoops(2) {
            let channel = Channel<Note>()
            let reader = try EventLoop.all[1].spawn { try await channel.receive()?.text }
            let note = Note()
            note.text = "hello"
            try await channel.send(note)
            #expect(try await reader.value == "hello")
        }
    }

    @Test func `a channel that is never empty lets others run`() async throws {
        try await onLoop {
            let channel = Channel<Int>(capacity: 1000)
            for number in 0..<1000 { _ = channel.trySend(number) }
            let other = Sum()
            try spawn { other.add() }
            while other[""] == 0 { #expect(try await channel.receive() != nil) }
            #expect(channel.count > 900)
        }
    }

    @Test func `a report names the channel, and what it is like`() throws {
        let lines = try Simulation(seed: 1).run { world in
            let (jobs, results) = (
                Channel<Int>(capacity: 1, name: "jobs"), Channel<Int>(name: "results")
            )
            try await jobs.send(1)
            for _ in 0..<2 { try spawn { try await jobs.send(2) } }
            try spawn { _ = try await results.receive() }
            try await settle()
            return world.waitingLines.joined(separator: "\n")
        }
        #expect(
            lines.contains("waits to send to channel 'jobs', of 1 elements, which is full: 2 wait"),
            "\(lines)")
        #expect(
            lines.contains("waits to receive from channel 'results', which is empty"), "\(lines)")
    }

    @Test(arguments: [0, 3]) func `tasks of all kinds send and receive`(capacity: Int) async throws
    {
        let channel = Channel<Int>(capacity: capacity)
        let (sent, received, done) = (Sum(), Sum(), Sum())
        try await onEveryKindOfTask(20) { number in
            // Five kinds of tasks: half of each send, half receive.
            if number < 10 {
                for element in 0..<200 {
                    try await channel.send(element)
                    sent.add(element)
                }
                if done.add() == 10 { channel.close() }
            } else {
                while let element = try await channel.receive() { received.add(element) }
            }
        }
        #expect(sent[""] == received[""] && sent[""] == 10 * 199 * 100)
    }
}

extension Channel<Int> {
    /// Receives, expects, and sends.
    fileprivate func send(
        _ element: Int, timeout: Duration?, afterReceiving expected: Int
    ) async throws {
        try #require(tryReceive() == expected)
        try await send(element, timeout: timeout)
    }
}

/// Chance has tasks send, receive, give up, be cancelled, and close.
@Suite struct ChannelSeedTests {
    @Test func `no element is lost or doubled, and the order is kept, in a thousand worlds`() throws
    {
        try simulated(seeds: 0..<1000) { world in
            world.failsOnUnhandledErrors = false
            let channel = Channel<Int>(capacity: world.number(in: 0...3))
            let (sent, received) = (Notes<Int>(), Notes<Int>())
            let senders = world.number(in: 1...3)
            let receivers = try (0..<world.number(in: 1...3)).map { _ in
                try spawn { try await Self.receive(from: channel, in: world, received) }
            }
            try await world.crowd(senders) { number in
                for round in 0..<world.number(in: 1...6) where !Task.isCancelled {
                    let element = number * 100 + round
                    let timeout = world.draws(0.3) ? world.number(in: 0...2) : nil
                    let error = await ioError {
                        try await channel.send(element, timeout: timeout.map { .milliseconds($0) })
                    }
                    if let error { try #require(error.isExpected) } else { sent.add(element) }
                    if world.draws(0.3) { try await world.pause(upTo: 2) }
                }
            }
            channel.close()
            for receiver in receivers { try await receiver.value }
            try #require(sent.all.sorted() == received.all.sorted())
            if receivers.count == 1 {
                for number in 0..<senders {
                    let own = received.all.filter { $0 / 100 == number }
                    try #require(own == own.sorted())
                }
            }
        }
    }

    /// Receives until the end, and is cut short now and then.
    @Sendable private static func receive(
        from channel: Channel<Int>, in world: World, _ received: Notes<Int>
    ) async throws {
        while true {
            let timeout = world.draws(0.3) ? world.number(in: 0...2) : nil
            let attempt = try spawn {
                let element = try await channel.receive(timeout: timeout.map { .milliseconds($0) })
                if let element { received.add(element) }
                return element != nil
            }
            if world.draws(0.3) {
                try await world.pause(upTo: 2)
                attempt.cancel()
            }
            do {
                if try await !attempt.value { return }
            } catch let error as IOError {
                try #require(error.isExpected)
            }
        }
    }
}
