import Drivers
import Glibc
import Syscalls
import Testing

// The part of the contract that is about options.

extension SocketContractTests {
    @Test(
        arguments: SocketsUnderTest.all,
        [
            (SocketOption.noDelay, 1), (.keepAlive, 1), (.keepAliveIdle, 77), (.reuseAddress, 1),
            (.reusePort, 1), (.ipv6Only, 1), (.bindsLate, 1), (.keepAliveInterval, 5),
            (.keepAliveCount, 4), (.userTimeout, 2_500), (.broadcast, 1), (.priority, 6),
            (.linger, 3), (.linger, -1), (.fastOpen, 16), (.quickAck, 1), (.boundInterface, 1),
        ]
    )
    func `an option that was set reads back`(
        kind: SocketsUnderTest, setting option: (name: SocketOption, value: Int)
    ) throws {
        let setting = try kind.open()
        let socket = try setting.open(for: loopbacks[loopbacks.count - 1])
        if option.name == .ipv6Only, loopbacks.count == 1 { return }

        try setting.sockets.setOption(option.name, of: socket, to: option.value)
        #expect(try setting.sockets.option(option.name, of: socket) == option.value)
        if option.value == 1 {
            try setting.sockets.setOption(option.name, of: socket, to: 0)
            #expect(try setting.sockets.option(option.name, of: socket) == 0)
        }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a mark is set and reads back, or needs a privilege`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (sockets, socket) = (setting.sockets, try setting.open())
        do throws(Errno) {
            try sockets.setOption(.mark, of: socket, to: 0x7EAD_BEEF)
            #expect(try sockets.option(.mark, of: socket) == 0x7EAD_BEEF)
        } catch {
            #expect(kind.testDescription == "kernel" && error == .notPermitted)
        }
    }

    @Test func `a socket is bound to an interface by its name`() throws {
        let setting = SocketSetting(SystemSockets(), try DriverKind.poll.makeDriver())
        let loopback = try NetworkInterface(named: "lo")
        let socket = try setting.open()

        try setting.sockets.setOption(.boundInterface, of: socket, to: loopback.index)

        // What the kernel calls it by name.
        var name = [UInt8](repeating: 0, count: Int(IFNAMSIZ))
        var length = socklen_t(name.count)
        #expect(getsockopt(socket.number, SOL_SOCKET, SO_BINDTODEVICE, &name, &length) == 0)
        #expect(String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) == "lo")
        #expect(NetworkInterface.all.contains(loopback))
        #expect(throws: Errno(rawValue: ENODEV)) { try NetworkInterface(named: "no such one") }
        #expect(throws: Errno(rawValue: ENODEV)) { try NetworkInterface(named: "lo\u{0}") }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `what cannot be set is refused`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let (sockets, socket) = (setting.sockets, try setting.open())

        #expect(throws: Errno.noSuchOption) {
            try sockets.setOption(.isListening, of: socket, to: 1)
        }
        #expect(throws: Errno.noSuchOption) { try sockets.setOption(.ipv6Only, of: socket, to: 1) }
        for (option, value) in [
            (SocketOption.keepAliveInterval, 0), (.keepAliveCount, 128), (.userTimeout, -1),
            (.receiveBuffer, 1 << 40), (.keepAlive, -(1 << 40)),
        ] {
            #expect(throws: Errno.invalidArgument) {
                try sockets.setOption(option, of: socket, to: value)
            }
        }
        #expect(throws: Errno.noSuchOption) {
            try sockets.setOption(SocketOption(level: 6, number: 9_999), of: socket, to: 1)
        }
        for seconds in [0, -1, 32_768] {
            #expect(throws: Errno.invalidArgument) {
                try sockets.setOption(.keepAliveIdle, of: socket, to: seconds)
            }
        }
    }

    @Test(arguments: SocketsUnderTest.all, [SocketOption.receiveBuffer, .sendBuffer])
    func `a buffer is twice what was asked for and bounded both ways`(
        kind: SocketsUnderTest, option: SocketOption
    ) throws {
        let setting = try kind.open()
        let (sockets, socket) = (setting.sockets, try setting.open())
        func size(of asked: Int) throws -> Int {
            try sockets.setOption(option, of: socket, to: asked)
            return try sockets.option(option, of: socket)
        }

        #expect(try size(of: 50_000) == 100_000)
        #expect((1_000...10_000).contains(try size(of: 1)))
        #expect(try size(of: 0) == size(of: 1))
        #expect(try size(of: 1_000_000_000) == size(of: 2_000_000_000))
    }

    @Test(arguments: SocketsUnderTest.all)
    func `what is accepted has the options of its listener`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let listener = try setting.bound()
        try setting.sockets.setOption(.noDelay, of: listener, to: 1)
        try setting.sockets.setOption(.keepAlive, of: listener, to: 1)
        try setting.sockets.setOption(.keepAliveIdle, of: listener, to: 99)
        try setting.sockets.setOption(.receiveBuffer, of: listener, to: 20_000)
        try setting.sockets.listen(listener, backlog: 1)
        _ = try setting.client(of: listener)

        let (server, _) = try setting.accept(from: listener)

        #expect(try setting.sockets.option(.noDelay, of: server) == 1)
        #expect(try setting.sockets.option(.keepAlive, of: server) == 1)
        #expect(try setting.sockets.option(.keepAliveIdle, of: server) == 99)
        #expect(try setting.sockets.option(.receiveBuffer, of: server) == 40_000)
        #expect(try setting.sockets.option(.isListening, of: server) == 0)
        #expect(try setting.sockets.option(.isListening, of: listener) == 1)
    }
}
