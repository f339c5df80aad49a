import Flags
import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct TimeTests {
    private static let clock = WallClock { 1_000_000_000_500_000_000 }

    private func answer(over name: SmallService.Name, to bytes: [UInt8] = []) -> [UInt8]? {
        SmallService(name, clock: Self.clock).text(bytes)
    }

    @Test func `the time is seconds since 1900, and begins again in 2036`() {
        #expect(answer(over: .time) == [0xBF, 0x45, 0x48, 0x80])
        #expect(SmallService.time(at: 2_085_978_496) == [0, 0, 0, 0])
        #expect(SmallService.time(at: -2_208_988_800) == [0, 0, 0, 0])
    }

    @Test func `the day is told in words`() {
        let text = answer(over: .daytime).map { String(decoding: $0, as: UTF8.self) }
        #expect(text == "09 SEP 2001 01:46:40 UTC\r\n")
    }

    @Test func `datagrams are echoed, dropped, or answered with at most 512 bytes`() throws {
        #expect(answer(over: .echo, to: [1, 2]) == [1, 2])
        #expect(answer(over: .discard, to: [1, 2]) == nil)
        for _ in 0..<1_000 {
            #expect(try #require(answer(over: .chargen)).count <= 512)
            #expect(try #require(answer(over: .quote)).suffix(2) == [13, 10])
        }
    }

    @Test func `lines of characters move on by one, and come back`() {
        let first = String(decoding: CharacterGenerator.line(0), as: UTF8.self)
        #expect(first.hasPrefix(" !\"#$%&'()*+,-./0123456789") && first.hasSuffix("g\r\n"))
        #expect(CharacterGenerator.line(94).first == UInt8(ascii: "~"))
        #expect(CharacterGenerator.line(95) == CharacterGenerator.line(0))
    }

    @Test(arguments: SmallService.Name.allCases)
    func `each serves a connection to its end`(name: SmallService.Name) async throws {
        let service = SmallService(name, clock: Self.clock)
        try await serving(with: service.serve) { address in
            try await Connection.connect(to: address) { connection in
                switch name {
                case .echo, .discard:
                    try await connection.write("hello")
                    try await connection.closeWrite()
                    let expected: [UInt8]? = name == .echo ? Array("hello".utf8) : nil
                    #expect(try await connection.read(exactly: 5) == expected)
                case .chargen:
                    // It goes on until the client closes.
                    for number in 0..<1_000 {
                        let line = CharacterGenerator.line(number).dropLast(2)
                        #expect(try await connection.readLine()?.utf8.elementsEqual(line) == true)
                    }
                    return
                case .time, .daytime, .quote:
                    #expect(try await connection.read(exactly: 4)?.count == 4)
                    while try await connection.read() != nil {}
                }
                let isAtEnd = try await connection.read() == nil
                #expect(isAtEnd)
            }
        }
    }

    @Test func `no service is answered, and not more than the limit in a second`() throws {
        try Simulation(seed: 1).run { world in
            let gate = LoopGuard(ports: [7_007, 7_019], perSecond: 3)
            func admitted(_ port: UInt16, times: Int = 1) -> Int {
                let sender = world.hosts[0].address(port: port)
                return (0..<times).count { _ in gate.admits(sender) }
            }
            #expect(admitted(19) == 0 && admitted(1_023) == 0 && admitted(7_007) == 0)
            #expect(admitted(40_000, times: 10) == 3)
            try await sleep(for: .milliseconds(999))
            #expect(admitted(40_000) == 0)
            try await sleep(for: .milliseconds(1))
            #expect(admitted(40_001, times: 10) == 3)
        }
    }

    @Test func `an echo server that seems to ask is not answered`() throws {
        try Simulation(seed: 1).run { world in
            let echo = SmallService(.echo)
            let gate = LoopGuard(ports: [7_007], perSecond: 1_000)
            try await world.host("server").receive(on: "server:7007") { server in
                try await server.serve { try await echo.answer($0, gate) }
            }
            let (forged, honest) = (
                try await DatagramSocket.bind(to: "test:7007"),
                try await DatagramSocket.bind(to: "test:0")
            )
            let server = world.hosts[1].address(port: 7_007)
            try await forged.send("x", to: server)
            try await honest.send("y", to: server)
            #expect(try await honest.receive().text == "y")
            #expect(world.hosts[1].statistics?.sends == 1)
        }
    }

    @Test func `siblings are as far from the time as in the RFCs`() throws {
        #expect(try Program.address(of: .echo, beside: "127.0.0.1:7037") == "127.0.0.1:7007")
        #expect(try Program.address(of: .quote, beside: "[::]:37") == "[::]:17")
        #expect(try Program.address(of: .daytime, beside: "localhost:0") == "localhost:0")
        for text in ["127.0.0.1:\(Int.min)", "x", "h:", "h:29", "h:99999", "unix:/x"] {
            #expect(throws: UsageError.self) { try Program.address(of: .echo, beside: text) }
        }
    }
}
