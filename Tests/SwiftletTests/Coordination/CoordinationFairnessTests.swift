import Syscalls
import Testing

@testable import Swiftlet

/// A task that never has to wait for the others lets them run all the same.
@Suite struct CoordinationFairnessTests {
    /// A call that has no need to wait.
    struct Call: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let make: @Sendable () async throws -> @Sendable () async throws -> Void

        static let all = [
            Call(testDescription: "Semaphore.withPermit") {
                let semaphore = Semaphore(capacity: 1)
                return { try await semaphore.withPermit {} }
            },
            Call(testDescription: "Event.wait") {
                let event = Event()
                event.set()
                return { try await event.wait() }
            },
            Call(testDescription: "Promise.value") {
                let promise = Promise<Int>()
                promise.fulfill(1)
                return { _ = try await promise.value() }
            },
            Call(testDescription: "Channel.send") {
                let channel = Channel<Int>(capacity: 1)
                return {
                    try await channel.send(1)
                    _ = channel.tryReceive()
                }
            },
            Call(testDescription: "Channel.receive") {
                let channel = Channel<Int>(capacity: 1)
                return {
                    _ = channel.trySend(1)
                    _ = try await channel.receive()
                }
            },
            Call(testDescription: "Queue.put") {
                let queue = Queue<Int>()
                return { try await queue.put(1) }
            },
            Call(testDescription: "Queue.get") {
                let queue = Queue<Int>()
                return {
                    _ = queue.tryPut(1)
                    _ = try await queue.get()
                }
            },
            Call(testDescription: "Queue.join") {
                let queue = Queue<Int>()
                return { try await queue.join() }
            },
            Call(testDescription: "Subscription.receive") {
                let news = Broadcast<Int>(capacity: 1)
                let subscription = news.subscribe()
                return {
                    news.send(1)
                    _ = try await subscription.receive()
                }
            },
            Call(testDescription: "select") {
                let channel = Channel<Int>(capacity: 1)
                return {
                    _ = channel.trySend(1)
                    _ = try await select(.receive(channel) { $0 })
                }
            },
            Call(testDescription: "Pool.join") {
                let pool = Pool(size: 1)
                return { try await pool.join() }
            },
        ]
    }

    @Test(arguments: Call.all)
    func `a call that need not wait yields when a job has made many`(call: Call)
        async throws
    {
        try await onLoop {
            let body = try await call.make()
            let other = Sum()
            try spawn { other.add() }
            var calls = 0
            while other[""] == 0, calls < 1000 {
                try await body()
                calls += 1
            }
            #expect(calls < 100)
        }
    }
}
