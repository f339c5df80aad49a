import Glibc
import Syscalls
import Testing

@testable import Swiftlet

/// Connections that are used by tasks of an actor, which other threads run too.
@Suite struct ConnectionActorTests {
    @Test(arguments: [nil, Duration.seconds(600)])
    func `bytes are received by the loop's thread, whoever is in the actor`(
        timeout: Duration?
    ) async throws {
        let sockets = FaultySockets()
        let thread = try await onLoop(sockets: sockets) {
            let (left, right) = try await makeConnectionPair()
            let room = Room()
            let guests = (0..<2).map { _ in
                Task.detached { while !Task.isCancelled { await room.visit() } }
            }
            let serving = try spawn { try await room.echo(right, timeout: timeout) }
            for _ in 0..<2000 {
                try await left.write("x")
                try #require(try await left.read(exactly: 1) == [120])
            }
            left.close()
            try await serving.value
            for guest in guests { guest.cancel() }
            return UInt(pthread_self())
        }
        #expect(sockets.receivingThreads == [thread])
    }
}

/// What one task at a time is in, on whatever thread that runs.
private actor Room {
    private var visits = 0

    func visit() { visits += 1 }

    func echo(_ connection: Connection, timeout: Duration?) async throws {
        while let bytes = try await connection.read(timeout: timeout) {
            try await connection.write(bytes, timeout: timeout)
        }
    }
}
