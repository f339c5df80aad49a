import Syscalls
import Testing

@testable import Swiftlet

/// Tasks that wait for one another on actors, which other threads run too.
@Suite struct ActorTests {
    @Test func `a task that waits on an actor leaves nothing with its loop`() async throws {
        try await onLoop {
            let loop = try #require(EventLoop.current).executor
            let room = Room()
            for _ in 0..<20 {
                let (event, isTaken, gate) = (Event(), Event(), try ThreadGate())
                let waiting = try spawn { try await room.wait(for: event) }
                try await settle()
                // The room is another loop's when the task is to go on in it.
                async let guest: Void = onLoop { await room.occupy(isTaken, until: gate) }
                try await isTaken.wait()
                event.set()
                try await settle()
                try gate.open()
                try await waiting.value
                try await guest
            }
            #expect(loop.state.waiters.count == 0)
            #expect(loop.state.deadlines.isEmpty)
        }
    }
}

/// What one task at a time is in, on whatever thread that runs.
private actor Room {
    private var guests = 0

    func wait(for event: Event) async throws { try await event.wait(timeout: .seconds(600)) }

    /// Keeps the caller's thread in here until the gate opens.
    func occupy(_ isTaken: Event, until gate: ThreadGate) {
        guests += 1
        isTaken.set()
        gate.pass()
    }
}
