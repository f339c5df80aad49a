import Swiftlet
import Testing

@testable import SwiftletSimulation

/// Each subscription sees each element.
@Suite struct BroadcastTests {
    @Test(arguments: Ground.ofCoordination)
    func `each subscription receives what is sent after it began`(ground: Ground) async throws {
        try await ground.run {
            let news = Broadcast<Int>(capacity: 8)
            try #require(news.send(0) == 0)
            let first = news.subscribe()
            try #require(news.send(1) == 1)
            let second = news.subscribe()
            let waiting = try spawn { try await first.received(3) }
            let other = try spawn { try await second.received(2) }
            try await settle()
            try #require(news.send(2) == 2)
            news.send(3)
            try #require(try await waiting.value == [1, 2, 3])
            try #require(try await other.value == [2, 3])
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a slow one is told how many it missed`(ground: Ground) async throws {
        try await ground.run {
            let news = Broadcast<Int>(capacity: 3)
            let slow = news.subscribe()
            for number in 0..<8 { news.send(number) }
            guard case .missed(5) = try await slow.receive() else {
                return try #require(Bool(false))
            }
            try #require(try await slow.received(3) == [5, 6, 7])
            try #require(slow.tryReceive() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `closing ends the subscriptions when they have received what is kept`(ground: Ground)
        async throws
    {
        try await ground.run {
            let news = Broadcast<Int>(capacity: 3)
            let (late, early) = (news.subscribe(), news.subscribe())
            let waiting = try spawn {
                var count = 0
                for try await _ in early { count += 1 }
                return count
            }
            try await settle()
            news.send(1)
            news.close()
            try #require(news.send(2) == 0)
            try #require(try await waiting.value == 1)
            try #require(try await late.received(1) == [1])
            try #require(try await late.receive() == nil)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `a subscription ends with its last reference, and a wait with its timeout`(ground: Ground)
        async throws
    {
        try await ground.run {
            let news = Broadcast<Int>(capacity: 3)
            do {
                let subscription = news.subscribe()
                let error = await ioError { _ = try await subscription.receive(timeout: .zero) }
                try #require(error == failure(.receive, .timedOut))
                try #require(news.send(1) == 1)
            }
            try #require(news.send(2) == 0)
        }
    }

    @Test func `the end of an element that is kept no longer may use the broadcast`() async throws {
        try await onLoop {
            let news = Broadcast<Farewell?>(capacity: 1)
            let subscription = news.subscribe()
            news.send(Farewell(to: news))
            // Its end sends once more.
            news.send(nil)
            var missed = 0
            if case .missed(let count) = subscription.tryReceive() { missed = count }
            #expect(missed == 2)
        }
    }

    @Test(arguments: Ground.ofCoordination)
    func `of two that receive at one subscription the slower one waits on`(ground: Ground)
        async throws
    {
        try await ground.run {
            let news = Broadcast<Int>(capacity: 3)
            let subscription = news.subscribe()
            let tasks = try (0..<2).map { _ in try spawn { try await subscription.received(1) } }
            try await settle()
            news.send(1)
            try await settle()
            news.send(2)
            var received: [Int] = []
            for task in tasks { received += try await task.value }
            try #require(received.sorted() == [1, 2])
        }
    }

    @Test func `nothing is kept that no task can receive`() async throws {
        let news = Broadcast<Farewell?>(capacity: 3)
        for isClosed in [false, true] {
            let farewell = Farewell(to: news)
            weak let kept = farewell
            do {
                let subscription = news.subscribe()
                for _ in 0..<4 { news.send(nil) }
                news.send(farewell)
                if isClosed { news.close() }
                _ = consume farewell
                #expect(kept != nil && subscription.tryReceive() != nil)
            }
            #expect(kept == nil)
        }
    }

    @Test func `nothing is lost without a word, in a thousand worlds`() throws {
        try simulated(seeds: 0..<1000) { world in
            let news = Broadcast<Int>(capacity: world.number(in: 1...3))
            let sent = world.number(in: 1...12)
            let sender = try spawn {
                for number in 0..<sent {
                    try await world.pause(upTo: 1)
                    news.send(number)
                }
                news.close()
            }
            let subscriptions = (0..<3).map { _ in news.subscribe() }
            try await world.crowd(3, cancelling: 0) { number in
                var next = 0
                while true {
                    let timeout: Duration? = world.draws(0.3) ? .milliseconds(1) : nil
                    do {
                        switch try await subscriptions[number].receive(timeout: timeout) {
                        case .element(let element):
                            try #require(element == next)
                            next += 1
                        case .missed(let count): next += count
                        case nil: return try #require(next == sent)
                        }
                    } catch let error as IOError {
                        try #require(error.reason == .timedOut)
                    }
                    if world.draws(0.5) { try await world.pause(upTo: 2) }
                }
            }
            try await sender.value
        }
    }

    @Test func `tasks of all kinds receive everything`() async throws {
        let news = Broadcast<Int>(capacity: 1000)
        let subscriptions = (0..<10).map { _ in news.subscribe() }
        let sum = Sum()
        try await onEveryKindOfTask(11) { number in
            if number == 10 {
                for element in 0..<500 { news.send(element) }
                return news.close()
            }
            for try await delivery in subscriptions[number] {
                if case .element(let element) = delivery { sum.add(element) }
            }
        }
        #expect(sum[""] == 10 * 499 * 250)
    }
}

/// An element whose end is told.
private final class Farewell: Sendable {
    private let news: Broadcast<Farewell?>
    init(to news: Broadcast<Farewell?>) { self.news = news }
    deinit { news.send(nil) }
}

extension Broadcast<Int>.Subscription {
    /// The next so many elements, of which none may be missed.
    fileprivate func received(_ count: Int) async throws -> [Int] {
        var elements: [Int] = []
        while elements.count < count, case .element(let element) = try await receive() {
            elements.append(element)
        }
        return elements
    }
}
