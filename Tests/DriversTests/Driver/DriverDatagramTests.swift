import Drivers
import Syscalls
import Testing

// The part of the contract that is about sockets for datagrams.

extension Setting {
    /// Two sockets for datagrams, the first of which is connected to the second.
    func makeDatagramPair(
        over text: String = "127.0.0.1:0"
    ) throws -> (watched: RawDescriptor, peer: RawDescriptor) {
        let any = try SocketAddress(text)
        let (watched, peer) = (
            adopt(try sockets.openDatagram(for: any, .datagram)),
            adopt(try sockets.openDatagram(for: any, .datagram))
        )
        try sockets.bind(watched, to: any)
        try sockets.bind(peer, to: any)
        _ = try sockets.connect(watched, to: sockets.localAddress(peer))
        return (watched, peer)
    }

    /// Sends one byte as a datagram.
    func sendDatagram(from socket: RawDescriptor, to target: RawDescriptor? = nil) throws {
        let address = try target.map { try sockets.localAddress($0) }
        try [UInt8(7)].withUnsafeBytes {
            try sockets.sendDatagram(socket, $0, DatagramRoute(to: address))
        }
    }

    /// Takes one datagram.
    func takeDatagram(from socket: RawDescriptor) throws {
        var bytes = [UInt8](repeating: 0, count: 8)
        _ = try bytes.withUnsafeMutableBytes {
            try sockets.receiveDatagram(socket, into: $0, readingControl: false)
        }
    }
}

extension DriverContractTests {
    @Test(arguments: DriverUnderTest.all)
    func `a socket for datagrams has room at once, and is readable for each datagram`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makeDatagramPair()
        try setting.driver.setInterest(.both, in: watched)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .writable)])
        try setting.driver.setInterest(.readable, in: watched)
        #expect(try setting.look().isEmpty)

        try setting.sendDatagram(from: peer, to: watched)
        try setting.sendDatagram(from: peer, to: watched)

        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
        try setting.takeDatagram(from: watched)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
        try setting.takeDatagram(from: watched)
        #expect(try setting.look().isEmpty)
    }

    @Test(arguments: DriverUnderTest.all)
    func `a wait for room at a Unix socket ends when that closes`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makeDatagramPair(over: "unix:")
        #expect(throws: Errno.wouldBlock) {
            for _ in 0..<10_000 { try setting.sendDatagram(from: watched) }
        }
        try setting.driver.setInterest(.writable, in: watched)
        #expect(try setting.look().isEmpty)

        setting.close(peer)

        #expect(try setting.waitForReadiness() == [Readiness(watched, .writable)])
        #expect(throws: Errno.connectionRefused) { try setting.sendDatagram(from: watched) }
    }

    @Test(arguments: DriverUnderTest.all)
    func `a datagram that nobody receives ends the sender's wait`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makeDatagramPair()
        try setting.driver.setInterest(.readable, in: watched)
        setting.close(peer)

        try setting.sendDatagram(from: watched)

        let ready = try setting.waitForReadiness()
        #expect(ready.map(\.descriptor) == [watched])
        #expect(ready.allSatisfy { $0.ready.contains(.readable) })
        #expect(throws: Errno.connectionRefused) { try setting.takeDatagram(from: watched) }
        #expect(try setting.look().isEmpty)
    }
}
