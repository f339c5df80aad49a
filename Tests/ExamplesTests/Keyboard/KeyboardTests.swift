import Glibc
import Swiftlet
import Testing

@testable import Examples

@Suite struct KeyboardTests {
    /// Serves one client while keys are typed into a pipe, until the server ends; what the client
    /// has got by then.
    private func type(_ keys: String) async throws -> String {
        try await onLoop {
            var ends: [CInt] = [0, 0]
            try #require(pipe(&ends) == 0)
            let reader = ByteReader(takingOver: RawDescriptor(ends[0]))
            let fingers = ByteWriter(takingOver: RawDescriptor(ends[1]))
            let words = ["--listen", "127.0.0.1:0", "--grace", "60s"]
            let service = try Service(try Program.keyboard.table.parse(words), port: 1)
            let server = try await service.listen()
            let keyboard = Keyboard(server: server, grace: service.grace, keys: reader)
            async let serving: Void = keyboard.serve(service)
            let answer = try await Connection.connect(to: server.address) { connection in
                try await connection.write("hello")
                guard let bytes = try await connection.read() else { return "" }
                let answer = String(decoding: bytes)
                try await fingers.write(keys)
                #expect(try await connection.read() == nil)
                return answer
            }
            try await serving
            return answer
        }
    }

    @Test(arguments: ["q", "Q", "\u{3}", "\u{4}", "x \nccq\n", "\u{FF}\0q"])
    func `a client is served until a key ends the server`(keys: String) async throws {
        #expect(try await type(keys) == "hello")
    }
}
