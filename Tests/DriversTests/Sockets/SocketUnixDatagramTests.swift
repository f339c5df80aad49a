import Drivers
import Syscalls
import Testing

// The part of the contract that is about long datagrams of Unix sockets.

extension SocketContractTests {
    @Test(arguments: SocketsUnderTest.all)
    func `what waits at a Unix socket takes room in the buffer of its sender`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (server, client, other) = (
            try setting.unixDatagramSocket(), try setting.unixDatagramSocket(),
            try setting.unixDatagramSocket()
        )
        let address = try setting.address(of: server)
        // The kernel doubles it.
        try setting.sockets.setOption(.sendBuffer, of: client, to: 106_496)
        #expect(try setting.sockets.connect(client, to: address))
        let long = String(repeating: "x", count: 100_000)

        for _ in 0..<3 { try setting.sendDatagram(long, from: client) }
        #expect(throws: Errno.wouldBlock) { try setting.sendDatagram("4th", from: client) }
        #expect(try !setting.isReady(client, for: .writable))
        try setting.sendDatagram("mine", from: other, to: address)

        for _ in 0..<3 {
            let came = try setting.takeDatagram(from: server, atMost: 200_000)
            #expect(came.received.count == 100_000 && !came.received.isTruncated)
        }
        #expect(try setting.takeDatagram(from: server).text == "mine")
        #expect(try setting.isReady(client, for: .writable))
        try setting.sendDatagram("4th", from: client)
        #expect(try setting.takeDatagram(from: server).text == "4th")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `what a receiver has not taken when it closes leaves its sender's buffer`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (server, other) = (
            try setting.unixDatagramSocket(), try setting.unixDatagramSocket()
        )
        let client = try setting.unixDatagramSocket()
        try setting.sockets.setOption(.sendBuffer, of: client, to: 106_496)
        let long = String(repeating: "x", count: 100_000)
        for _ in 0..<3 {
            try setting.sendDatagram(long, from: client, to: setting.address(of: server))
        }
        #expect(throws: Errno.wouldBlock) {
            try setting.sendDatagram("?", from: client, to: setting.address(of: other))
        }

        setting.close(server)

        #expect(try setting.isReady(client, for: .writable))
        try setting.sendDatagram("!", from: client, to: setting.address(of: other))
        #expect(try setting.takeDatagram(from: other).text == "!")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix datagram is as long as the sender's buffer, but for 32 bytes`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (server, client) = (
            try setting.unixDatagramSocket(), try setting.unixDatagramSocket()
        )
        let address = try setting.address(of: server)
        let most = try setting.sockets.option(.sendBuffer, of: client) - 32

        #expect(throws: Errno.messageTooLong) {
            try setting.sendDatagram(
                String(repeating: "x", count: most + 1), from: client, to: address)
        }
        try setting.sendDatagram(String(repeating: "x", count: most), from: client, to: address)

        #expect(try setting.takeDatagram(from: server, atMost: most).received.count == most)
    }
}
