import Glibc
import Syscalls
import Testing

/// Addresses as text: what is read, what is printed, and what is refused.
@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:7788", "127.0.0.1:7788"),
        ("0.0.0.0:0", "0.0.0.0:0"),
        ("255.255.255.255:65535", "255.255.255.255:65535"),
        ("localhost:80", "127.0.0.1:80"),
        (":80", "127.0.0.1:80"),
        ("[::1]:7788", "[::1]:7788"),
        ("[::]:0", "[::]:0"),
        ("[0:0:0:0:0:0:0:1]:1", "[::1]:1"),
        ("[2001:DB8::00ff]:443", "[2001:db8::ff]:443"),
        ("[::ffff:10.0.0.1]:9", "[::ffff:10.0.0.1]:9"),
        ("[fe80::1%7]:80", "[fe80::1%7]:80"),
        ("127.0.0.1:0080", "127.0.0.1:80"),
    ])
    func `an address prints in the form that reads back`(text: String, printed: String) throws {
        let address = try SocketAddress(text)

        #expect(address.description == printed)
        #expect(try SocketAddress(printed) == address)
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+80",
        "127.0.0.1:80 ", " 127.0.0.1:80", "127.0.0.1:http", "127.0.0:80", "127.0.0.256:80",
        "127.0.0.1.5:80", "0x7f.0.0.1:80", "example.org:80", "::1:80", "[::1]", "[::1]80",
        "[::1:80", "::1]:80", "[]:80", "[127.0.0.1]:80", "[::g]:80", "[::1%]:80", "[fe80::1%0]:80",
        "[fe80::1%no such card]:80", "127.0.0.1%1:80", "127.0.0.1:80:90", "127.0.0.1:８０", "\0:80",
        "127.0.0.1\0.example.org:80", "127.0.0.1:80\0", "[::1\0]:80", "[fe80::1%lo\0x]:80",
        "127.0.0.1:-0", "[fe80::1%+2]:80", "[fe80::1%-0]:80",
    ])
    func `a text that is no address is refused by name`(text: String) {
        let refusal = #expect(throws: SocketAddress.ParseError.self) { try SocketAddress(text) }

        #expect(refusal?.text == text)
    }

    @Test func `the refusal shows the text and how to write it`() {
        let refusal = #expect(throws: SocketAddress.ParseError.self) { try SocketAddress("8o") }

        #expect(refusal?.description.hasPrefix("'8o' is not an address: write 127.0.") == true)
    }

    @Test func `a scope may be given by the name of its interface`() throws {
        let scope = if_nametoindex("lo")
        try #require(scope != 0)

        #expect(try SocketAddress("[fe80::1%lo]:80").description == "[fe80::1%\(scope)]:80")
    }

    @Test(arguments: ["10.1.2.3:1", "[2001:db8::1]:1", "[fe80::1%3]:1"])
    func `changing the port keeps the host`(text: String) throws {
        let address = try SocketAddress(text)
        let moved = address.with(port: 65_535)

        #expect(moved.port == 65_535)
        #expect(moved.host == address.host)
        #expect(moved.isIPv6 == address.isIPv6)
        #expect(moved != address)
        #expect(moved.with(port: 1) == address)
    }

    @Test(arguments: [
        ("127.0.0.1:1", true), ("127.255.0.9:1", true), ("[::1]:1", true),
        ("128.0.0.1:1", false), ("0.0.0.0:1", false), ("[::]:1", false), ("[::2]:1", false),
    ])
    func `loopback is what only this machine can reach`(text: String, isLoopback: Bool) throws {
        #expect(try SocketAddress(text).isLoopback == isLoopback)
    }

    @Test func `equal addresses hash alike and serve as keys`() throws {
        let names = [try SocketAddress("[0::1]:80"): "one"]

        #expect(names[try SocketAddress("[::1]:80")] == "one")
        #expect(names[try SocketAddress("[::1]:81")] == nil)
    }

    @Test(arguments: ["127.0.0.1:7788", "[::1]:7788", "[fe80::1%7]:80"])
    func `the kernel's form of an address reads back as the same address`(text: String) throws {
        let address = try SocketAddress(text)

        let (_, copy) = try SocketAddress.filled { space, length in
            address.withSockAddr { source, size in
                memcpy(space, source, Int(size))
                length.pointee = size
                return CInt(size)
            }
        }

        #expect(copy == address)
    }

    @Test func `a family that is neither IPv4 nor IPv6 is no address`() throws {
        let (_, address) = try SocketAddress.filled { space, _ in
            space.pointee.sa_family = sa_family_t(AF_UNIX)
            return CInt(0)
        }

        #expect(address == nil)
    }
}
