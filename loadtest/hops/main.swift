// What it costs that tasks of one loop wait for one another, for `bench.py hops`, which counts the
// instructions of a long and of a short run: `hops WAY COUNT` does one thing so often.

import Swiftlet
import Synchronization

/// The ways, by the names that the command line takes.
let ways: [String: @Sendable (_ count: Int) async throws -> Void] = [
    // A task lets another one go on and is suspended: what each hop has to pay.
    "suspension": { count in
        let baton = Baton()
        let take = { @Sendable in for _ in 0..<count / 2 { await baton.pass() } }
        async let other: Void = take()
        await take()
        baton.drop()
        await other
    },
    // A task goes to the end of the line.
    "yield": { count in
        for _ in 0..<count { await Task.yield() }
    },
    // From a task to another one, without room between them.
    "channel": { count in try await send(count, through: Channel<Int>()) },
    // As above, with room for a few.
    "channel-16": { count in try await send(count, through: Channel<Int>(capacity: 16)) },
    // As above, received from the first of two that has an element.
    "select-16": { count in
        let (numbers, others) = (Channel<Int>(capacity: 16), Channel<Int>())
        async let sum = receive(from: numbers, or: others)
        for number in 0..<count { try await numbers.send(number) }
        numbers.close()
        check(try await sum, count)
    },
    "queue-16": { count in
        let queue = Queue<Int>(capacity: 16)
        async let sum = take(from: queue)
        for number in 0..<count { try await queue.put(number) }
        queue.close()
        check(try await sum, count)
    },
    // The standard library's, whose sender does not wait; it lets the receiver run.
    "async-stream": { count in
        let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
        async let sum = stream.reduce(0, +)
        for number in 0..<count {
            continuation.yield(number)
            await Task.yield()
        }
        continuation.finish()
        check(await sum, count)
    },
    // A permit that nobody else wants: taken and given back.
    "semaphore": { count in
        let semaphore = Semaphore(capacity: 1)
        for _ in 0..<count { try await semaphore.acquire().release() }
    },
    // As above, with a scope, whose body is an asynchronous function.
    "semaphore-scope": { count in
        let semaphore = Semaphore(capacity: 1)
        for _ in 0..<count { try await semaphore.withPermit {} }
    },
    // A permit that two tasks want in turn.
    "semaphore-contended": { count in
        let semaphore = Semaphore(capacity: 1)
        let take = { @Sendable in
            for _ in 0..<count / 2 { try await semaphore.withPermit { await Task.yield() } }
        }
        async let other: Void = take()
        try await take()
        try await other
    },
]

/// What two tasks of one loop pass to and fro, with nothing but the standard library.
final class Baton: Sendable {
    private let waiting = Mutex<UnsafeContinuation<Void, Never>?>(nil)

    /// Lets the other task go on, and waits until that passes the baton back.
    nonisolated(nonsending) func pass() async {
        await withUnsafeContinuation { task in exchange(task)?.resume() }
    }

    /// Lets the other task go on.
    func drop() { exchange(nil)?.resume() }

    private func exchange(
        _ task: UnsafeContinuation<Void, Never>?
    ) -> UnsafeContinuation<Void, Never>? {
        waiting.withLock { waiting in
            let other = waiting
            waiting = task
            return other
        }
    }
}

/// Ends the program when not all numbers below a bound have come.
@Sendable func check(_ sum: Int, _ count: Int) {
    precondition(sum == count * (count - 1) / 2)
}

@Sendable func receive(from channel: Channel<Int>) async throws -> Int {
    var sum = 0
    while let number = try await channel.receive() { sum += number }
    return sum
}

@Sendable func receive(from one: Channel<Int>, or other: Channel<Int>) async throws -> Int {
    let choices: [Choice<Int?>] = [.receive(one) { $0 }, .receive(other) { $0 }]
    var sum = 0
    while let number = try await select(choices) { sum += number }
    return sum
}

@Sendable func take(from queue: Queue<Int>) async throws -> Int {
    var sum = 0
    while let number = try await queue.get() { sum += number }
    return sum
}

@Sendable func send(_ count: Int, through channel: Channel<Int>) async throws {
    async let sum = receive(from: channel)
    for number in 0..<count { try await channel.send(number) }
    channel.close()
    check(try await sum, count)
}

let words = CommandLine.arguments
guard words.count == 3, let way = ways[words[1]], let count = Int(words[2]) else {
    fatalError("usage: hops \(ways.keys.sorted().joined(separator: "|")) COUNT")
}
try EventLoop.run { try await way(count) }
