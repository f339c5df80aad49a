import Drivers
import Syscalls
import Testing

// The part of the contract that is about addresses and ports.

extension SocketContractTests {
    @Test(arguments: SocketsUnderTest.all, loopbacks)
    func `both ends agree on their addresses`(kind: SocketsUnderTest, host: String) throws {
        let setting = try kind.open()
        let listener = try setting.listener(on: host)
        let client = try setting.client(of: listener)
        try setting.wait(for: .writable, of: client)
        let (server, accepted) = try setting.accept(from: listener)
        let sockets = setting.sockets

        #expect(accepted == (try sockets.localAddress(client)))
        #expect(try sockets.remoteAddress(server) == sockets.localAddress(client))
        #expect(try sockets.remoteAddress(client) == sockets.localAddress(server))
        #expect(try sockets.localAddress(server) == sockets.localAddress(listener))
        #expect(try sockets.localAddress(client).isLoopback)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a fresh socket has no address`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let socket = try setting.open()

        #expect(try setting.sockets.localAddress(socket) == SocketAddress("0.0.0.0:0"))
        #expect(throws: Errno.notConnected) { try setting.sockets.remoteAddress(socket) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `port 0 is a free port each time`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()

        let ports = try (0..<50).map { _ in
            try setting.sockets.localAddress(setting.bound()).port
        }

        #expect(Set(ports).count == 50)
        #expect(!ports.contains(0))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `an address that another has is in use and one of another machine not to be had`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let taken = try setting.sockets.localAddress(setting.listener())
        let other = try setting.open()

        #expect(throws: Errno.addressInUse) { try setting.sockets.bind(other, to: taken) }
        #expect(throws: Errno.addressInUse) {
            try setting.sockets.bind(other, to: SocketAddress("0.0.0.0:\(taken.port)"))
        }
        #expect(throws: Errno.addressNotAvailable) {
            try setting.sockets.bind(other, to: SocketAddress("192.0.2.1:0"))
        }
        try setting.sockets.bind(other, to: SocketAddress("127.0.0.2:\(taken.port)"))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `an address is given once and in the socket's own family`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let bound = try setting.bound()
        let fresh = try setting.open()

        #expect(throws: Errno.invalidArgument) {
            try setting.sockets.bind(bound, to: SocketAddress("127.0.0.1:0"))
        }
        #expect(throws: Errno.noSuchFamily) {
            try setting.sockets.bind(fresh, to: SocketAddress("[::1]:0"))
        }
        #expect(throws: Errno.noSuchFamily) {
            try setting.sockets.connect(fresh, to: SocketAddress("[::1]:1"))
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a port is free when its socket is closed`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.listener()
        let address = try setting.sockets.localAddress(listener)
        setting.close(listener)

        let next = try setting.open()
        try setting.sockets.bind(next, to: address)
        try setting.sockets.listen(next, backlog: 1)

        #expect(try setting.sockets.localAddress(next) == address)
    }

    // MARK: Sharing

    @Test(arguments: SocketsUnderTest.all, [(false, true), (true, false), (true, true)])
    func `a port whose connections live on goes to another listener when both reuse addresses`(
        kind: SocketsUnderTest, reuses: (Bool, Bool)
    ) throws {
        let setting = try kind.open()
        let first = try setting.open()
        if reuses.0 { try setting.sockets.setOption(.reuseAddress, of: first, to: 1) }
        try setting.sockets.bind(first, to: SocketAddress("127.0.0.1:0"))
        try setting.sockets.listen(first, backlog: 1)
        let address = try setting.sockets.localAddress(first)
        _ = try setting.client(of: first)
        _ = try setting.accept(from: first)
        setting.close(first)
        let next = try setting.open()
        if reuses.1 { try setting.sockets.setOption(.reuseAddress, of: next, to: 1) }

        if reuses == (true, true) {
            try setting.sockets.bind(next, to: address)
            try setting.sockets.listen(next, backlog: 1)
        } else {
            #expect(throws: Errno.addressInUse) { try setting.sockets.bind(next, to: address) }
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `two who reuse an address have it both until one listens`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let both = [try setting.open(), try setting.open()]
        for socket in both { try setting.sockets.setOption(.reuseAddress, of: socket, to: 1) }
        try setting.sockets.bind(both[0], to: SocketAddress("127.0.0.1:0"))
        let address = try setting.sockets.localAddress(both[0])
        try setting.sockets.bind(both[1], to: address)

        try setting.sockets.listen(both[0], backlog: 1)

        #expect(throws: Errno.addressInUse) { try setting.sockets.listen(both[1], backlog: 1) }
        let late = try setting.open()
        try setting.sockets.setOption(.reuseAddress, of: late, to: 1)
        #expect(throws: Errno.addressInUse) { try setting.sockets.bind(late, to: address) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `listeners that share a port share its connections`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        var address = try SocketAddress("127.0.0.1:0")
        var listeners: [RawDescriptor] = []
        for _ in 0..<3 {
            let listener = try setting.open()
            try setting.sockets.setOption(.reusePort, of: listener, to: 1)
            try setting.sockets.bind(listener, to: address)
            try setting.sockets.listen(listener, backlog: 64)
            address = try setting.sockets.localAddress(listener)
            listeners.append(listener)
        }
        for _ in 0..<60 {
            try setting.wait(for: .writable, of: try setting.client(of: listeners[0]))
        }

        var accepted: Set<RawDescriptor> = []
        for listener in listeners {
            while try setting.isReady(listener, for: .readable) {
                accepted.insert(try setting.accept(from: listener).0)
            }
        }

        #expect(accepted.count == 60)
        let alone = try setting.open()
        #expect(throws: Errno.addressInUse) { try setting.sockets.bind(alone, to: address) }
    }

    // MARK: Two families

    @Test(
        .enabled(if: loopbacks.count == 2, "this machine has no IPv6"),
        arguments: SocketsUnderTest.all)
    func `a listener of IPv6 takes IPv4 as well unless it was told not to`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let both = try setting.listener(on: "[::]")
        let only = try setting.open(for: "[::]")
        try setting.sockets.setOption(.ipv6Only, of: only, to: 1)
        try setting.sockets.bind(only, to: SocketAddress("[::]:0"))
        try setting.sockets.listen(only, backlog: 1)
        func connect(to listener: RawDescriptor) throws -> RawDescriptor {
            let client = try setting.open()
            let port = try setting.sockets.localAddress(listener).port
            _ = try setting.sockets.connect(client, to: SocketAddress("127.0.0.1:\(port)"))
            try setting.wait(for: .writable, of: client)
            return client
        }

        let (client, refused) = (try connect(to: both), try connect(to: only))

        let (_, peer) = try setting.accept(from: both)
        let name = try setting.sockets.localAddress(client)
        #expect(peer?.description == "[::ffff:127.0.0.1]:\(name.port)")
        #expect(try setting.sockets.takeError(refused) == .connectionRefused)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `who binds late has its address at once and its port when it connects`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let listener = try setting.listener()
        let client = try setting.open()

        try setting.sockets.setOption(.bindsLate, of: client, to: 1)
        try setting.sockets.bind(client, to: SocketAddress("127.0.0.2:0"))
        #expect(try setting.sockets.localAddress(client) == SocketAddress("127.0.0.2:0"))

        _ = try setting.sockets.connect(client, to: setting.sockets.localAddress(listener))
        #expect(try setting.sockets.localAddress(client).host == "127.0.0.2")
        #expect(try setting.sockets.localAddress(client).port != 0)
    }
}
