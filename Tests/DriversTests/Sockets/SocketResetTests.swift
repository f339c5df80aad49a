import Drivers
import Syscalls
import Testing

// The part of the contract that is about ends out of order: resets, and calls on what is gone.

extension SocketContractTests {
    @Test(arguments: SocketsUnderTest.all, loopbacks)
    func `a reset is told once and after what had arrived`(
        kind: SocketsUnderTest, host: String
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair(over: host)
        try setting.send("last words", from: server)

        try setting.sockets.resetOnClose(server)
        setting.close(server)

        #expect(try setting.await(from: client) == "last words")
        try setting.wait(for: .both, of: client)
        #expect(throws: Errno.connectionReset) { try setting.take(from: client) }
        for _ in 0..<2 { #expect(try setting.take(from: client) == "") }
        #expect(throws: Errno.brokenPipe) { try setting.send("x", from: client) }
        #expect(try setting.sockets.takeError(client) == nil)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `after a reset there is no peer and nothing to end`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        let name = try setting.sockets.localAddress(client)
        try setting.sockets.resetOnClose(server)
        setting.close(server)
        try setting.wait(for: .both, of: client)

        #expect(throws: Errno.notConnected) { try setting.sockets.remoteAddress(client) }
        #expect(throws: Errno.notConnected) { try setting.sockets.closeWrite(client) }
        #expect(try setting.sockets.localAddress(client) == name)
        #expect(try setting.sockets.takeError(client) == .connectionReset)
        #expect(try setting.sockets.takeError(client) == nil)
        #expect(try setting.take(from: client) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `the first send after a reset takes the error and the next finds a broken pipe`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        try setting.sockets.resetOnClose(server)
        setting.close(server)
        try setting.wait(for: .both, of: client)

        #expect(throws: Errno.connectionReset) { try setting.send("x", from: client) }
        #expect(throws: Errno.brokenPipe) { try setting.send("x", from: client) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `who closes with bytes unread resets the connection`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        try setting.send("unread", from: client)
        try setting.wait(for: .readable, of: server)

        setting.close(server)

        try setting.wait(for: .readable, of: client)
        #expect(throws: Errno.connectionReset) { try setting.take(from: client) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `to send to who has closed is no error at first and a broken pipe then`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()
        setting.close(server)
        #expect(try setting.await(from: client) == "")

        try setting.send("too late", from: client)

        // The reset has come; after the end of the stream it is no news to a reader.
        #expect(try setting.take(from: client) == "")
        for _ in 0..<2 {
            #expect(throws: Errno.brokenPipe) { try setting.send("x", from: client) }
        }
        #expect(try setting.take(from: client) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a listener that is closed resets those that wait to be accepted`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let listener = try setting.listener()
        let client = try setting.client(of: listener)
        try setting.wait(for: .writable, of: client)

        setting.close(listener)

        try setting.wait(for: .readable, of: client)
        #expect(throws: Errno.connectionReset) { try setting.take(from: client) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `who was reset before it was accepted is accepted and then reset`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let listener = try setting.listener()
        let client = try setting.client(of: listener)
        try setting.wait(for: .readable, of: listener)
        let name = try setting.sockets.localAddress(client)
        try setting.sockets.resetOnClose(client)
        setting.close(client)

        let (accepted, address) = try setting.accept(from: listener)

        #expect(address == name)
        #expect(throws: Errno.connectionReset) { try setting.take(from: accepted) }
    }

    // MARK: Not connected, not open

    @Test(arguments: SocketsUnderTest.all)
    func `a socket that was never connected has nothing to read or write`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()

        for socket in [try setting.open(), try setting.listener()] {
            #expect(throws: Errno.notConnected) { try setting.take(from: socket) }
            #expect(throws: Errno.brokenPipe) { try setting.send("x", from: socket) }
            #expect(throws: Errno.notConnected) { try setting.sockets.remoteAddress(socket) }
            #expect(try setting.sockets.takeError(socket) == nil)
        }
        let fresh = try setting.open()
        #expect(throws: Errno.notConnected) { try setting.sockets.closeWrite(fresh) }
        let listener = try setting.listener()
        try setting.sockets.closeWrite(listener)
        #expect(try setting.sockets.option(.isListening, of: listener) == 1)
    }

    @Test(arguments: SocketsUnderTest.all, [-1, 1_000_000_000] as [CInt])
    func `every call on a number that is not open says so`(
        kind: SocketsUnderTest, number: CInt
    ) throws {
        let setting = try kind.open()
        let (sockets, bad) = (setting.sockets, RawDescriptor(number))
        let address = try SocketAddress("127.0.0.1:0")

        #expect(throws: Errno.badDescriptor) { try sockets.bind(bad, to: address) }
        #expect(throws: Errno.badDescriptor) { try sockets.listen(bad, backlog: 1) }
        #expect(throws: Errno.badDescriptor) { try sockets.accept(bad) }
        #expect(throws: Errno.badDescriptor) { try sockets.connect(bad, to: address) }
        #expect(throws: Errno.badDescriptor) { try sockets.takeError(bad) }
        #expect(throws: Errno.badDescriptor) { try setting.take(from: bad) }
        #expect(throws: Errno.badDescriptor) { try setting.send("x", from: bad) }
        #expect(throws: Errno.badDescriptor) { try sockets.closeWrite(bad) }
        #expect(throws: Errno.badDescriptor) { try sockets.localAddress(bad) }
        #expect(throws: Errno.badDescriptor) { try sockets.remoteAddress(bad) }
        #expect(throws: Errno.badDescriptor) { try sockets.option(.noDelay, of: bad) }
        #expect(throws: Errno.badDescriptor) { try sockets.setOption(.noDelay, of: bad, to: 1) }
        #expect(throws: Errno.badDescriptor) { try sockets.resetOnClose(bad) }
        sockets.close(bad)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `closed numbers come back`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        // More than may be open at once.
        for _ in 0..<30_000 { setting.close(try setting.open()) }

        let numbers = try (0..<10).map { _ in try setting.open().number }

        #expect(Set(numbers).count == 10)
        #expect(numbers.allSatisfy { (0..<30_000).contains($0) })
    }
}
