import Syscalls
import Testing

@testable import Swiftlet

/// Sockets for datagrams, as tasks use them.
@Suite(.timeLimit(.minutes(30))) struct DatagramSocketTests {
    @Test(arguments: Ground.all)
    func `a datagram goes there and back`(ground: Ground) async throws {
        try await ground.run { openSockets in
            let server = try await DatagramSocket.bind(to: anyPort())
            let client = try await DatagramSocket.connect(to: server.localAddress)
            try #require(client.remoteAddress == server.localAddress)
            try #require(server.remoteAddress == nil)
            let echoing = try spawn {
                for _ in 0..<3 {
                    let datagram = try await server.receive()
                    try await datagram.reply(datagram.bytes)
                }
            }
            for text in ["one", "", "three"] {
                try await client.send(text)
                let answer = try await client.receive()
                try #require(answer.text == text)
                try #require(answer.sender == server.localAddress)
            }
            try await echoing.value
            server.close()
            client.close()
            try #require(openSockets() == 0)
        }
    }

    @Test(arguments: Ground.all)
    func `memory of the caller's takes a datagram, and says when it was too small`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let server = try await DatagramSocket.bind(to: anyPort())
            let client = try await DatagramSocket.bind(to: anyPort())
            try await client.send("a longer one", to: server.localAddress)
            var bytes = [UInt8](repeating: 0, count: 8)
            let received = try await server.receivePiece(into: &bytes)
            try #require(String(decoding: bytes, as: UTF8.self) == "a longer")
            try #require(received.count == 8 && received.isTruncated)
            try #require(received.sender == client.localAddress)
            var none: [UInt8] = []
            let error = await ioError { _ = try await server.receivePiece(into: &none) }
            try #require(error == IOError(.receive, .outOfRange(0)))
        }
    }

    @Test(arguments: Ground.all)
    func `of a longer Unix datagram 65,536 bytes are received`(ground: Ground) async throws {
        try await ground.run {
            let server = try await DatagramSocket.bind(to: SocketAddress("unix:"))
            let client = try await DatagramSocket.connect(to: server.localAddress)
            for count in [65_536, 65_537] {
                try await client.send([UInt8](repeating: 7, count: count))
                let datagram = try await server.receive()
                try #require(datagram.bytes.count == 65_536)
                try #require(datagram.received.isTruncated == (count > 65_536))
            }
        }
    }

    @Test(arguments: Ground.all)
    func `an answer leaves from the address to which the question came`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let any = try SocketAddress("0.0.0.0:0")
            let server = try await DatagramSocket.bind(to: any, tellsLocalAddress: true)
            let target = try SocketAddress("127.0.0.5:\(server.localAddress.port)")
            // A connected socket takes no answer from any other address.
            let client = try await DatagramSocket.connect(to: target)
            try await client.send("where?")
            let question = try await server.receive()
            try #require(question.received.localAddress == target)
            try await question.reply("there")
            try #require(try await client.receive().text == "there")
        }
    }

    @Test(arguments: Ground.all)
    func `what cannot be sent is said, and nothing is lost by it`(ground: Ground) async throws {
        try await ground.run {
            let socket = try await DatagramSocket.bind(to: anyPort())
            let much = [UInt8](repeating: 0, count: 70_000)
            let error = await ioError { try await socket.send(much, to: socket.localAddress) }
            try #require(error == IOError(.send, .datagramTooLong(70_000)))
            try #require(
                "\(try #require(error))"
                    == "send \(socket.localAddress): a datagram of 70000 bytes is longer than can "
                    + "be sent")
            let lost = await ioError { try await socket.send("to whom?") }
            try #require(lost == IOError(.send, .system(.noDestination)))
            try await socket.send("me", to: socket.localAddress)
            try #require(try await socket.receive().text == "me")
        }
    }

    @Test(arguments: Ground.all)
    func `that nobody receives is an error of the connected socket, which goes on`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let gone = try await DatagramSocket.bind(to: anyPort())
            let client = try await DatagramSocket.connect(to: gone.localAddress)
            gone.close()
            try await client.send("anybody?")
            let error = await ioError { try await client.receive() }
            try #require(error == IOError(.receive, .system(.connectionRefused)))
            let server = try await DatagramSocket.bind(to: gone.localAddress)
            try await client.send("again")
            try #require(try await server.receive().text == "again")
        }
    }

    // MARK: Waiting

    @Test(arguments: Ground.all)
    func `a wait ends by its time, by cancellation and by closing`(ground: Ground) async throws {
        try await ground.run {
            let socket = try await DatagramSocket.bind(to: anyPort())
            let late = await ioError { try await socket.receive(timeout: .milliseconds(1)) }
            try #require(late == IOError(.receive, .timedOut))

            let cancelled = try spawn { await ioError { try await socket.receive() } }
            await untilParked(1)
            let second = await ioError { try await socket.receive() }
            try #require(second == IOError(.receive, .busy))
            cancelled.cancel()
            try #require(try await cancelled.value == IOError(.receive, .cancelled))

            let closed = try spawn { await ioError { try await socket.receive() } }
            await untilParked(1)
            socket.close()
            try #require(try await closed.value == IOError(.receive, .closed))
            let after = await ioError { try await socket.send("x", to: socket.localAddress) }
            try #require(after == IOError(.send, .closed))
        }
    }

    @Test func `a task that is cancelled before it waits receives what is there`() throws {
        try simulated { _ in
            let socket = try await DatagramSocket.bind(to: anyPort())
            try await socket.send("here", to: socket.localAddress)
            let task = try spawn {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await socket.receive().text
            }
            try #require(try await task.value == "here")
            let other = try spawn {
                withUnsafeCurrentTask { $0?.cancel() }
                return await ioError { try await socket.receive() }
            }
            try #require(try await other.value == IOError(.receive, .cancelled))
        }
    }

    @Test(arguments: Ground.all)
    func `several tasks send over one socket to a slow reader`(ground: Ground) async throws {
        try await ground.run(seeds: 0..<10) {
            let server = try await DatagramSocket.bind(to: SocketAddress("unix:"))
            let client = try await DatagramSocket.connect(to: server.localAddress)
            let other = try await DatagramSocket.bind(to: SocketAddress("unix:"))
            let texts = try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask { try await client.send("c\(number)") }
                    group.addTask { try await other.send("o\(number)", to: server.localAddress) }
                }
                var texts: Set<String> = []
                for _ in 0..<80 { texts.insert(try await server.receive().text) }
                try await group.waitForAll()
                return texts
            }
            try #require(texts.count == 80)
        }
    }

    @Test(arguments: Ground.all)
    func `a full Unix socket ends a send by its time`(ground: Ground) async throws {
        try await ground.run {
            let server = try await DatagramSocket.bind(to: SocketAddress("unix:"))
            let client = try await DatagramSocket.connect(to: server.localAddress)
            let other = try await DatagramSocket.bind(to: SocketAddress("unix:"))
            for target in [nil, server.localAddress] {
                let socket = target == nil ? client : other
                let error = await ioError { () async throws -> Void in
                    for _ in 0..<10_000 {
                        try await socket.send("x", to: target, timeout: .milliseconds(1))
                    }
                }
                try #require(error == IOError(.send, .timedOut))
            }
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a detached task uses a socket and stays where it is`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let loopThread = thisThread()
            let server = try await DatagramSocket.bind(to: anyPort())
            let client = try await DatagramSocket.connect(to: server.localAddress)
            let echoing = try spawn {
                for _ in 0..<50 {
                    let datagram = try await server.receive()
                    try await datagram.reply(datagram.bytes)
                }
            }
            let task = Task.detached {
                for number in 0..<50 {
                    try await client.send("\(number)")
                    #expect(try await client.receive().text == "\(number)")
                    #expect(thisThread() != loopThread)
                }
            }
            try await task.value
            try await echoing.value
        }
    }

    @Test func `a descriptor that comes with a Unix datagram is not taken`() async throws {
        try await onLoop {
            let server = try await DatagramSocket.bind(
                to: SocketAddress("unix:"), tellsLocalAddress: true)
            let client = try await DatagramSocket.connect(to: server.localAddress)
            for isBatch in [false, true] {
                let (near, far) = try await Connection.pair()
                let sent = try [UInt8(ascii: "x")].withUnsafeBytes {
                    try client.socket.descriptor.send($0, passing: [far.socket.descriptor])
                }
                try #require(sent == 1)
                far.close()
                if isBatch {
                    var batch = DatagramBatch(capacity: 2)
                    try await server.receive(into: &batch)
                    try #require(batch.bytes(at: 0) == [120])
                } else {
                    try #require(try await server.receive().text == "x")
                }
                // Nobody has the other end any more.
                let isOver = try await near.read(timeout: .seconds(60)) == nil
                try #require(isOver)
            }
        }
    }

    // MARK: Kinds

    @Test func `a kind that is not allowed says what it needs`() async throws {
        try await onLoop {
            let any = try SocketAddress("127.0.0.1:0")
            for (kind, privilege) in [
                (DatagramKind.raw(1), IOError.Privilege.rawSockets), (.ping, .pings),
            ] {
                let error = await ioError { try await DatagramSocket.bind(to: any, kind: kind) }
                #expect(error == nil || error == IOError(.open, .notAllowed(privilege)))
            }
            let words = "\(IOError(.open, .notAllowed(.rawSockets)))"
            #expect(words.contains("CAP_NET_RAW"))
        }
    }

    @Test(arguments: Ground.all)
    func `an address that cannot be bound is the one that is named`(ground: Ground) async throws {
        try await ground.run {
            let (peer, local) = (try anyPort(), try SocketAddress("192.0.2.1:0"))
            let error = await ioError { try await DatagramSocket.connect(to: peer, from: local) }
            try #require(error == IOError(.bind, .system(.addressNotAvailable)))
            try #require(error?.address == local)
        }
    }

    @Test func `a socket outside of a loop is refused`() async throws {
        let error = await ioError { try await DatagramSocket.bind(to: anyPort()) }
        #expect(error == IOError(.bind, .noLoop))
    }

    @Test(arguments: Ground.all)
    func `a name or an address is given as text`(ground: Ground) async throws {
        try await ground.run {
            let server = try await DatagramSocket.bind(to: "localhost:0")
            let client = try await DatagramSocket.connect(to: "\(server.localAddress)")
            try await client.send("hello")
            try #require(try await server.receive().sender == client.localAddress)
            await #expect(throws: SocketAddress.ParseError.self) {
                try await DatagramSocket.bind(to: "no address at all")
            }
        }
    }

    @Test func `a file of a Unix socket is replaced when it is stale, and goes with its socket`()
        async throws
    {
        try simulated { _ in
            let address = try SocketAddress.unix(path: "/run/log.sock")
            let first = try await DatagramSocket.bind(to: address)
            let error = await ioError { try await DatagramSocket.bind(to: address) }
            try #require(error == IOError(.bind, .system(.addressInUse)))
            first.close()
            let second = try await DatagramSocket.bind(to: address)
            let client = try await DatagramSocket.connect(to: address)
            try await client.send("line")
            try #require(try await second.receive().text == "line")
            second.close()
            let gone = await ioError { try await DatagramSocket.connect(to: address) }
            try #require(gone == IOError(.connect, .system(.noEntry)))
        }
    }
}

extension DatagramSocket {
    /// Receives into an array.
    nonisolated(nonsending) func receivePiece(
        into bytes: inout [UInt8]
    ) async throws(IOError) -> ReceivedDatagram {
        var span = bytes.mutableSpan
        var memory = span.mutableBytes
        return try await receive(into: &memory)
    }
}
