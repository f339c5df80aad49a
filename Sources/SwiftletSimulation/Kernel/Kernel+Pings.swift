import Syscalls

// Pings: a program asks for an echo over a ping socket, and the kernel of the other host answers,
// whatever runs there (icmp(7), RFC 792, RFC 4443).
extension Kernel {
    /// Throws when what is sent over a ping socket is no request for an echo.
    func checkPing(
        _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute, from socket: RawDescriptor,
        on host: HostID, to target: Endpoint
    ) throws(Errno) {
        let family = hosts[host][socket].family
        guard target.address.family == family, route.segmentSize == 0,
            bytes.count >= Echo.headerSize, bytes[0] == Echo.request(family), bytes[1] == 0
        else { throw .invalidArgument }
    }

    /// Sends a request for an echo, which has the identifier of its socket.
    mutating func ping(
        _ bytes: UnsafeRawBufferPointer, from socket: RawDescriptor, at source: Endpoint,
        on host: HostID, to target: Endpoint
    ) {
        var echo = Echo(bytes: Array(bytes))
        echo.setIdentifier(source.port)
        echo.setChecksum(from: source.address, to: target.address)
        echo.bytes.withUnsafeBytes {
            send($0, as: .echoRequest, from: socket, at: source, on: host, to: target)
        }
    }

    /// Sends the same bytes back as the answer. What was sent to a group is not answered, as is
    /// usual on Linux (icmp(7), icmp_echo_ignore_broadcasts).
    mutating func answer(_ request: KernelDatagram) {
        let (source, target) = (request.target.address, request.source)
        if source.isGroup { return }
        var echo = Echo(bytes: request.bytes)
        echo.bytes[0] = Echo.reply(source.family)
        echo.setChecksum(from: source, to: target.address)
        datagramCount += 1
        carry(
            KernelDatagram(
                number: datagramCount, bytes: echo.bytes, sender: request.receiver,
                source: Endpoint(source, port: 0), queue: 0, receiver: request.sender,
                target: target, purpose: .echoReply))
    }
}

/// An echo as it travels, request or answer:
///
///     [ type | code | checksum, 2 bytes | identifier, 2 bytes | number, 2 bytes | … ]
private struct Echo {
    static let headerSize = 8

    static func request(_ family: AddressFamily) -> UInt8 { family == .ipv4 ? 8 : 128 }
    static func reply(_ family: AddressFamily) -> UInt8 { family == .ipv4 ? 0 : 129 }

    var bytes: [UInt8]

    mutating func setIdentifier(_ number: UInt16) { set(number, at: 4) }

    /// The checksum of RFC 1071; over IPv6 with the addresses (RFC 4443, 2.3).
    mutating func setChecksum(from source: IPAddress, to target: IPAddress) {
        set(0, at: 2)
        var sum = 0
        if target.family == .ipv6 {
            for word in [source.high, source.low, target.high, target.low] {
                for shift in [0, 16, 32, 48] { sum += Int(word >> shift & 0xFFFF) }
            }
            // The length, and the number of the protocol.
            sum += bytes.count + 58
        }
        for index in bytes.indices {
            sum += index.isMultiple(of: 2) ? Int(bytes[index]) << 8 : Int(bytes[index])
        }
        while sum > 0xFFFF { sum = sum >> 16 + sum & 0xFFFF }
        set(~UInt16(sum), at: 2)
    }

    private mutating func set(_ number: UInt16, at place: Int) {
        bytes[place] = UInt8(number >> 8)
        bytes[place + 1] = UInt8(number & 0xFF)
    }
}
