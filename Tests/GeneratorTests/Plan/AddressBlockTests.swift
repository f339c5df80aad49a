import Generator
import Syscalls
import Testing

@Suite struct `A block of addresses` {
    private func hosts(_ text: String) throws -> [String] {
        try AddressBlock(text, atMost: 4096).addresses.map(\.host)
    }

    @Test func `has every host, without the network and the broadcast address`() throws {
        #expect(try hosts("127.0.0.0/30") == ["127.0.0.1", "127.0.0.2"])
        #expect(try hosts("10.0.0.0/31") == ["10.0.0.0", "10.0.0.1"])
        #expect(try hosts("10.0.0.7/32") == ["10.0.0.7"])
        #expect(try hosts("10.0.0.7") == ["10.0.0.7"])
        #expect(try hosts("10.0.252.0/22").last == "10.0.255.254")
        #expect(try hosts("10.0.0.0/20").count == 4094)
    }

    @Test func `of IPv6 has them all`() throws {
        #expect(try hosts("fd00::10/126") == ["fd00::10", "fd00::11", "fd00::12", "fd00::13"])
        #expect(try hosts("fd00::/116").count == 4096)
        #expect(try hosts("::1") == ["::1"])
        #expect(try AddressBlock("::1", atMost: 1).addresses.first?.port == 0)
    }

    @Test(arguments: [
        ("", "is not an address"), ("10.0.0", "is not an address"), ("x/8", "is not an address"),
        ("10.0.0.0/33", "prefix of 0 to 32"), ("10.0.0.0/", "prefix of 0 to 32"),
        ("10.0.0.0/-1", "prefix of 0 to 32"), ("10.0.0.0/+8", "prefix of 0 to 32"),
        ("::/129", "prefix of 0 to 128"), ("::/0", "more than 4096"), ("::/64", "more than 4096"),
        ("0.0.0.0/0", "more than 4096"), ("10.0.0.0/19", "more than 4096"),
        ("10.0.0.1\0", "is not an address"), ("10.0.0.1/24", "does not begin"),
        ("fd00::1/120", "does not begin"),
        ("10.0.0.0/99999999999999999999", "prefix of 0 to 32"),
    ])
    func `that is written wrong says how`(text: String, message: String) {
        let error = #expect(throws: AddressBlock.ParseError.self) {
            try AddressBlock(text, atMost: 4096)
        }

        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
}
