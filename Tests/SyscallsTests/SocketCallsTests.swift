import Glibc
import Syscalls
import Testing

/// Socket calls between the two ends of a connection over loopback.
@Suite(.timeLimit(.minutes(60))) struct SocketCallsTests {
    /// A listener on a free port, a client and the accepted end, all closed when the test ends.
    struct Connected: ~Copyable {
        let listener: Descriptor
        let client: Descriptor
        let server: Descriptor
        let accepted: SocketAddress?

        init(over host: String) throws {
            let listener = try listening(on: host)
            let address = try listener.raw.localAddress()
            let client = Descriptor(adopting: try .streamSocket(family: address.family))
            _ = try client.raw.connect(to: address)
            try wait(for: POLLOUT, on: client.raw)
            try wait(for: POLLIN, on: listener.raw)
            let (raw, accepted) = try listener.raw.accept()
            server = Descriptor(adopting: raw)
            self.accepted = accepted
            self.listener = listener
            self.client = client
        }
    }

    @Test(arguments: loopbacks)
    func `both ends agree on their addresses`(host: String) throws {
        let connected = try Connected(over: host)

        let client = try connected.client.raw.localAddress()
        let server = try connected.server.raw.localAddress()
        #expect(connected.accepted == client)
        #expect(try connected.server.raw.remoteAddress() == client)
        #expect(try connected.client.raw.remoteAddress() == server)
        #expect(server.isLoopback)
        #expect(server.port != 0)
        #expect(try connected.client.raw.takeError() == nil)
    }

    @Test(arguments: loopbacks)
    func `an accepted socket never blocks and is closed on exec`(host: String) throws {
        let connected = try Connected(over: host)

        for number in [connected.client.raw.number, connected.server.raw.number] {
            #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
            #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
        }
    }

    @Test(arguments: loopbacks)
    func `each end reads what the other sent and then the end of the stream`(host: String) throws {
        let connected = try Connected(over: host)
        let (client, server) = (connected.client.raw, connected.server.raw)
        #expect(throws: Errno.wouldBlock) { try server.take(atMost: 10) }

        #expect(try client.send("ping") == 4)
        try client.closeWrite()
        try wait(for: POLLIN, on: server)
        #expect(try server.take(atMost: 10) == "ping")
        try wait(for: POLLIN, on: server)
        #expect(try server.take(atMost: 10) == "")

        #expect(try server.send("pong") == 4)
        try wait(for: POLLIN, on: client)
        #expect(try client.take(atMost: 10) == "pong")
    }

    @Test(arguments: loopbacks)
    func `a connection reset by its peer reads as an error`(host: String) throws {
        let listener = try listening(on: host)
        let client = Descriptor(
            adopting: try .streamSocket(family: try listener.raw.localAddress().family)
        )
        _ = try client.raw.connect(to: try listener.raw.localAddress())
        try wait(for: POLLIN, on: listener.raw)
        let (server, _) = try listener.raw.accept()

        try server.resetOnClose()
        server.close()

        try wait(for: POLLIN, on: client.raw)
        #expect(throws: Errno.connectionReset) { try client.raw.take(atMost: 1) }
    }

    @Test(arguments: loopbacks)
    func `sending to a peer that is gone is an error and no signal`(host: String) throws {
        let connected = try Connected(over: host)
        let client = connected.client.raw
        try client.closeWrite()

        #expect(throws: Errno.brokenPipe) {
            try [UInt8(1)].withUnsafeBytes { try client.send($0) }
        }
    }

    @Test(arguments: loopbacks)
    func `connecting where nothing listens is refused`(host: String) throws {
        let address = try boundButDeaf(on: host)
        let client = Descriptor(
            adopting: try .streamSocket(family: try address.raw.localAddress().family)
        )

        let refusal = Result { () throws(Errno) in
            if try client.raw.connect(to: try address.raw.localAddress()) { return Errno?.none }
            try wait(for: POLLOUT, on: client.raw)
            return try client.raw.takeError()
        }

        switch refusal {
        case .success(let error): #expect(error == .connectionRefused)
        case .failure(let error): #expect(error == .connectionRefused)
        }
    }

    @Test func `an address in use and one that is not ours are refused`() throws {
        let taken = try listening(on: "127.0.0.1")
        let other = Descriptor(adopting: try .streamSocket(family: AF_INET))

        #expect(throws: Errno.addressInUse) {
            try other.raw.bind(to: try taken.raw.localAddress())
        }
        #expect(throws: Errno.addressNotAvailable) {
            try other.raw.bind(to: try SocketAddress("192.0.2.1:0"))
        }
    }

    @Test func `a listener with an empty queue would block`() throws {
        let listener = try listening(on: "127.0.0.1")

        #expect(throws: Errno.wouldBlock) { try listener.raw.accept() }
        #expect(try listener.raw.option(.isListening) == 1)
    }

    @Test func `a socket that is not connected has no remote address`() throws {
        let socket = Descriptor(adopting: try .streamSocket(family: AF_INET))

        #expect(throws: Errno.notConnected) { try socket.raw.remoteAddress() }
        #expect(try socket.raw.localAddress() == SocketAddress("0.0.0.0:0"))
    }

    @Test(arguments: [
        (SocketOption.noDelay, 1), (.keepAlive, 1), (.keepAliveIdle, 77), (.reuseAddress, 1),
        (.reusePort, 1), (.ipv6Only, 1), (.bindsLate, 1),
    ])
    func `an option that was set reads back`(option: SocketOption, value: Int) throws {
        let socket = Descriptor(adopting: try .streamSocket(family: AF_INET6))

        try socket.raw.setOption(option, to: value)

        #expect(try socket.raw.option(option) == value)
    }

    @Test(arguments: [SocketOption.receiveBuffer, .sendBuffer])
    func `a buffer is at least as large as was asked for`(option: SocketOption) throws {
        let socket = Descriptor(adopting: try .streamSocket(family: AF_INET))

        try socket.raw.setOption(option, to: 50_000)

        #expect(try socket.raw.option(option) >= 50_000)
    }

    @Test func `a socket that binds late has its address at once and its port when it connects`()
        throws
    {
        let listener = try listening(on: "127.0.0.1")
        let socket = Descriptor(adopting: try .streamSocket(family: AF_INET))

        try socket.raw.setOption(.bindsLate, to: 1)
        try socket.raw.bind(to: try SocketAddress("127.0.0.2:0"))
        #expect(try socket.raw.localAddress() == SocketAddress("127.0.0.2:0"))

        _ = try socket.raw.connect(to: try listener.raw.localAddress())
        #expect(try socket.raw.localAddress().host == "127.0.0.2")
        #expect(try socket.raw.localAddress().port != 0)
    }

    @Test func `an option of another family is refused`() throws {
        let socket = Descriptor(adopting: try .streamSocket(family: AF_INET))

        #expect(throws: Errno.self) { try socket.raw.setOption(.ipv6Only, to: 1) }
        #expect(throws: Errno.self) { try socket.raw.setOption(.isListening, to: 1) }
    }
}

/// The loopback addresses of this machine; IPv6 may be switched off in a container.
private let loopbacks: [String] = {
    let hasIPv6 = (try? boundButDeaf(on: "[::1]")) != nil
    return hasIPv6 ? ["127.0.0.1", "[::1]"] : ["127.0.0.1"]
}()

/// A socket that has a port and does not listen.
private func boundButDeaf(on host: String) throws -> Descriptor {
    let address = try SocketAddress("\(host):0")
    let socket = Descriptor(adopting: try .streamSocket(family: address.family))
    try socket.raw.bind(to: address)
    return socket
}

private func listening(on host: String) throws -> Descriptor {
    let socket = try boundButDeaf(on: host)
    try socket.raw.listen(backlog: 16)
    return socket
}

/// Waits until an event is there. Nothing depends on how long it takes.
private func wait(for event: CInt, on descriptor: RawDescriptor) throws(Errno) {
    var entries = [pollfd(fd: descriptor.number, events: Int16(event), revents: 0)]
    while entries[0].revents == 0 {
        _ = try entries.withUnsafeMutableBufferPointer { entries throws(Errno) in
            try pollOnce(entries, nanoseconds: nil)
        }
    }
}
