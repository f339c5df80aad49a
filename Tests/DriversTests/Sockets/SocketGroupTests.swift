import Drivers
import Glibc
import Syscalls
import Testing

// The part of the contract that is about datagrams to several receivers.

extension SocketContractTests {
    @Test(arguments: SocketsUnderTest.all)
    func `members of a group receive what is sent to it, until they leave`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let sockets = setting.sockets
        let group = try SocketAddress("239.77.88.\(1 + Int(getpid()) % 250):0")
        let members = try (0..<2).map { _ in
            setting.adopt(try sockets.openDatagram(for: group, .datagram))
        }
        let any = try SocketAddress("0.0.0.0:0")
        for member in members {
            try sockets.setOption(.reuseAddress, of: member, to: 1)
            let port = try setting.address(of: members[0]).port
            try sockets.bind(member, to: any.with(port: port))
            // The loopback interface is the first one of a machine.
            try sockets.change(.join, of: member, in: group, on: 1)
        }
        #expect(throws: Errno.addressInUse) {
            try sockets.change(.join, of: members[0], in: group, on: 1)
        }
        let sender = try setting.datagramSocket()
        try sockets.setOption(.multicastInterface, of: sender, to: 1)
        let target = group.with(port: try setting.address(of: members[0]).port)

        try setting.sendDatagram("all", from: sender, to: target)
        for member in members { #expect(try setting.awaitDatagram(from: member).text == "all") }
        try sockets.change(.leave, of: members[1], in: group, on: 1)
        #expect(throws: Errno.addressNotAvailable) {
            try sockets.change(.leave, of: members[1], in: group, on: 1)
        }
        try setting.sendDatagram("one", from: sender, to: target)

        #expect(try setting.awaitDatagram(from: members[0]).text == "one")
        #expect(throws: Errno.invalidArgument) {
            try sockets.change(.join, of: members[0], in: SocketAddress("127.0.0.1:0"), on: 1)
        }
    }

    @Test(
        .enabled(if: multicastInterface > 0, "no interface with IPv6 carries multicast here"),
        arguments: SocketsUnderTest.all)
    func `a group of IPv6 is joined on an interface, and its sender says how far and whether here`(
        kind: SocketsUnderTest
    ) throws {
        let setting = try kind.open()
        let sockets = setting.sockets
        let interface = kind.testDescription == "kernel" ? multicastInterface : 2
        let group = try SocketAddress("[ff02::7788:\(String(getpid() & 0xFFFF, radix: 16))]:0")
        let member = try setting.datagramSocket(on: "[::]", options: [.localAddressesIPv6: 1])
        let sender = try setting.datagramSocket(on: "[::]")
        let target = group.with(port: try setting.address(of: member).port)
        try sockets.change(.join, of: member, in: group, on: interface)
        for (option, value) in [
            (SocketOption.multicastInterfaceIPv6, interface), (.multicastTimeToLiveIPv6, 0),
            (.multicastLoopIPv6, 1),
        ] {
            try sockets.setOption(option, of: sender, to: value)
            #expect(try sockets.option(option, of: sender) == value)
        }

        // No router and no link may take it on, and it comes to the members on this machine.
        try setting.sendDatagram("here", from: sender, to: target)
        let came = try setting.awaitDatagram(from: member, control: true)
        #expect(came.text == "here")
        #expect(came.received.interface == interface)
        #expect(came.received.localAddress == nil)
        try sockets.setOption(.multicastLoopIPv6, of: sender, to: 0)
        try setting.sendDatagram("elsewhere", from: sender, to: target)
        try sockets.setOption(.multicastLoopIPv6, of: sender, to: 1)
        try setting.sendDatagram("here again", from: sender, to: target)
        #expect(try setting.awaitDatagram(from: member).text == "here again")

        try sockets.change(.leave, of: member, in: group, on: interface)
        #expect(throws: Errno.addressNotAvailable) {
            try sockets.change(.leave, of: member, in: group, on: interface)
        }
        try setting.sendDatagram("nobody", from: sender, to: target)
        #expect(throws: Errno.wouldBlock) { try setting.takeDatagram(from: member) }
    }

    @Test(arguments: SocketsUnderTest.all)
    func `to send to all needs an option`(kind: SocketsUnderTest) throws {
        let setting = try kind.open()
        let receiver = try setting.datagramSocket(on: "0.0.0.0")
        let sender = try setting.datagramSocket(on: "127.0.0.1")
        let all = try SocketAddress("127.255.255.255:\(setting.address(of: receiver).port)")

        #expect(throws: Errno.accessDenied) {
            try setting.sendDatagram("all", from: sender, to: all)
        }
        try setting.sockets.setOption(.broadcast, of: sender, to: 1)
        try setting.sendDatagram("all", from: sender, to: all)

        #expect(try setting.awaitDatagram(from: receiver).text == "all")
    }

    @Test(arguments: SocketsUnderTest.all)
    func `a socket of IPv6 answers what was sent to all from the address of its interface`(
        kind: SocketsUnderTest
    ) throws {
        if loopbacks.count == 1 { return }
        let setting = try kind.open()
        let server = try setting.datagramSocket(
            on: "[::]", options: [.ipv6Only: 0, .localAddressesIPv6: 1, .localAddresses: 1])
        let client = try setting.datagramSocket(options: [.broadcast: 1])
        let port = try setting.address(of: server).port
        let all = try SocketAddress("127.255.255.255:\(port)")
        try setting.sendDatagram("all", from: client, to: all)

        let came = try setting.awaitDatagram(from: server, control: true)
        let local = try #require(came.received.localAddress)
        #expect(try local == SocketAddress("[::ffff:127.0.0.1]:0"))
        try setting.sendDatagram("one", from: server, to: came.received.sender, at: local)

        let answer = try setting.awaitDatagram(from: client)
        #expect(try answer.received.sender == SocketAddress("127.0.0.1:\(port)"))
    }
}

/// The index of an interface of this machine that carries multicast over IPv6, or 0.
let multicastInterface: Int = {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return 0 }
    defer { freeifaddrs(list) }
    let all = sequence(first: list) { $0?.pointee.ifa_next }.compactMap { $0?.pointee }
    let usable = all.first { entry in
        let wanted = CUnsignedInt(IFF_UP | IFF_MULTICAST)
        return entry.ifa_flags & wanted == wanted
            && entry.ifa_addr?.pointee.sa_family == sa_family_t(AF_INET6)
    }
    return usable.map { Int(if_nametoindex($0.ifa_name)) } ?? 0
}()
