import Flags
import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct NamesTests {
    private static let hosts = """
        # A comment, and an empty line

        192.0.2.1 one.example one
        192.0.2.2 \t one.example   # two addresses
        2001:db8::1 six.example
        """ + (1...80).map { "\n198.51.100.\($0) many.example" }.joined()

    private func table() throws -> HostTable { try HostTable(Self.hosts) }

    /// A question as clients ask it; with a size it says by EDNS what it can take.
    private static func question(
        _ name: String, _ type: UInt16 = 1, network: UInt16 = 1, size: UInt16? = nil
    ) -> [UInt8] {
        let labels = name.split(separator: ".").map { Array($0.utf8) }
        let edns: [UInt8] =
            size.map { [0, 0, 41, UInt8($0 >> 8), UInt8($0 & 255), 0, 0, 0, 0, 0, 0] } ?? []
        return [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, size == nil ? 0 : 1]
            + DNSQuery.bytes(of: labels)
            + [UInt8(type >> 8), UInt8(type & 255), UInt8(network >> 8), UInt8(network & 255)]
            + edns
    }

    private func answer(to question: [UInt8], limit: Int? = nil) throws -> [UInt8] {
        try #require(try table().answer(to: question, limit: limit))
    }

    @Test func `an address is found, in large and small letters, and the question repeated`() throws
    {
        let question = Self.question("ONE.example")
        let answer = try answer(to: question)
        #expect(answer[..<8] == [0xAB, 0xCD, 0x85, 0, 0, 1, 0, 2])
        #expect(Array(answer[12..<question.count]) == Array(question[12...]))
        let record: [UInt8] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2]
        #expect(Array(answer[question.count...]) == record + [1] + record + [2])
    }

    @Test func `addresses of IPv6 and names of addresses are found`() throws {
        let six = try answer(to: Self.question("six.example", 28))
        #expect(six.suffix(16) == [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1])
        let reverse = try answer(to: Self.question("1.2.0.192.in-addr.arpa", 12))
        #expect(
            reverse.suffix(13) == DNSQuery.bytes(of: [Array("one".utf8), Array("example".utf8)]))
        let nibbles = "1" + String(repeating: ".0", count: 23) + ".8.b.d.0.1.0.0.2.ip6.arpa"
        #expect(try answer(to: Self.question(nibbles, 12))[7] == 1)
    }

    @Test func `what is not there, not known or not right is said to be so`() throws {
        func end(_ question: [UInt8]) throws -> [UInt8] {
            let answer = try answer(to: question)
            return [answer[3], answer[7]]
        }
        #expect(try end(Self.question("none.example")) == [3, 0])
        #expect(try end(Self.question("six.example", 1)) == [0, 0])
        #expect(try end(Self.question("one.example", network: 3)) == [5, 0])
        #expect(try end(Array(Self.question("one.example").dropLast())) == [1, 0])
        var update = Self.question("one.example")
        update[2] = 5 << 3
        #expect(try end(update) == [4, 0])
        var reply = Self.question("one.example")
        reply[2] |= 0x80
        #expect(try table().answer(to: reply) == nil)
        #expect(try table().answer(to: [1, 2, 3]) == nil)
    }

    @Test func `an answer that is too long for a datagram says only that`() throws {
        let short = try answer(to: Self.question("many.example"))
        #expect(short[2] & 2 == 2 && short[7] == 0)
        #expect(try answer(to: Self.question("many.example"), limit: 65_535)[7] == 80)
        #expect(try answer(to: Self.question("many.example", size: 4_096))[2] & 2 == 2)
        // 29 bytes of the question, 16 of each address, and 11 that EDNS takes.
        let long = try answer(to: Self.question("one.example", size: 1_232))
        #expect(long[11] == 1 && long[7] == 2)
    }

    @Test func `spoiled questions are answered in order or not at all`() throws {
        let table = try table()
        let samples = [
            Self.question("one.example"), Self.question("six.example", 28, size: 1_232),
            Self.question("1.2.0.192.in-addr.arpa", 12),
        ]
        fuzz(samples) { bytes in
            guard let answer = table.answer(to: bytes) else { return }
            #expect(answer.count <= 1_232 && answer[2] & 0x80 != 0)
            #expect(Array(answer[..<2]) == Array(bytes[..<2]))
        }
    }

    @Test func `spoiled hosts files are read or refused`() {
        fuzz([Array(Self.hosts.utf8.prefix(120))], count: 20_000) { bytes in
            _ = try? HostTable(String(decoding: bytes, as: UTF8.self))
        }
        #expect(throws: Failure(.data, "line 2: '1.2.3' is not an address")) {
            try HostTable("1.2.3.4 a\n1.2.3 b")
        }
        #expect(throws: Failure(.data, "line 1: 'a..b' is not a name")) {
            try HostTable("1.2.3.4 a..b")
        }
    }

    @Test func `over TCP questions follow each other on a connection`() async throws {
        let server = NameServer(table: try table())
        let (one, many) = (Self.question("one.example"), Self.question("many.example"))
        try await serving(with: server.serve) { address in
            try await Connection.connect(to: address) { connection in
                try await connection.write([0, UInt8(one.count)] + one + [0, UInt8(many.count)])
                try await connection.write(many)
                for count in [2, 80] as [UInt8] {
                    let head = try #require(try await connection.read(exactly: 2))
                    let length = Int(head[0]) << 8 | Int(head[1])
                    let answer = try #require(try await connection.read(exactly: length))
                    #expect(answer[7] == count)
                }
                // A length without a message ends it.
                try await connection.write([0, 0])
                let isAtEnd = try await connection.read() == nil
                #expect(isAtEnd)
            }
        }
    }

    @Test func `over UDP a client asks until it is answered`() throws {
        let server = NameServer(table: try table())
        try Simulation(seed: 3).run { world in
            try await world.host("server").receive(on: "server:53") {
                try await $0.serve(handler: server.answer)
            }
            world.network.inject(.lostDatagrams(probability: 0.5))
            let socket = try await DatagramSocket.connect(to: "server:53")
            for _ in 0..<100 {
                try await socket.send(Self.question("one"))
                guard let answer = try? await socket.receive(timeout: .seconds(1)) else { continue }
                #expect(answer.bytes.suffix(4) == [192, 0, 2, 1])
                return
            }
            Issue.record("no answer")
        }
    }
}
