import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct EchoTests {
    /// What the server answers to `text`, sent in two pieces and then ended.
    private func answer(
        to text: String, from handler: @escaping StreamServer.ConnectionHandler
    ) async throws -> String {
        try await serving(with: handler) { address in
            try await Connection.connect(to: address) { connection in
                try await connection.write(String(text.prefix(3)))
                try await connection.write(String(text.dropFirst(3)))
                try await connection.closeWrite()
                var answer: [UInt8] = []
                while let bytes = try await connection.read() { answer += Array(bytes) }
                return String(decoding: answer, as: UTF8.self)
            }
        }
    }

    @Test func `what comes goes back`() async throws {
        #expect(try await answer(to: "hello\0world", from: echoed) == "hello\0world")
    }

    @Test func `letters of ASCII come back as capitals, and all else as it is`() async throws {
        #expect(try await answer(to: "grüße, z{`a", from: capitals) == "GRüßE, Z{`A")
    }

    @Test func `a short connection is one line`() async throws {
        #expect(try await answer(to: "one\ntwo\n", from: capitalLine) == "ONE\n")
        #expect(try await answer(to: "", from: capitalLine) == "")
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `a hundred clients of a world get what they sent`(seed: UInt64) throws {
        try Simulation(seed: seed).run { world in
            let server = world.host("server") {
                try await StreamServer.serve(on: "server:7", handler: echoed)
            }
            try await server.untilListening(port: 7)
            for number in 0..<100 {
                try await Connection.connect(to: "server:7", timeout: .seconds(60)) { connection in
                    try await connection.write("\(number)\n")
                    #expect(try await connection.readLine() == "\(number)")
                }
            }
        }
    }
}
