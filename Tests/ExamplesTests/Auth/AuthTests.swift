import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct AuthTests {
    private static let key = Array("0123456789abcdef".utf8)

    private static func keys() throws -> Keys {
        try Keys("# two users\nann 0123456789abcdef\n\nbob  fedcba9876543210\n", from: "keys")
    }

    /// Serves behind the handshake in a world, and lets `body` talk to it.
    private func served(
        seed: UInt64 = 1, _ body: @escaping @Sendable (Messages) async throws -> Void
    ) throws {
        let keys = try AuthTests.keys()
        try Simulation(seed: seed).run { world in
            world.failsOnUnhandledErrors = false
            let server = world.host("server") {
                try await StreamServer.serve(
                    on: "server:9",
                    handler: authenticated(by: keys) { connection, user in
                        try await connection.write("hello \(user)\n")
                    })
            }
            try await server.untilListening(port: 9)
            try await Connection.connect(to: "server:9") { connection in
                try await body(Messages(connection: connection))
            }
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `a user with the key is let in, and what follows is the handler's`(seed: UInt64) throws {
        try served(seed: seed) { messages in
            try await introduce("ann", key: AuthTests.key, to: messages, timeout: .seconds(60))
            #expect(try await messages.connection.readLine() == "hello ann")
        }
    }

    @Test(arguments: [("ann", "another key that is long"), ("eve", "0123456789abcdef"), ("", "")])
    func `another key and an unknown user are refused in the same words`(
        user: String, key: String
    ) throws {
        try served { messages in
            let refusal = Failure(.notAllowed, "no such user, or another key")
            await #expect(throws: refusal) {
                try await introduce(
                    user, key: Array(key.utf8), to: messages, timeout: .seconds(60))
            }
            let end = try await messages.read()
            #expect(end == nil)
        }
    }

    @Test func `a server that does not know the key is found out`() throws {
        for word in ["", "00", "client's own"] {
            try Simulation(seed: 1).run { _ in
                let (one, other) = try await Connection.pair()
                let server = Messages(connection: one)
                async let serving: Void = {
                    try await server.write(Message(header: ["nonce": "ff"]))
                    let reply = try #require(try await server.read())
                    // What the client has proven is of no use to prove something to it.
                    let proof = word == "client's own" ? try reply.header.text("proof") : word
                    try await server.write(Message(header: ["proof": .text(proof)]))
                }()
                let failure = Failure(.notAllowed, "the server does not know the key of 'ann'")
                await #expect(throws: failure) {
                    try await introduce(
                        "ann", key: AuthTests.key, to: Messages(connection: other),
                        timeout: .seconds(5))
                }
                try await serving
            }
        }
    }

    @Test func `a proof that was heard is of no use the next time`() throws {
        let keys = try AuthTests.keys()
        try Simulation(seed: 1).run { _ in
            var heard: Examples.Message?
            for isReplay in [false, true] {
                let (one, other) = try await Connection.pair()
                let serving = Task(executorPreference: EventLoop.current?.taskExecutor) {
                    try await authenticate(Messages(connection: one), by: keys)
                }
                let client = Messages(connection: other)
                if isReplay {
                    _ = try await client.read()
                    try await client.write(try #require(heard))
                    await #expect(throws: Failure.self) { try await serving.value }
                } else {
                    // A listener between the two.
                    let (mine, inner) = try await Connection.pair()
                    let relayed = Messages(connection: mine)
                    async let client: Void = introduce(
                        "ann", key: AuthTests.key, to: Messages(connection: inner),
                        timeout: .seconds(5))
                    let server = Messages(connection: other)
                    try await relayed.write(try #require(try await server.read()))
                    heard = try await relayed.read()
                    try await server.write(try #require(heard))
                    try await relayed.write(try #require(try await server.read()))
                    try await client
                    #expect(try await serving.value == "ann")
                }
            }
        }
    }

    @Test func `a client that says nothing is sent away`() throws {
        let keys = try AuthTests.keys()
        try Simulation(seed: 1).run { world in
            let (one, other) = try await Connection.pair()
            await #expect(throws: TimeoutError.self) {
                try await authenticate(Messages(connection: one), by: keys)
            }
            #expect(world.elapsed >= .seconds(10))
            other.close()
        }
    }

    @Test func `nonces and keys are new each time`() {
        let lines = Set((0..<100).map { _ in Keys.makeLine(for: "ann") })
        #expect(lines.count == 100)
        #expect(lines.allSatisfy { $0.utf8.count == 4 + 64 })
    }

    @Test(arguments: [
        "", "# none\n", "ann", "ann short", "ann 0123456789abcdef extra",
        "ann 0123456789abcdef\nann fedcba9876543210",
    ])
    func `a file that is none of keys is refused`(text: String) {
        #expect(throws: Failure.self) { try Keys(text, from: "keys") }
    }

    @Test func `spoiled files of keys are refused or read`() {
        let sample = Array("# users\nann 0123456789abcdef\r\nbob\tfedcba9876543210\n".utf8)
        fuzz([sample]) { bytes in
            let keys = try? Keys(String(decoding: bytes, as: UTF8.self), from: "keys")
            #expect(keys?.key(of: "nobody at all").isKnown != true)
        }
    }

    @Test func `a name of other bytes is another user, though Swift takes it for the same text`()
        throws
    {
        let keys = try Keys("Kim 0123456789abcdef\n", from: "keys")
        #expect("\u{212A}im" == "Kim")
        #expect(keys.key(of: "Kim").isKnown && !keys.key(of: "\u{212A}im").isKnown)
    }
}
