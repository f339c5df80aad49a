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
        ("unix:/run/app.sock", "unix:/run/app.sock"),
        ("unix:relative", "unix:relative"),
        ("unix:/with:colon and space%", "unix:/with:colon and space%"),
        ("unix:@name", "unix:@name"),
        ("unix:@@", "unix:@@"),
        ("unix:./@file", "unix:./@file"),
        ("unix:", "unix:"),
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
        "127.0.0.1:-0", "[fe80::1%+2]:80", "[fe80::1%-0]:80", "unix:@", "unix:/a\0b",
        "unix:@a\0b", "UNIX:/run/app.sock",
    ])
    func `a text that is no address is refused by name`(text: String) {
        let refusal = #expect(throws: SocketAddress.ParseError.self) { try SocketAddress(text) }

        #expect(refusal?.text == text)
    }

    @Test(arguments: [
        ("8o", SocketAddress.ParseError.Reason.form, "write 127.0.0.1:7788, [::1]:7788"),
        ("127.0.0.1:http", .port, "0 to 65535"), ("example.org:80", .ipv4, "in brackets"),
        ("[::g]:80", .ipv6, "such as ::1"), ("[fe80::1%nowhere]:80", .scope, "'ip link'"),
        ("unix:@", .unixName, "a path or a name"), ("unix:a\0", .zeroByte, "a zero byte"),
        (
            "unix:/" + String(repeating: "x", count: 107), .unixNameTooLong(108),
            "has 108 bytes, and at most 107 fit"
        ),
    ])
    func `each refusal says what is wrong`(
        text: String, reason: SocketAddress.ParseError.Reason, words: String
    ) {
        let refusal = #expect(throws: SocketAddress.ParseError.self) { try SocketAddress(text) }

        #expect(refusal?.reason == reason)
        #expect(refusal?.description.contains(words) == true)
    }

    @Test(arguments: ["/", "@"])
    func `a Unix name has at most 107 bytes`(first: String) throws {
        let room = first == "@" ? 107 : 106
        let longest = "unix:" + first + String(repeating: "n", count: room)

        #expect(try SocketAddress(longest).description == longest)
        #expect(throws: SocketAddress.ParseError.self) { try SocketAddress(longest + "n") }
    }

    @Test func `Unix addresses are made of paths and names`() throws {
        let path = try SocketAddress.unix(path: "/run/app.sock")
        let name = try SocketAddress.unix(abstractName: "app")

        #expect(try path == SocketAddress("unix:/run/app.sock"))
        #expect(try name == SocketAddress("unix:@app"))
        #expect(path.unixPath == "/run/app.sock")
        #expect(name.unixPath == nil)
        #expect(path.isUnix && path.isLoopback && !path.isIPv6 && path.port == 0)
        #expect(path.with(port: 80) == path)
        // Not taken for a name when it is read back.
        #expect(try SocketAddress.unix(path: "@file").description == "unix:./@file")
        #expect(throws: SocketAddress.ParseError.self) { try SocketAddress.unix(path: "") }
        #expect(throws: SocketAddress.ParseError.self) { try SocketAddress.unix(abstractName: "") }
        #expect(throws: SocketAddress.ParseError.self) { try SocketAddress.unix(path: "a\0") }
    }

    @Test func `an address is small, and equal by value`() throws {
        #expect(MemoryLayout<SocketAddress>.stride == 24)
        #expect(try SocketAddress("[::ffff:127.0.0.1]:1") != SocketAddress("127.0.0.1:1"))
        #expect(try SocketAddress("[fe80::1%2]:1") != SocketAddress("[fe80::1%3]:1"))
        #expect(try SocketAddress("unix:@a") != SocketAddress("unix:a"))
        let all = ["127.0.0.1:1", "[::1]:1", "unix:a", "unix:@a", "unix:"]
        #expect(try Set((all + all).map { try SocketAddress($0) }).count == 5)
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

    @Test(arguments: [
        "127.0.0.1:7788", "[::1]:7788", "[fe80::1%7]:80", "unix:/run/app.sock", "unix:@name",
        "unix:@" + String(repeating: "n", count: 107), "unix:" + String(repeating: "p", count: 107),
        "unix:",
    ])
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

    @Test func `a family that is none of the three is no address`() throws {
        let (_, address) = try SocketAddress.filled { space, _ in
            space.pointee.sa_family = sa_family_t(AF_NETLINK)
            return CInt(0)
        }

        #expect(address == nil)
    }

    @Test(
        arguments: [
            ("192.0.2.1:7", [192, 0, 2, 1]), ("unix:@name", []),
            ("[2001:db8::ff]:7", [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF]),
        ] as [(String, [UInt8])])
    func `the bytes of a host are in the order of the network`(text: String, bytes: [UInt8]) throws
    {
        #expect(try SocketAddress(text).hostBytes == bytes)
    }
}
