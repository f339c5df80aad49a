import Drivers
import Glibc
import Syscalls
import Testing

// The part of the contract that is about messages over Unix sockets, and the descriptors that come
// along.

extension SocketSetting {
    /// Two Unix sockets that are each the other's peer.
    func openPair(
        as type: ConnectionType = .stream
    ) throws -> (RawDescriptor, RawDescriptor) {
        let (one, other) = try sockets.openPair(as: type)
        return (adopt(one), adopt(other))
    }

    /// Sends a text, and descriptors along.
    func send(
        _ text: String, passing descriptors: [RawDescriptor], from socket: RawDescriptor
    ) throws {
        let bytes = Array(text.utf8)
        let sent = try bytes.withUnsafeBytes {
            try sockets.send(socket, $0, passing: descriptors)
        }
        #expect(sent == bytes.count)
    }

    /// What a single call receives when something has come, and what it says of it.
    func receive(
        from socket: RawDescriptor, atMost count: Int = 100, descriptors limit: Int = 8
    ) throws -> (text: String, message: ReceivedMessage) {
        try wait(for: .readable, of: socket)
        var buffer = [UInt8](repeating: 0, count: count)
        let message = try buffer.withUnsafeMutableBytes {
            try sockets.receiveMessage(socket, into: $0, descriptors: limit)
        }
        for descriptor in message.descriptors { adopt(descriptor) }
        return (String(decoding: buffer[..<message.count], as: UTF8.self), message)
    }
}

extension SocketContractTests {
    @Test(arguments: SocketsUnderTest.all)
    func `a connection that was sent along goes on when its sender closes`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, (one, other)) = (setting.sockets, try setting.openPair())
        let (client, server) = try setting.pair()
        let peer = try sockets.remoteAddress(server)
        try setting.send("before", from: client)
        try setting.send("x", passing: [server], from: one)
        setting.close(server)

        let (text, message) = try setting.receive(from: other)
        #expect(text == "x")
        #expect(!message.hasLostDescriptors && !message.isCut)
        let received = try #require(message.descriptors.first)
        #expect(message.descriptors.count == 1)
        #expect(try sockets.adopt(received) == peer)
        #expect(try setting.await(from: received) == "before")
        #expect(throws: Errno.wouldBlock) { try setting.take(from: received) }
        try setting.send("after", from: received)
        #expect(try setting.await(from: client) == "after")
        setting.close(received)
        #expect(try setting.await(from: client) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `both numbers of a socket are told what is ready, and either may close`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        let (near, far) = try setting.openPair()
        try setting.send("x", passing: [far], from: one)
        let received = try #require(setting.receive(from: other).message.descriptors.first)

        try setting.send("a", from: near)
        try setting.wait(for: .readable, of: far)
        #expect(try setting.await(from: received) == "a")
        setting.close(received)
        try setting.send("b", from: near)
        #expect(try setting.await(from: far) == "b")
        // The number of a closed one comes back, and is the other socket then.
        let next = try setting.openUnix()
        #expect(throws: Errno.notConnected) { try setting.sockets.adopt(next) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a listener that was sent along accepts`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        let listener = try setting.listener()
        let address = try setting.sockets.localAddress(listener)
        try setting.send("x", passing: [listener], from: one)
        setting.close(listener)
        let received = try #require(setting.receive(from: other).message.descriptors.first)

        #expect(throws: Errno.notConnected) { try setting.sockets.adopt(received) }
        let client = try setting.client(of: received)
        _ = try setting.accept(from: received)
        setting.close(received)
        setting.close(client)
        let late = try setting.open()
        _ = try setting.sockets.connect(late, to: address)
        try setting.wait(for: .writable, of: late)
        #expect(try setting.sockets.takeError(late) == .connectionRefused)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a read ends behind the bytes that descriptors came with`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        try setting.send("a", from: one)
        try setting.send("b", passing: [one, other], from: one)
        try setting.send("c", passing: [one], from: one)
        try setting.send("d", from: one)

        var (text, message) = try setting.receive(from: other)
        #expect(text == "ab" && message.descriptors.count == 2)
        (text, message) = try setting.receive(from: other)
        #expect(text == "c" && message.descriptors.count == 1)
        (text, message) = try setting.receive(from: other)
        #expect(text == "d" && message.descriptors.isEmpty && !message.hasLostDescriptors)
    }

    @Test(arguments: SocketsUnderTest.all, [0, 1])
    func `what more comes along than was asked for is closed`(
        kind: SocketsUnderTest, limit: Int
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        let pairs = try (0..<3).map { _ in try setting.openPair() }
        try setting.send("x", passing: pairs.map(\.1), from: one)
        for pair in pairs { setting.close(pair.1) }

        let (text, message) = try setting.receive(from: other, descriptors: limit)

        #expect(text == "x" && message.descriptors.count == limit)
        #expect(message.hasLostDescriptors)
        for pair in pairs.dropFirst(limit) { #expect(try setting.await(from: pair.0) == "") }
        for pair in pairs.prefix(limit) {
            #expect(throws: Errno.wouldBlock) { try setting.take(from: pair.0) }
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `an ordinary read closes what comes along`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        let (near, far) = try setting.openPair()
        try setting.send("x", passing: [far], from: one)
        setting.close(far)
        #expect(try !setting.isReady(near, for: .readable))

        #expect(try setting.await(from: other) == "x")
        #expect(try setting.await(from: near) == "")
    }

    @Test(arguments: SocketsUnderTest.all, [true, false])
    func `what nobody received is closed with the connection`(
        kind: SocketsUnderTest, receiverCloses: Bool
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        let (near, far) = try setting.openPair()
        try setting.send("x", passing: [far], from: one)
        setting.close(far)
        if !receiverCloses {
            // It is there, and so is the end behind it, until the other one closes, too.
            setting.close(one)
            #expect(try !setting.isReady(near, for: .readable))
        }
        setting.close(other)

        #expect(try setting.await(from: near) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a socket that only its own messages hold is closed with all that waits there`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        let (near, far) = try setting.openPair()
        let (left, right) = try setting.openPair()
        // Two rings: a socket that waits at itself, and two of which each waits at the other.
        try setting.send("x", passing: [other, far], from: one)
        let (first, second) = (try setting.openPair(), try setting.openPair())
        try setting.send("x", passing: [first.1], from: second.0)
        try setting.send("x", passing: [second.1, right], from: first.0)
        for socket in [one, other, far, right] { setting.close(socket) }
        #expect(try setting.await(from: near) == "")

        // The second ring can still be received as long as a number is left.
        #expect(try !setting.isReady(left, for: .readable))
        for socket in [first.0, first.1, second.0] { setting.close(socket) }
        let (text, message) = try setting.receive(from: second.1)
        #expect(text == "x" && message.descriptors.count == 1)
        #expect(try !setting.isReady(left, for: .readable))
        for socket in message.descriptors + [second.1] { setting.close(socket) }
        #expect(try setting.await(from: left) == "")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a number that is not open is not sent, and nothing with it`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair()
        // A number that no other test can have by then.
        let gone = RawDescriptor(1_000_000_000)

        #expect(throws: Errno.badDescriptor) {
            try setting.send("x", passing: [one, gone], from: one)
        }
        let many = Array(repeating: one, count: RawDescriptor.passedMax + 1)
        #expect(throws: Errno.invalidArgument) {
            try setting.send("x", passing: many, from: one)
        }
        #expect(throws: Errno.wouldBlock) { try setting.take(from: other) }
        try setting.send("y", passing: Array(many.dropLast()), from: one)
        let received = try setting.receive(from: other, descriptors: many.count)
        #expect(received.message.descriptors.count == RawDescriptor.passedMax)
    }

    @Test func `what was received is closed on exec`() throws {
        let setting = SocketSetting(SystemSockets(), try DriverKind.poll.makeDriver())
        let (one, other) = try setting.openPair()
        let end = try makePipe()
        defer { end.writing.close() }
        setting.adopt(end.reading)
        try setting.send("x", passing: [end.reading], from: one)

        let received = try #require(setting.receive(from: other).message.descriptors.first)

        #expect(fcntl(received.number, F_GETFD) == FD_CLOEXEC)
        #expect(throws: Errno(rawValue: ENOTSOCK)) { try setting.sockets.adopt(received) }
    }

    // MARK: Messages

    @Test(arguments: SocketsUnderTest.all)
    func `messages stay apart, and of one that is too long the rest is lost`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair(as: .sequencedPackets)
        for text in ["one", "two", "three", "four"] { try setting.send(text, from: one) }
        setting.close(one)

        #expect(try setting.await(from: other) == "one")
        var (text, message) = try setting.receive(from: other, atMost: 2)
        #expect(text == "tw" && message.isCut)
        (text, message) = try setting.receive(from: other, atMost: 5)
        #expect(text == "three" && !message.isCut)
        #expect(try setting.take(from: other, atMost: 3) == "fou")
        for _ in 0..<2 { #expect(try setting.await(from: other) == "") }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `an empty message is one, and looks like the end of the stream`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair(as: .sequencedPackets)
        try setting.send("", from: one)
        try setting.send("x", from: one)
        try setting.send("", passing: [one], from: one)

        #expect(try setting.await(from: other) == "")
        #expect(try setting.await(from: other) == "x")
        let (text, message) = try setting.receive(from: other)
        #expect(text == "" && message.descriptors.count == 1)
        #expect(throws: Errno.wouldBlock) { try setting.take(from: other) }
        // One that was not read makes no reset of the end, as bytes do.
        try setting.send("", from: one)
        setting.close(other)
        #expect(try setting.await(from: one) == "")
        let (near, far) = try setting.openPair()
        try setting.send("", from: near)
        #expect(throws: Errno.wouldBlock) { try setting.take(from: far) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `pieces that are sent together are one message`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair(as: .sequencedPackets)
        let sent = try "one".utf8.withContiguousStorageIfAvailable { piece in
            let piece = UnsafeRawBufferPointer(piece)
            return try setting.sockets.send(one, pieces: [piece, piece][...])
        }
        #expect(sent == 6)
        try setting.send("two", from: one)

        #expect(try setting.receive(from: other).text == "oneone")
        #expect(try setting.receive(from: other).text == "two")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a message is sent whole or not at all`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (sockets, (one, other)) = (
            setting.sockets, try setting.openPair(as: .sequencedPackets)
        )
        let size = 4_000
        let bytes = [UInt8](repeating: 7, count: size)
        var sent = 0
        func fill() throws {
            while true {
                #expect(try bytes.withUnsafeBytes { try sockets.send(one, $0) } == size)
                sent += 1
            }
        }
        #expect(throws: Errno.wouldBlock) { try fill() }
        #expect(try !setting.isReady(one, for: .writable))
        for _ in 0..<sent {
            let (text, message) = try setting.receive(from: other, atMost: size + 1)
            #expect(text.utf8.count == size && !message.isCut)
        }
        try setting.wait(for: .writable, of: one)
        let long = [UInt8](repeating: 7, count: 10_000_000)
        #expect(throws: Errno(rawValue: EMSGSIZE)) {
            try long.withUnsafeBytes { try sockets.send(one, $0) }
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a message brings descriptors along`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (one, other) = try setting.openPair(as: .sequencedPackets)
        try setting.send("a", from: one)
        try setting.send("b", passing: [one], from: one)

        var (text, message) = try setting.receive(from: other)
        #expect(text == "a" && message.descriptors.isEmpty)
        (text, message) = try setting.receive(from: other)
        #expect(text == "b" && message.descriptors.count == 1)
    }

    @Test(arguments: SocketsUnderTest.all, UnixNaming.allCases)
    func `a connection is of its listener's type`(
        kind: SocketsUnderTest, naming: UnixNaming
    ) throws {
        let setting = try kind.open()
        let (sockets, address) = (setting.sockets, try naming.fresh())
        let listener = setting.adopt(try sockets.open(for: address, as: .sequencedPackets))
        try sockets.bind(listener, to: address)
        defer { try? sockets.removeFile(at: address) }
        try sockets.listen(listener, backlog: 1)

        // The type is a part of an abstract name.
        let refusal = naming == .path ? Errno(rawValue: EPROTOTYPE) : .connectionRefused
        #expect(throws: refusal) { try sockets.connect(setting.openUnix(), to: address) }
        let client = setting.adopt(try sockets.open(for: address, as: .sequencedPackets))
        #expect(try sockets.connect(client, to: address))
        let (server, _) = try setting.accept(from: listener)
        for text in ["one", "two"] { try setting.send(text, from: client) }
        for text in ["one", "two"] { #expect(try setting.await(from: server) == text) }
        #expect(throws: Errno.self) {
            try sockets.open(for: SocketAddress("127.0.0.1:0"), as: .sequencedPackets)
        }
    }

    // MARK: Several servers on one path

    @Test(arguments: SocketsUnderTest.all)
    func `a path is in use from bind on, before its socket listens`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
        let first = try setting.openUnix()
        let file = try SocketFile.bind(first, to: path, access: nil, over: sockets)
        let next = try setting.openUnix()

        #expect(try sockets.hasSocket(at: path))
        #expect(throws: Errno.addressInUse) {
            try SocketFile.bind(next, to: path, access: nil, over: sockets)
        }
        try sockets.listen(first, backlog: 1)
        #expect(throws: Errno.addressInUse) {
            try SocketFile.bind(next, to: path, access: nil, over: sockets)
        }
        // And the listener sees nothing of the question.
        #expect(throws: Errno.wouldBlock) { try sockets.accept(first) }
        setting.close(first)
        #expect(try !sockets.hasSocket(at: path))
        file?.remove(over: sockets)
        #expect(throws: Errno.noEntry) { try sockets.hasSocket(at: path) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `while one replaces a stale file, another one does not`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
        setting.close(try setting.listener(at: path))
        let stale = try sockets.file(at: path)
        let name = "swiftlet-replaces-\(stale.device)-\(stale.inode)"
        let other = try setting.openUnix()
        try sockets.bind(other, to: SocketAddress.unix(abstractName: name))
        let next = try setting.openUnix()

        #expect(throws: Errno.addressInUse) {
            try SocketFile.bind(next, to: path, access: nil, over: sockets)
        }
        setting.close(other)
        let file = try SocketFile.bind(next, to: path, access: nil, over: sockets)
        try sockets.listen(next, backlog: 1)
        #expect(try sockets.connect(setting.openUnix(), to: path))
        file?.remove(over: sockets)
    }

    @Test func `of several servers that start on one path at once, one gets it`() throws {
        for round in 0..<100 {
            let setting = SocketSetting(SystemSockets(), try DriverKind.poll.makeDriver())
            let (sockets, path) = (setting.sockets, try UnixNaming.path.fresh())
            // Every other time there is a stale file.
            if round.isMultiple(of: 2) { setting.close(try setting.listener(at: path)) }
            let servers = try (0..<4).map { _ in try setting.openUnix() }
            let outcomes = Guarded<[Result<SocketFile?, Errno>]>([])
            let threads = try servers.map { server in
                try RunningThread.start {
                    let outcome = Result { () throws(Errno) in
                        let file = try SocketFile.bind(
                            server, to: path, access: nil, over: sockets)
                        try sockets.listen(server, backlog: 1)
                        return file
                    }
                    outcomes.withLock { $0.append(outcome) }
                }
            }
            for thread in threads { thread.join() }

            let files = outcomes.withLock { $0.compactMap { try? $0.get() } }
            let errors = outcomes.withLock { $0.compactMap(\.failure) }
            #expect(files.count == 1)
            #expect(errors == Array(repeating: .addressInUse, count: 3))
            #expect(try sockets.connect(setting.openUnix(), to: path))
            files.first?.remove(over: sockets)
            #expect(throws: Errno.noEntry) { try sockets.file(at: path) }
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
