import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct ProxyTests {
    /// What a proxy of a world answers to `request`; "target" listens on 443 and says capitals.
    private func answer(to request: String, closing: Bool = true) throws -> String {
        try Simulation(seed: 1).run { world in
            let target = world.host("target") {
                try await StreamServer.serve(on: "target:443", handler: capitals)
            }
            let proxy = world.host("proxy") {
                try await StreamServer.serve(on: "proxy:80") { try await Proxy().serve($0) }
            }
            _ = world.host("dead")
            try await target.untilListening(port: 443)
            try await proxy.untilListening(port: 80)
            return try await Connection.connect(to: "proxy:80", timeout: .seconds(60)) { client in
                try await client.write(request)
                if closing { try await client.closeWrite() }
                var bytes: [UInt8] = []
                while let piece = try await client.read() { bytes += Array(piece) }
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }

    @Test func `a client is connected, and what it sent at once is not lost`() throws {
        let text = try answer(to: "CONNECT target:443 HTTP/1.1\r\nHost: target\r\n\r\nhello")
        #expect(text == "HTTP/1.1 200 Connection established\r\n\r\nHELLO")
    }

    @Test(arguments: [
        ("CONNECT target:80 HTTP/1.1\r\n\r\n", 403), ("CONNECT dead:443 HTTP/1.1\r\n\r\n", 502),
        ("CONNECT target HTTP/1.1\r\n\r\n", 400), ("CONNECT a/b:443 HTTP/1.1\r\n\r\n", 400),
        ("CONNECT unix:443 HTTP/1.1\r\n\r\n", 400), ("CONNECT unix:a:443 HTTP/1.1\r\n\r\n", 400),
        ("CONNECT  target:443 HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 505),
        ("GET /x HTTP/1.1\r\n\r\n", 404), ("POST / HTTP/1.1\r\n\r\n", 405), ("\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nx: \(String(repeating: "y", count: 9_000))\r\n\r\n", 431),
        ("GET / HTTP/1.0\r\n\r\n", 200),
    ])
    func `a request is answered by its status`(request: String, status: Int) throws {
        #expect(try answer(to: request).hasPrefix("HTTP/1.1 \(status) "))
    }

    @Test func `a client that says nothing is told so`() throws {
        #expect(try answer(to: "", closing: false).hasPrefix("HTTP/1.1 408 "))
        #expect(try answer(to: "") == "")
    }

    @Test func `no head is too odd`() {
        let lines = ["CONNECT [::1]:443 HTTP/1.1", "GET / HTTP/1.0"]
        fuzz(lines.map { Array($0.utf8) }) { bytes in
            let line = String(decoding: bytes, as: UTF8.self)
            guard let request = try? ProxyRequest(line) else { return }
            #expect(!request.target.contains(" "))
            if let (host, port) = try? request.authority() {
                #expect((1...65_535).contains(port) && !host.isEmpty)
            }
        }
    }
}
