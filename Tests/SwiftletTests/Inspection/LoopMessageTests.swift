import Testing

@testable import Swiftlet

/// What a loop says aside goes to the hook that `run` was given.
@Suite struct LoopMessageTests {
    private struct Sorrow: Error, CustomStringConvertible {
        let description = "all is lost"
    }

    @Test func `an error that no code handles is told with its task and its place`() async throws {
        let messages = Notes<LoopMessage>()
        let line: UInt32 = #line + 3
        try await onThread {
            try EventLoop.run(log: { messages.add($0) }) {
                let task = try spawn(name: "mourner") { throw Sorrow() }
                _ = await task.result
            }
        }

        let place = "SwiftletTests/LoopMessageTests.swift:\(line)"
        let message = try #require(messages.all.first)
        #expect(messages.all.count == 1)
        #expect(message.kind == .unhandledError)
        #expect(
            message.details == ["task": "mourner", "place": place, "error": "all is lost"])
        #expect(message.description == "swiftlet: 'mourner' at \(place) failed: all is lost")
    }

    @Test func `several loops tell one hook`() async throws {
        let messages = Notes<LoopMessage>()
        try await onThread {
            try EventLoop.run(loops: 2, log: { messages.add($0) }) {
                for loop in EventLoop.all {
                    _ = await (try loop.spawn(name: "mourner") { throw Sorrow() }).result
                }
            }
        }

        #expect(messages.all.map(\.kind) == [.unhandledError, .unhandledError])
    }
}
