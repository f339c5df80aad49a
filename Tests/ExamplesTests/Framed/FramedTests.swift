import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct FramedTests {
    /// Runs `body` in a world with the two ends of a connection.
    private func paired(
        seed: UInt64 = 1, _ body: @escaping @Sendable (Connection, Messages) async throws -> Void
    ) throws {
        try Simulation(seed: seed).run { _ in
            let (one, other) = try await Connection.pair()
            try await body(one, Messages(connection: other, bodyMax: 1_000))
        }
    }

    @Test func `two sends arrive as one read, and are two messages`() throws {
        try paired { raw, messages in
            try await raw.write("first")
            try await raw.write("second")
            guard let bytes = try await messages.connection.read() else { return }
            let text = String(decoding: bytes)
            #expect(text == "firstsecond")

            let sender = Messages(connection: raw)
            try await sender.write(Message(header: ["a": 1], body: [1]))
            try await sender.write(Message(header: ["a": 2], body: [2, 3]))
            #expect(try await messages.read()?.body == [1])
            #expect(try await messages.read()?.body == [2, 3])
        }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `messages are whole, whatever the network makes of them`(seed: UInt64) throws {
        try Simulation(seed: seed).run { world in
            let server = world.host("server") {
                try await StreamServer.serve(on: "server:9") { connection in
                    try await numbered(Messages(connection: connection))
                }
            }
            world.network.inject(.splitSegments(ofAtMost: 3), .everywhere)
            world.network.inject(.shortReads(probability: 0.3), .everywhere)
            world.network.inject(.shortWrites(probability: 0.3), .everywhere)
            try await server.untilListening(port: 9)
            try await Connection.connect(to: "server:9") { connection in
                let messages = Messages(connection: connection)
                for number in 1...20 {
                    let body = [UInt8](repeating: UInt8(number), count: number * 7 % 50)
                    let answer = try await messages.ask(Message(header: [:], body: body))
                    #expect(answer.body == body)
                    #expect(try answer.header.number("number") == number)
                }
            }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "\0\0\0\0", "\0\0\0\u{1}{", "\0\0\u{10}\u{1}",
        "\0\0\0\u{2}[]", "\0\0\0\u{e}{\"size\": 1001}", "\0\0\0\u{c}{\"size\": -1}",
        "\0\0\0\u{d}{\"size\":\"12\"}",
    ])
    func `what is no message is told, and ends the connection`(text: String) async throws {
        let answer = try await serving { connection in
            try await numbered(Messages(connection: connection, bodyMax: 1_000))
        } _: { address in
            try await Connection.connect(to: address) { connection in
                try await connection.write(text)
                let messages = Messages(connection: connection)
                let answer = try await messages.read()
                #expect(try await messages.read() == nil)
                return answer
            }
        }

        #expect(try #require(answer).header["code"] == 65)
    }

    @Test func `a message that ends in the middle is an error, and one that never ends, too`()
        throws
    {
        for text in ["\0\0", "\0\0\0\u{2}", "\0\0\0\u{a}{\"size\":9}12345678"] {
            try paired { raw, messages in
                try await raw.write(text)
                try await raw.closeWrite()
                await #expect(throws: IOError(.read, .endOfStream)) { try await messages.read() }
            }
        }
        try paired { raw, messages in
            try await raw.write("\0\0\0\u{2}{")
            await #expect(throws: IOError(.read, .timedOut)) { try await messages.read() }
        }
    }

    @Test func `a refusal comes out of the client with its code`() throws {
        try paired { raw, messages in
            let failure = Failure(.notAllowed, "not you")
            try await Messages(connection: raw).write(Message(refusing: failure))
            await #expect(throws: failure) { try await messages.answer() }
        }
    }
}
