import Drivers
import Glibc
import Syscalls
import TestServers
import Testing

// The part of the contract that is about pings; and raw sockets, which only the kernel has.

/// The kernel's own pings are asked for in a network of the test's, where they are allowed.
@Suite(.ownThread, .timeLimit(.minutes(10))) struct SocketPingTests {
    /// Those that this machine lets a test have.
    static let kinds = SocketsUnderTest.all.filter {
        $0.testDescription != "kernel" || mayHaveOwnNetwork
    }

    @Test(
        .enabled(if: mayHaveOwnNetwork, "a network of its own needs CAP_SYS_ADMIN (unshare(2))"))
    func `the kernel is held to it as well`() {
        #expect(Self.kinds.count == SocketsUnderTest.all.count)
    }

    private func send(
        _ bytes: [UInt8], from socket: RawDescriptor, to target: SocketAddress?,
        _ setting: SocketSetting
    ) throws {
        try bytes.withUnsafeBytes {
            try setting.sockets.sendDatagram(socket, $0, DatagramRoute(to: target))
        }
    }

    private func take(from socket: RawDescriptor, _ setting: SocketSetting) throws -> (
        bytes: [UInt8], received: ReceivedDatagram
    ) {
        try setting.wait(for: .readable, of: socket)
        var buffer = [UInt8](repeating: 0, count: 100)
        let received = try buffer.withUnsafeMutableBytes {
            try setting.sockets.receiveDatagram(socket, into: $0, readingControl: true)
        }
        return (Array(buffer[..<received.count]), received)
    }

    @Test(arguments: kinds, loopbacks)
    func `an echo is answered, with the identifier of its socket and the same bytes`(
        kind: SocketsUnderTest, host: String
    ) throws {
        if kind.testDescription == "kernel" { try enterOwnNetwork() }
        let setting = try kind.open()
        let target = try SocketAddress("\(host):0")
        let (request, reply): (UInt8, UInt8) = target.isIPv6 ? (128, 129) : (8, 0)
        let socket = setting.adopt(try setting.sockets.openDatagram(for: target, .ping))
        try setting.sockets.bind(socket, to: target)
        let identifier = try setting.address(of: socket).port
        #expect(identifier > 0)

        try send([request, 0, 9, 9, 9, 9, 0, 5, 65, 66], from: socket, to: target, setting)

        let (bytes, received) = try take(from: socket, setting)
        #expect(bytes[..<2] == [reply, 0])
        #expect(bytes[4...] == [UInt8(identifier >> 8), UInt8(identifier & 0xFF), 0, 5, 65, 66])
        #expect(received.sender == target)
        if !target.isIPv6 {
            // With its checksum the sum of all words is nothing (RFC 1071).
            var sum = stride(from: 0, to: 10, by: 2).reduce(0) { sum, place in
                sum + Int(bytes[place]) << 8 + Int(bytes[place + 1])
            }
            while sum > 0xFFFF { sum = sum >> 16 + sum & 0xFFFF }
            #expect(sum == 0xFFFF)
        }
        #expect(try !setting.isReady(socket, for: .readable))
        // Another one may have it, too, and then has the answers.
        let other = setting.adopt(try setting.sockets.openDatagram(for: target, .ping))
        try setting.sockets.bind(other, to: target.with(port: identifier))
        try send([request, 0, 0, 0, 0, 0, 0, 6], from: socket, to: target, setting)
        #expect(try take(from: other, setting).bytes[7] == 6)
        #expect(try !setting.isReady(socket, for: .readable))
        // The number of a port is none of an identifier.
        let datagrams = setting.adopt(try setting.sockets.openDatagram(for: target, .datagram))
        try setting.sockets.bind(datagrams, to: target.with(port: identifier))
    }

    @Test(arguments: kinds)
    func `what is no request for an echo is refused, and a peer is named as for datagrams`(
        kind: SocketsUnderTest
    ) throws {
        if kind.testDescription == "kernel" { try enterOwnNetwork() }
        let setting = try kind.open()
        let target = try SocketAddress("127.0.0.1:0")
        let socket = setting.adopt(try setting.sockets.openDatagram(for: target, .ping))
        for bytes: [UInt8] in [
            [], [8, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1], [8, 1, 0, 0, 0, 0, 0, 1],
        ] {
            #expect(throws: Errno.invalidArgument) {
                try send(bytes, from: socket, to: target, setting)
            }
        }
        let request: [UInt8] = [8, 0, 0, 0, 0, 0, 0, 1]
        #expect(throws: Errno.noDestination) { try send(request, from: socket, to: nil, setting) }
        let long = request + [UInt8](repeating: 0, count: 65_508)
        #expect(throws: Errno.messageTooLong) { try send(long, from: socket, to: target, setting) }

        #expect(try setting.sockets.connect(socket, to: target))
        #expect(try setting.address(of: socket).port > 0)
        try send(request, from: socket, to: nil, setting)

        #expect(try take(from: socket, setting).bytes[0] == 0)
    }

    @Test(.enabled(if: mayOpenRaw, "raw sockets need CAP_NET_RAW"))
    func `with IP_HDRINCL a packet leaves with the header that the program wrote`() throws {
        let setting = SocketSetting(SystemSockets(), try DriverKind.poll.makeDriver())
        let server = try setting.datagramSocket()
        let address = try setting.address(of: server)
        // UDP is protocol 17.
        let raw = setting.adopt(try setting.sockets.openDatagram(for: address, .raw(17)))
        try setting.sockets.setOption(.headerIncluded, of: raw, to: 1)
        #expect(try setting.sockets.option(.headerIncluded, of: raw) == 1)
        // The kernel fills in the length and the checksum of the first header; UDP needs none.
        let source: [UInt8] = [127, 0, 0, 9]
        let header: [UInt8] =
            [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0] + source + [127, 0, 0, 1]
        let ports: [UInt8] = [0x12, 0x34, UInt8(address.port >> 8), UInt8(address.port & 0xFF)]

        try send(header + ports + [0, 10, 0, 0] + [72, 105], from: raw, to: address, setting)

        let came = try setting.awaitDatagram(from: server)
        #expect(came.text == "Hi")
        #expect(try came.received.sender == SocketAddress("127.0.0.9:\(0x1234)"))
    }
}

/// Whether this process may open raw sockets.
let mayOpenRaw = {
    guard let raw = try? RawDescriptor.datagramSocket(family: AF_INET, .raw(17)) else {
        return false
    }
    raw.close()
    return true
}()

// MARK: A network of the test's own

/// Whether a thread may have a network of its own.
let mayHaveOwnNetwork = {
    let answer = Guarded(false)
    let thread = try? RunningThread.start {
        let isInside = (try? enterOwnNetwork()) != nil
        answer.withLock { $0 = isInside }
    }
    thread?.join()
    return answer.withLock { $0 }
}()

/// Gives the calling thread a network that has the loopback interface alone, and where pings are
/// allowed to all (network_namespaces(7)). It is gone with the thread and its sockets.
func enterOwnNetwork() throws {
    typealias Unshare = @convention(c) (CInt) -> CInt
    let newNetwork: CInt = 0x4000_0000
    guard let address = dlsym(nil, "unshare"),
        unsafeBitCast(address, to: Unshare.self)(newNetwork) == 0
    else { throw Errno.current }
    let socket = Descriptor(
        adopting: try .datagramSocket(family: AF_INET, .datagram))
    // struct ifreq: a name of 16 bytes, and flags.
    var request = [UInt8](repeating: 0, count: 40)
    request.replaceSubrange(0..<2, with: "lo".utf8)
    request[16] = UInt8(IFF_UP)
    let isUp = ioctl(socket.raw.number, UInt(SIOCSIFFLAGS), &request)
    guard isUp == 0 else { throw Errno.current }
    let setting = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC)
    guard setting >= 0 else { throw Errno.current }
    defer { close(setting) }
    let range = "0 2147483647"
    guard write(setting, range, range.utf8.count) == range.utf8.count else { throw Errno.current }
}
