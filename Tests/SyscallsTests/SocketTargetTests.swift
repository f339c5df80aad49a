import Syscalls
import Testing

/// What a text names: an address, or a host that is to be looked up.
@Suite struct SocketTargetTests {
    @Test(arguments: [
        ("example.org:443", "example.org", 443), ("a:1", "a", 1),
        ("x-1.y_2:65535", "x-1.y_2", 65535),
        ("example.org.:80", "example.org.", 80), ("3com.com:80", "3com.com", 80),
        ("LOCALHOST:1", "LOCALHOST", 1), ("a.0xyz:1", "a.0xyz", 1),
    ])
    func `a name with a port is to be looked up`(text: String, host: String, port: UInt16) throws {
        #expect(try SocketTarget(text) == .name(host, port: port))
    }

    @Test(arguments: ["127.0.0.1:80", "[::1]:80", "localhost:80", ":80", "unix:/a", "unix:@a"])
    func `an address is one, and localhost too`(text: String) throws {
        #expect(try SocketTarget(text) == .address(SocketAddress(text)))
    }

    /// A slip in an address is said as such, and no name server is asked.
    @Test(arguments: [
        "example.org", "example.org:", "example.org:http", "127.0.0:80", "1.2.3.256:80", "1:80",
        "a..b:80", ".a:80", "a b:80", "-:x", "[::g]:80", "a:80:90", "ü:80", "unix:@",
        "0x7f000001:80", "127.0.0.0x1:80", "a.0X:80",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: SocketAddress.ParseError.self) { try SocketTarget(text) }
    }

    @Test func `this machine knows itself by name`() throws {
        let addresses = try SocketAddress.lookUp("localhost")

        #expect(addresses.allSatisfy { $0.isLoopback && $0.port == 0 })
        #expect(!addresses.isEmpty)
        #expect(throws: NameFailure.unknown) { try SocketAddress.lookUp("localhost\0.example") }
    }
}
