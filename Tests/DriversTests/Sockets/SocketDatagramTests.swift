import Drivers
import Glibc
import Syscalls
import Testing

// The part of the contract that is about datagrams.

/// What came in one datagram.
struct Came: Equatable {
    let text: String
    let received: ReceivedDatagram
}

extension SocketSetting {
    /// A socket for datagrams with a free port.
    func datagramSocket(
        on host: String = "127.0.0.1", options: [SocketOption: Int] = [:]
    ) throws -> RawDescriptor {
        let address = try SocketAddress("\(host):0")
        let socket = adopt(try sockets.openDatagram(for: address, .datagram))
        for (option, value) in options { try sockets.setOption(option, of: socket, to: value) }
        try sockets.bind(socket, to: address)
        return socket
    }

    /// A Unix socket for datagrams, with a free name or this one.
    func unixDatagramSocket(at address: SocketAddress? = nil) throws -> RawDescriptor {
        let none = try SocketAddress("unix:")
        let socket = adopt(try sockets.openDatagram(for: none, .datagram))
        try sockets.bind(socket, to: address ?? none)
        return socket
    }

    /// Sends a text as one datagram.
    func sendDatagram(
        _ text: String, from socket: RawDescriptor, to target: SocketAddress? = nil,
        at source: SocketAddress? = nil
    ) throws {
        try Array(text.utf8).withUnsafeBytes {
            try sockets.sendDatagram(socket, $0, DatagramRoute(to: target, from: source))
        }
    }

    /// Takes the next datagram.
    func takeDatagram(
        from socket: RawDescriptor, atMost count: Int = 100, control: Bool = false
    ) throws -> Came {
        var buffer = [UInt8](repeating: 0, count: count)
        let received = try buffer.withUnsafeMutableBytes {
            try sockets.receiveDatagram(socket, into: $0, readingControl: control)
        }
        return Came(
            text: String(decoding: buffer[..<received.count], as: UTF8.self), received: received)
    }

    /// As above, when something has come.
    func awaitDatagram(
        from socket: RawDescriptor, atMost count: Int = 100, control: Bool = false
    ) throws -> Came {
        try wait(for: .readable, of: socket)
        return try takeDatagram(from: socket, atMost: count, control: control)
    }

    func address(of socket: RawDescriptor) throws -> SocketAddress {
        try sockets.localAddress(socket)
    }
}

extension SocketContractTests {
    // MARK: Whole, or not at all

    @Test(arguments: SocketsUnderTest.all, loopbacks)
    func `each datagram comes as a whole, with its sender, empty ones too`(
        kind: SocketsUnderTest, host: String
    ) throws {
        let setting = try kind.open()
        let (one, other) = (
            try setting.datagramSocket(on: host), try setting.datagramSocket(on: host)
        )
        let target = try setting.address(of: other)
        #expect(throws: Errno.wouldBlock) { try setting.takeDatagram(from: other) }

        for text in ["first", "", "third"] {
            try setting.sendDatagram(text, from: one, to: target)
        }

        for text in ["first", "", "third"] {
            let came = try setting.awaitDatagram(from: other)
            #expect(came.text == text)
            #expect(try came.received.sender == setting.address(of: one))
            #expect(!came.received.isTruncated)
            #expect(came.received.localAddress == nil)
        }
        #expect(throws: Errno.wouldBlock) { try setting.takeDatagram(from: other) }
        #expect(try !setting.isReady(other, for: .readable))
        #expect(try setting.isReady(other, for: .writable))
    }

    @Test(arguments: SocketsUnderTest.all, [false, true])
    func `what does not fit into the buffer is gone, and that is told`(
        kind: SocketsUnderTest, control: Bool
    ) throws {
        let setting = try kind.open()
        let (one, other) = (try setting.datagramSocket(), try setting.datagramSocket())
        let target = try setting.address(of: other)
        try setting.sendDatagram("abcdef", from: one, to: target)
        try setting.sendDatagram("abc", from: one, to: target)

        let first = try setting.awaitDatagram(from: other, atMost: 3, control: control)
        let second = try setting.awaitDatagram(from: other, atMost: 3, control: control)

        #expect(first.text == "abc" && second.text == "abc")
        #expect(first.received.isTruncated && !second.received.isTruncated)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a datagram that no packet can hold is refused, and the longest one is not`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (one, other) = (try setting.datagramSocket(), try setting.datagramSocket())
        let target = try setting.address(of: other)

        #expect(throws: Errno.messageTooLong) {
            try setting.sendDatagram(String(repeating: "x", count: 65_508), from: one, to: target)
        }
        try setting.sendDatagram(String(repeating: "x", count: 65_507), from: one, to: target)

        #expect(try setting.awaitDatagram(from: other, atMost: 70_000).received.count == 65_507)
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a receiver without room loses what comes, and the sender never waits`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let other = try setting.datagramSocket(options: [.receiveBuffer: 20_000])
        let one = try setting.datagramSocket()
        let target = try setting.address(of: other)
        let text = String(repeating: "x", count: 1_000)

        for _ in 0..<200 { try setting.sendDatagram(text, from: one, to: target) }

        var count = 0
        while try setting.isReady(other, for: .readable) {
            #expect(try setting.takeDatagram(from: other, atMost: 2_000).received.count == 1_000)
            count += 1
        }
        #expect((1..<200).contains(count))
        try setting.sendDatagram("again", from: one, to: target)
        #expect(try setting.awaitDatagram(from: other).text == "again")
    }

    // MARK: Peers

    @Test(arguments: SocketsUnderTest.all, loopbacks)
    func `a connected socket receives of its peer alone`(
        kind: SocketsUnderTest, host: String
    ) throws {
        let setting = try kind.open()
        let sockets = setting.sockets
        let server = try setting.datagramSocket(on: host)
        let stranger = try setting.datagramSocket(on: host)
        let address = try setting.address(of: server)
        let client = setting.adopt(try sockets.openDatagram(for: address, .datagram))
        #expect(throws: Errno.noDestination) { try setting.sendDatagram("?", from: client) }
        #expect(throws: Errno.notConnected) { try sockets.remoteAddress(client) }

        #expect(try sockets.connect(client, to: address))
        #expect(try sockets.remoteAddress(client) == address)
        #expect(try setting.address(of: client).port > 0)
        #expect(try setting.address(of: client).with(port: 0) == address.with(port: 0))
        try setting.sendDatagram("hello", from: client)
        #expect(try setting.awaitDatagram(from: server).text == "hello")
        try setting.sendDatagram("psst", from: stranger, to: setting.address(of: client))
        try setting.sendDatagram("yes", from: server, to: setting.address(of: client))

        #expect(try setting.awaitDatagram(from: client).text == "yes")
        #expect(throws: Errno.wouldBlock) { try setting.takeDatagram(from: client) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `that nobody receives is told once, and to a connected socket alone`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let gone = try setting.datagramSocket()
        let address = try setting.address(of: gone)
        let free = try setting.datagramSocket()
        let client = setting.adopt(try setting.sockets.openDatagram(for: address, .datagram))
        #expect(try setting.sockets.connect(client, to: address))
        setting.close(gone)

        try setting.sendDatagram("anybody?", from: client)
        #expect(throws: Errno.connectionRefused) { try setting.awaitDatagram(from: client) }
        #expect(throws: Errno.wouldBlock) { try setting.takeDatagram(from: client) }
        try setting.sendDatagram("anybody?", from: client)
        try setting.wait(for: .readable, of: client)
        #expect(throws: Errno.connectionRefused) { try setting.sendDatagram("?", from: client) }
        try setting.sendDatagram("anybody?", from: client)
        try setting.wait(for: .readable, of: client)
        #expect(try setting.sockets.takeError(client) == .connectionRefused)
        #expect(try setting.sockets.takeError(client) == nil)

        try setting.sendDatagram("anybody?", from: free, to: address)
        #expect(throws: Errno.wouldBlock) { try setting.takeDatagram(from: free) }
    }

    // MARK: Addresses

    @Test(arguments: SocketsUnderTest.all, loopbacks)
    func `a datagram tells the address that it came to, and an answer leaves from it`(
        kind: SocketsUnderTest, host: String
    ) throws {
        let setting = try kind.open()
        let isIPv6 = host != "127.0.0.1"
        let server = try setting.datagramSocket(
            on: isIPv6 ? "[::]" : "0.0.0.0",
            options: [isIPv6 ? .localAddressesIPv6 : .localAddresses: 1])
        let port = try setting.address(of: server).port
        // The whole of 127.0.0.0/8 is this machine.
        let target = isIPv6 ? "[::1]" : "127.0.0.9"
        let client = try setting.datagramSocket(on: host)
        try setting.sendDatagram("where?", from: client, to: SocketAddress("\(target):\(port)"))

        let came = try setting.awaitDatagram(from: server, control: true)
        let local = try #require(came.received.localAddress)
        #expect(try local == SocketAddress("\(target):0"))
        #expect(came.received.interface > 0)
        try setting.sendDatagram("there", from: server, to: came.received.sender, at: local)

        let answer = try setting.awaitDatagram(from: client)
        #expect(answer.text == "there")
        #expect(try answer.received.sender == SocketAddress("\(target):\(port)"))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a port of datagrams is none of streams, and belongs to one or to those that share`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let sockets = setting.sockets
        let stream = try setting.open()
        var first = try setting.datagramSocket()
        var address = try setting.address(of: first)
        // On the kernel another test may have the number for its streams.
        while (try? sockets.bind(stream, to: address)) == nil {
            first = try setting.datagramSocket()
            address = try setting.address(of: first)
        }
        let second = setting.adopt(try sockets.openDatagram(for: address, .datagram))

        #expect(throws: Errno.addressInUse) { try sockets.bind(second, to: address) }
        #expect(throws: Errno(rawValue: EOPNOTSUPP)) { try sockets.listen(first, backlog: 1) }
        setting.close(first)
        try sockets.bind(second, to: address)

        let shared = try setting.datagramSocket(options: [.reusePort: 1])
        let other = setting.adopt(try sockets.openDatagram(for: address, .datagram))
        try sockets.setOption(.reusePort, of: other, to: 1)
        try sockets.bind(other, to: setting.address(of: shared))
        for _ in 0..<20 {
            let client = try setting.datagramSocket()
            try setting.sendDatagram("a", from: client, to: setting.address(of: shared))
            try setting.sendDatagram("b", from: client, to: setting.address(of: shared))
            // Both come to the same one.
            let isFirst = try setting.isReady(shared, for: .readable)
            let taker = isFirst ? shared : other
            #expect(try setting.awaitDatagram(from: taker).text == "a")
            #expect(try setting.awaitDatagram(from: taker).text == "b")
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a socket of IPv6 on every address takes IPv4 if it says so`(
        kind: SocketsUnderTest
    ) throws {
        if loopbacks.count == 1 { return }
        let setting = try kind.open()
        let both = try setting.datagramSocket(on: "[::]", options: [.ipv6Only: 0])
        let client = try setting.datagramSocket()
        let address = try SocketAddress("127.0.0.1:\(setting.address(of: both).port)")
        try setting.sendDatagram("old", from: client, to: address)

        let came = try setting.awaitDatagram(from: both)
        #expect(came.text == "old")
        #expect(came.received.sender.isIPv6)
        try setting.sendDatagram("new", from: both, to: came.received.sender)

        #expect(try setting.awaitDatagram(from: client).received.sender == address)
        let only = try setting.datagramSocket(on: "[::]", options: [.ipv6Only: 1])
        let port = try setting.address(of: only).port
        try setting.sendDatagram("?", from: client, to: SocketAddress("127.0.0.1:\(port)"))
        #expect(throws: Errno.wouldBlock) { try setting.takeDatagram(from: only) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `options of datagrams read back, and those of streams are refused`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let (sockets, socket) = (setting.sockets, try setting.datagramSocket())
        for (option, value) in [
            (SocketOption.timeToLive, 7), (.multicastTimeToLive, 0), (.multicastLoop, 0),
            (.localAddresses, 1), (.broadcast, 1),
        ] {
            try sockets.setOption(option, of: socket, to: value)
            #expect(try sockets.option(option, of: socket) == value)
        }
        #expect(throws: Errno.noSuchOption) { try sockets.setOption(.noDelay, of: socket, to: 1) }
        #expect(throws: Errno.invalidArgument) {
            try sockets.setOption(.timeToLive, of: socket, to: 256)
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `calls on a closed socket for datagrams say so`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let address = try SocketAddress("127.0.0.1:9")
        // A number that no other test can have by then.
        let socket = RawDescriptor(1_000_000_000)

        #expect(throws: Errno.badDescriptor) { try setting.takeDatagram(from: socket) }
        #expect(throws: Errno.badDescriptor) {
            try setting.sendDatagram("a", from: socket, to: address)
        }
        #expect(throws: Errno.badDescriptor) {
            try setting.sockets.change(
                .join, of: socket, in: SocketAddress("239.1.2.3:0"), on: 0)
        }
    }

    // MARK: Unix sockets

    @Test(arguments: SocketsUnderTest.all, UnixNaming.allCases)
    func `datagrams of Unix sockets have the sender's name, and none is lost`(
        kind: SocketsUnderTest, naming: UnixNaming
    ) throws {
        let setting = try kind.open()
        let address = try naming.fresh()
        defer { try? setting.sockets.removeFile(at: address) }
        let server = try setting.unixDatagramSocket(at: address)
        let client = try setting.unixDatagramSocket()
        let nameless = setting.adopt(try setting.sockets.openDatagram(for: address, .datagram))

        try setting.sendDatagram("named", from: client, to: address)
        try setting.sendDatagram("nameless", from: nameless, to: address)
        let first = try setting.awaitDatagram(from: server)
        #expect(
            try first
                == Came(
                    text: "named",
                    received: ReceivedDatagram(
                        count: 5, sender: setting.address(of: client))))
        #expect(try setting.awaitDatagram(from: server).received.sender == SocketAddress("unix:"))
        try setting.sendDatagram("back", from: server, to: first.received.sender)
        #expect(try setting.awaitDatagram(from: client).text == "back")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix socket lets its sender wait while it has no room`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let server = try setting.unixDatagramSocket()
        let address = try setting.address(of: server)
        let client = try setting.unixDatagramSocket()
        #expect(try setting.sockets.connect(client, to: address))
        var sent = 0
        #expect(throws: Errno.wouldBlock) {
            while sent < 10_000 {
                try setting.sendDatagram("\(sent)", from: client)
                sent += 1
            }
        }
        #expect(try !setting.isReady(client, for: .writable))
        for number in 0..<sent {
            #expect(try setting.takeDatagram(from: server).text == "\(number)")
        }
        #expect(try setting.isReady(client, for: .writable))
        setting.close(server)
        #expect(throws: Errno.connectionRefused) {
            try setting.sendDatagram("gone", from: client, to: address)
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a Unix socket sends to its own kind, and to none that has another peer`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let sockets = setting.sockets
        let address = try UnixNaming.path.fresh()
        defer { try? sockets.removeFile(at: address) }
        let client = try setting.unixDatagramSocket()
        #expect(throws: Errno.noEntry) {
            try setting.sendDatagram("?", from: client, to: address)
        }
        let server = try setting.unixDatagramSocket(at: address)

        let stream = try setting.openUnix()
        #expect(throws: Errno(rawValue: EPROTOTYPE)) { try sockets.connect(stream, to: address) }
        #expect(try sockets.connect(server, to: setting.address(of: client)))
        let stranger = try setting.unixDatagramSocket()
        #expect(throws: Errno.notPermitted) {
            try setting.sendDatagram("?", from: stranger, to: address)
        }
        #expect(throws: Errno.invalidArgument) {
            try setting.sendDatagram("?", from: client, to: SocketAddress("127.0.0.1:1"))
        }
    }
}
