import Drivers
import Syscalls
import Testing

// The part of the contract that is about how connections come about: connect, listen, accept.

extension SocketContractTests {
    @Test(arguments: SocketsUnderTest.all, loopbacks)
    func `connecting where nobody listens is refused and said once`(
        kind: SocketsUnderTest, host: String
    ) throws {
        let setting = try kind.open()
        let deaf = try setting.bound(to: host)
        let client = try setting.client(of: deaf)

        try setting.wait(for: .writable, of: client)

        #expect(throws: Errno.notConnected) { try setting.sockets.remoteAddress(client) }
        #expect(try setting.sockets.takeError(client) == .connectionRefused)
        #expect(try setting.sockets.takeError(client) == nil)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `connect once more says how it went and that it is done`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.listener()
        let address = try setting.sockets.localAddress(listener)
        let client = try setting.client(of: listener)
        try setting.wait(for: .writable, of: client)

        #expect(try setting.sockets.connect(client, to: address))
        #expect(throws: Errno.isConnected) { try setting.sockets.connect(client, to: address) }
        let (server, _) = try setting.accept(from: listener)
        #expect(throws: Errno.isConnected) { try setting.sockets.connect(server, to: address) }
        #expect(throws: Errno.isConnected) { try setting.sockets.connect(listener, to: address) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a socket whose attempt was refused can try again`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let deaf = try setting.sockets.localAddress(try setting.bound())
        let listener = try setting.listener()
        let client = try setting.open()
        _ = try setting.sockets.connect(client, to: deaf)
        try setting.wait(for: .writable, of: client)

        #expect(throws: Errno.connectionRefused) { try setting.sockets.connect(client, to: deaf) }
        _ = try setting.sockets.connect(client, to: setting.sockets.localAddress(listener))

        try setting.wait(for: .writable, of: client)
        let (_, address) = try setting.accept(from: listener)
        #expect(address == (try setting.sockets.localAddress(client)))
    }

    @Test(arguments: SocketsUnderTest.all, [true, false])
    func `an attempt that is withdrawn is none of the next one`(
        kind: SocketsUnderTest, isUp: Bool
    ) throws {
        let setting = try kind.open()
        let (one, other) = (try setting.listener(), try setting.listener())
        let target = try setting.sockets.localAddress(other)
        let client = try setting.client(of: one)
        if isUp { try setting.wait(for: .writable, of: client) }

        try setting.sockets.disconnect(client)
        #expect(throws: Errno.notConnected) { try setting.sockets.remoteAddress(client) }
        #expect(try setting.sockets.takeError(client) == nil)
        #expect(try !setting.sockets.connect(client, to: target))
        try setting.wait(for: .writable, of: client)

        #expect(try setting.sockets.connect(client, to: target))
        #expect(try setting.sockets.remoteAddress(client) == target)
        let (_, address) = try setting.accept(from: other)
        #expect(address == (try setting.sockets.localAddress(client)))
        try setting.sockets.disconnect(setting.open())
    }

    @Test(arguments: SocketsUnderTest.all)
    func `an attempt whose error was taken has to be ended by another call`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let deaf = try setting.sockets.localAddress(try setting.bound())
        let client = try setting.open()
        _ = try setting.sockets.connect(client, to: deaf)
        try setting.wait(for: .writable, of: client)
        #expect(try setting.sockets.takeError(client) == .connectionRefused)

        #expect(throws: Errno.aborted) { try setting.sockets.connect(client, to: deaf) }
        #expect(try !setting.sockets.connect(client, to: deaf))
    }

    // MARK: The queue

    @Test(arguments: SocketsUnderTest.all)
    func `who waits to be accepted is up and may send`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.listener()
        let clients = try (0..<3).map { number in
            let client = try setting.client(of: listener)
            try setting.wait(for: .writable, of: client)
            try setting.send("hello \(number)", from: client)
            return client
        }

        for (number, client) in clients.enumerated() {
            let (server, address) = try setting.accept(from: listener)
            #expect(address == (try setting.sockets.localAddress(client)))
            #expect(try setting.await(from: server) == "hello \(number)")
        }
        #expect(throws: Errno.wouldBlock) { try setting.sockets.accept(listener) }
    }

    @Test(arguments: SocketsUnderTest.all, [0, 1, 5])
    func `one more than the backlog are up and the next stays in progress`(
        kind: SocketsUnderTest, backlog: Int
    ) throws {
        let setting = try kind.open()
        let listener = try setting.listener(backlog: backlog)
        for _ in 0...backlog {
            try setting.wait(for: .writable, of: try setting.client(of: listener))
        }

        let client = try setting.client(of: listener)

        let address = try setting.sockets.localAddress(listener)
        #expect(try !setting.isReady(client, for: .both))
        #expect(try setting.sockets.takeError(client) == nil)
        #expect(throws: Errno.notConnected) { try setting.sockets.remoteAddress(client) }
        #expect(throws: Errno.wouldBlock) { try setting.take(from: client) }
        #expect(throws: Errno.wouldBlock) { try setting.send("x", from: client) }
        #expect(throws: Errno.already) { try setting.sockets.connect(client, to: address) }
        #expect(try setting.sockets.localAddress(client).port != 0)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `an attempt in progress that is shut down is off`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.listener(backlog: 0)
        try setting.wait(for: .writable, of: try setting.client(of: listener))
        let client = try setting.client(of: listener)

        try setting.sockets.closeWrite(client)

        #expect(try !setting.sockets.connect(client, to: setting.sockets.localAddress(listener)))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `to listen again changes the backlog`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.listener(backlog: 0)
        try setting.wait(for: .writable, of: try setting.client(of: listener))

        try setting.sockets.listen(listener, backlog: 1)

        try setting.wait(for: .writable, of: try setting.client(of: listener))
        #expect(try !setting.isReady(try setting.client(of: listener), for: .writable))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `only a listener accepts and only what is not connected listens`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.pair()

        for socket in [client, server, try setting.open(), try setting.bound()] {
            #expect(throws: Errno.invalidArgument) { try setting.sockets.accept(socket) }
        }
        for socket in [client, server] {
            #expect(throws: Errno.invalidArgument) {
                try setting.sockets.listen(socket, backlog: 1)
            }
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `what listens without an address gets a port of every address`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let listener = try setting.open()

        try setting.sockets.listen(listener, backlog: 1)

        let address = try setting.sockets.localAddress(listener)
        #expect(address.host == "0.0.0.0")
        #expect(address.port != 0)
        let client = try setting.open()
        let target = try SocketAddress("127.0.0.1:\(address.port)")
        _ = try setting.sockets.connect(client, to: target)
        try setting.wait(for: .writable, of: client)
        #expect(try setting.sockets.remoteAddress(client) == target)
    }
}
