// As `loadtest/hops`, with `AsyncChannel`: `hops-elsewhere COUNT` sends so many numbers from a task
// to another one of the same loop. Its sender waits for the receiver, as that of a channel without
// room does.

import AsyncAlgorithms
import Swiftlet

guard CommandLine.arguments.count == 2, let count = Int(CommandLine.arguments[1]) else {
    fatalError("usage: hops-elsewhere COUNT")
}
try EventLoop.run {
    let channel = AsyncChannel<Int>()
    async let sum = channel.reduce(0, +)
    for number in 0..<count { await channel.send(number) }
    channel.finish()
    let received = await sum
    precondition(received == count * (count - 1) / 2)
}
