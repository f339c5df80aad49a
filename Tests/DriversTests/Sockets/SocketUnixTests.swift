import Drivers
import Glibc
import Synchronization
import Syscalls
import Testing

// The part of the contract that is about Unix sockets.

/// How a test names a Unix socket.
enum UnixNaming: CaseIterable {
    case path, abstract

    /// A name that no other test has, and no other process.
    func fresh() throws -> SocketAddress {
        let number = UnixNaming.count.add(1, ordering: .relaxed).newValue
        let name = "swiftlet-\(getpid())-\(number)"
        return try self == .path
            ? SocketAddress.unix(path: "/tmp/\(name).sock") : SocketAddress.unix(abstractName: name)
    }

    private static let count = Atomic(0)
}

extension SocketSetting {
    /// A fresh Unix socket.
    func openUnix() throws -> RawDescriptor { try adopt(sockets.open(for: SocketAddress("unix:"))) }

    /// A listener with a name, whose file the caller removes.
    func listener(at address: SocketAddress, backlog: Int = 16) throws -> RawDescriptor {
        let socket = try openUnix()
        try sockets.bind(socket, to: address)
        try sockets.listen(socket, backlog: backlog)
        return socket
    }

    /// Two ends of a connection over a name.
    func unixPair() throws -> (client: RawDescriptor, server: RawDescriptor) {
        let address = try UnixNaming.abstract.fresh()
        let listener = try listener(at: address)
        defer { close(listener) }
        let client = try openUnix()
        #expect(try sockets.connect(client, to: address))
        return (client, try accept(from: listener).0)
    }
}

extension SocketContractTests {
    @Test(arguments: SocketsUnderTest.all, UnixNaming.allCases)
    func `a Unix connection is up at once, and both ends know the name`(
        kind: SocketsUnderTest, naming: UnixNaming
    ) throws {
        let setting = try kind.open()
        let (sockets, address) = (setting.sockets, try naming.fresh())
        let listener = try setting.listener(at: address)
        defer { try? sockets.removeFile(at: address) }
        let client = try setting.openUnix()
        #expect(try sockets.connect(client, to: address))
        let (server, peer) = try setting.accept(from: listener)

        #expect(try peer == SocketAddress("unix:"))
        #expect(try sockets.localAddress(listener) == address)
        #expect(try sockets.localAddress(server) == address)
        #expect(try sockets.remoteAddress(client) == address)
        #expect(try sockets.localAddress(client) == SocketAddress("unix:"))
        #expect(throws: Errno.isConnected) { try sockets.connect(client, to: address) }
        try setting.send("there", from: client)
        try setting.send("and back", from: server)
        #expect(try setting.await(from: server) == "there")
        #expect(try setting.await(from: client) == "and back")
        setting.close(client)
        #expect(try setting.await(from: server) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `without a listener a Unix name refuses, and without a file there is nothing`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
        let abstract = try UnixNaming.abstract.fresh()
        let client = try setting.openUnix()

        #expect(throws: Errno.noEntry) { try sockets.connect(client, to: path) }
        #expect(throws: Errno.connectionRefused) { try sockets.connect(client, to: abstract) }
        let bound = try setting.openUnix()
        try sockets.bind(bound, to: path)
        defer { try? sockets.removeFile(at: path) }
        #expect(throws: Errno.connectionRefused) { try sockets.connect(client, to: path) }
        try sockets.listen(bound, backlog: 1)
        #expect(try sockets.connect(client, to: path))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix path is taken as long as its file is there`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
        setting.close(try setting.listener(at: path))
        let next = try setting.openUnix()

        #expect(throws: Errno.addressInUse) { try sockets.bind(next, to: path) }
        #expect(throws: Errno.connectionRefused) { try sockets.connect(next, to: path) }
        #expect(try sockets.file(at: path).isSocket)
        try sockets.removeFile(at: path)
        #expect(throws: Errno.noEntry) { try sockets.file(at: path) }
        #expect(throws: Errno.noEntry) { try sockets.removeFile(at: path) }
        try sockets.bind(next, to: path)
        try sockets.removeFile(at: path)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `an abstract name goes with its socket, and none takes a free one`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, name) = (setting.sockets, try UnixNaming.abstract.fresh())
        let first = try setting.listener(at: name)
        let next = try setting.openUnix()

        #expect(throws: Errno.addressInUse) { try sockets.bind(next, to: name) }
        setting.close(first)
        try sockets.bind(next, to: name)
        let free = try (0..<5).map { _ in
            let socket = try setting.openUnix()
            try sockets.bind(socket, to: SocketAddress("unix:"))
            return try sockets.localAddress(socket)
        }
        #expect(Set(free).count == 5)
        #expect(free.allSatisfy { $0.description.hasPrefix("unix:@") })
        #expect(throws: Errno.invalidArgument) { try sockets.file(at: name) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `one more than the backlog of a Unix listener would block`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, name) = (setting.sockets, try UnixNaming.abstract.fresh())
        let listener = try setting.listener(at: name, backlog: 1)
        for _ in 0..<2 { #expect(try sockets.connect(setting.openUnix(), to: name)) }
        let late = try setting.openUnix()

        #expect(throws: Errno.wouldBlock) { try sockets.connect(late, to: name) }
        _ = try setting.accept(from: listener)
        #expect(try sockets.connect(late, to: name))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix listener that closes resets those that wait`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let name = try UnixNaming.abstract.fresh()
        let listener = try setting.listener(at: name)
        let client = try setting.openUnix()
        #expect(try setting.sockets.connect(client, to: name))

        setting.close(listener)

        try setting.wait(for: .both, of: client)
        #expect(throws: Errno.connectionReset) { try setting.take(from: client) }
        #expect(try setting.take(from: client) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `to send to a Unix peer that has closed is a broken pipe at once`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.unixPair()
        try setting.send("last words", from: server)
        // Means nothing to a Unix socket.
        try setting.sockets.resetOnClose(server)
        setting.close(server)

        #expect(throws: Errno.brokenPipe) { try setting.send("x", from: client) }
        #expect(try setting.await(from: client) == "last words")
        for _ in 0..<2 { #expect(try setting.take(from: client) == "") }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix peer that closes with bytes unread resets`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (client, server) = try setting.unixPair()
        try setting.send("never read", from: client)
        setting.close(server)

        #expect(throws: Errno.brokenPipe) { try setting.send("x", from: client) }
        #expect(throws: Errno.connectionReset) { try setting.take(from: client) }
        #expect(try setting.take(from: client) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a pair is two Unix sockets, each the other's peer`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (one, other) = try setting.sockets.openPair(as: .stream)
        for socket in [one, other] { setting.adopt(socket) }

        try setting.send("ping", from: one)
        #expect(try setting.await(from: other) == "ping")
        try setting.sockets.closeWrite(other)
        #expect(try setting.await(from: one) == "")
        try setting.send("still", from: one)
        #expect(try setting.await(from: other) == "still")
        #expect(try setting.sockets.localAddress(one) == SocketAddress("unix:"))
        #expect(try setting.sockets.remoteAddress(one) == SocketAddress("unix:"))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix socket tells the process at its other end, and no other socket does`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (client, server) = try setting.unixPair()
        let peer = try setting.sockets.peerCredentials(of: server)

        #expect(peer.processID > 0)
        #expect(try peer == setting.sockets.peerCredentials(of: client))
        for socket in [try setting.openUnix(), try setting.pair().client] {
            #expect(throws: Errno.notConnected) {
                try setting.sockets.peerCredentials(of: socket)
            }
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix socket has no options of TCP, and no other addresses`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, socket) = (setting.sockets, try setting.openUnix())

        #expect(throws: Errno(rawValue: EOPNOTSUPP)) {
            try sockets.setOption(.noDelay, of: socket, to: 1)
        }
        #expect(throws: Errno(rawValue: EOPNOTSUPP)) { try sockets.option(.noDelay, of: socket) }
        try sockets.setOption(.reuseAddress, of: socket, to: 1)
        #expect(throws: Errno.invalidArgument) {
            try sockets.bind(socket, to: SocketAddress("127.0.0.1:0"))
        }
        #expect(throws: Errno.invalidArgument) { try sockets.listen(socket, backlog: 1) }
        #expect(throws: Errno.noSuchFamily) {
            try sockets.bind(setting.open(), to: UnixNaming.path.fresh())
        }
    }

    // The file of a listener.

    @Test(arguments: SocketsUnderTest.all)
    func `the file to which no socket listens is replaced, and goes with its listener`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
        setting.close(try setting.listener(at: path))
        let next = try setting.openUnix()

        let file = try SocketFile.bind(next, to: path, access: nil, over: sockets)
        try sockets.listen(next, backlog: 1)

        #expect(try sockets.connect(setting.openUnix(), to: path))
        file?.remove(over: sockets)
        #expect(throws: Errno.noEntry) { try sockets.file(at: path) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a path on which a socket listens is in use`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
        _ = try setting.listener(at: path)
        defer { try? sockets.removeFile(at: path) }
        let next = try setting.openUnix()

        #expect(throws: Errno.addressInUse) {
            try SocketFile.bind(next, to: path, access: nil, over: sockets)
        }
        #expect(try sockets.connect(setting.openUnix(), to: path))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a file that is another one by now is left alone`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
        let first = try setting.openUnix()
        let file = try SocketFile.bind(first, to: path, access: nil, over: sockets)
        // Kept, so that the file system does not give its number to the next one.
        let kept = try UnixNaming.path.fresh()
        _ = path.unixPath.flatMap { from in kept.unixPath.map { link(from, $0) } }
        defer { try? sockets.removeFile(at: kept) }
        try sockets.removeFile(at: path)
        try sockets.bind(setting.openUnix(), to: path)
        defer { try? sockets.removeFile(at: path) }

        file?.remove(over: sockets)

        #expect(try sockets.file(at: path).isSocket)
    }

    @Test func `a regular file is never touched, and mode and owner are set`() throws {
        let setting = SocketSetting(SystemSockets(), try DriverKind.poll.makeDriver())
        let (sockets, address) = (setting.sockets, try UnixNaming.path.fresh())
        let path = try #require(address.unixPath)
        try File.replace(path, with: "mine")
        defer { unlink(path) }

        #expect(throws: Errno.addressInUse) {
            try SocketFile.bind(setting.openUnix(), to: address, access: nil, over: sockets)
        }
        #expect(try File.read(path, atMost: 100) == "mine")

        unlink(path)
        let access = SocketFileAccess(mode: 0o640, userID: Int(getuid()), groupID: Int(getgid()))
        let file = try SocketFile.bind(
            setting.openUnix(), to: address, access: access, over: sockets)
        var status = stat()
        #expect(lstat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o640)
        file?.remove(over: sockets)
        #expect(lstat(path, &status) == -1)

        // A number that is no user's is refused, and leaves no file.
        for number in [-1, 1 << 32] {
            #expect(throws: Errno.invalidArgument) {
                try SocketFile.bind(
                    setting.openUnix(), to: address, access: SocketFileAccess(userID: number),
                    over: sockets)
            }
            #expect(lstat(path, &status) == -1)
        }
    }
}
