import CLinux
import Glibc

// The calls of sockets that carry datagrams, typed. As with streams every socket made here is
// non-blocking and closed on exec, and a call that has nothing to do throws `Errno.wouldBlock`.

extension RawDescriptor {
    /// Opens a socket for datagrams of an address family (socket(2)).
    package static func datagramSocket(
        family: CInt, _ kind: DatagramKind
    ) throws(Errno) -> RawDescriptor {
        let isIPv6 = family == AF_INET6
        let (type, protocolNumber): (__socket_type, CInt) =
            switch kind {
            case .datagram: (SOCK_DGRAM, 0)
            case .ping: (SOCK_DGRAM, CInt(isIPv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
            case .raw(let number): (SOCK_RAW, CInt(number))
            }
        let flags = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        return RawDescriptor(
            try retrying { Glibc.socket(family, CInt(type.rawValue) | flags, protocolNumber) })
    }

    /// Receives one datagram, of which what does not fit is gone (recvfrom(2)); with
    /// `readingControl` also what control messages tell of it (recvmsg(2)).
    package func receiveDatagram(
        into buffer: UnsafeMutableRawBufferPointer, readingControl: Bool
    ) throws(Errno) -> ReceivedDatagram {
        if readingControl { return try receiveMessage(into: buffer) }
        // With MSG_TRUNC the answer is the whole length.
        let (length, sender) = try SocketAddress.filled {
            recvfrom(number, buffer.baseAddress, buffer.count, CInt(MSG_TRUNC), $0, $1)
        }
        return ReceivedDatagram(
            count: min(length, buffer.count), isTruncated: length > buffer.count,
            sender: sender ?? .unnamed)
    }

    private func receiveMessage(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> ReceivedDatagram {
        var name = sockaddr_storage()
        var vector = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        var control = ControlSpace()
        var message = msghdr()
        message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
        message.msg_iovlen = 1
        message.msg_controllen = numericCast(MemoryLayout<ControlSpace>.size)
        let count = try retrying {
            withUnsafeMutablePointer(to: &name) { name in
                withUnsafeMutablePointer(to: &vector) { vector in
                    withUnsafeMutablePointer(to: &control) { control in
                        message.msg_name = UnsafeMutableRawPointer(name)
                        message.msg_iov = vector
                        message.msg_control = UnsafeMutableRawPointer(control)
                        return recvmsg(number, &message, CInt(MSG_CMSG_CLOEXEC))
                    }
                }
            }
        }
        return withUnsafeBytes(of: name) { name in
            withUnsafeBytes(of: control) { control in
                ReceivedDatagram(count: count, of: message, sender: name, control: control)
            }
        }
    }

    /// Sends one datagram, or several of one size, whole or not at all (sendto(2), sendmsg(2)).
    package func sendDatagram(
        _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute
    ) throws(Errno) {
        if route.source != nil || route.segmentSize > 0 { return try sendMessage(bytes, route) }
        guard let target = route.target else {
            _ = try send(bytes)
            return
        }
        _ = try retrying {
            target.withSockAddr {
                sendto(number, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL), $0, $1)
            }
        }
    }

    private func sendMessage(
        _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute
    ) throws(Errno) {
        var vector = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        var control = ControlSpace()
        var message = msghdr()
        message.msg_iovlen = 1
        message.msg_controllen = numericCast(
            try withUnsafeMutableBytes(of: &control) { control throws(Errno) in
                try route.putControl(into: control)
            })
        _ = try retrying {
            withUnsafeMutablePointer(to: &vector) { vector in
                withUnsafeMutablePointer(to: &control) { control in
                    message.msg_iov = vector
                    message.msg_control = UnsafeMutableRawPointer(control)
                    guard let target = route.target else {
                        return sendmsg(number, &message, CInt(MSG_NOSIGNAL))
                    }
                    return target.withSockAddr { name, length in
                        message.msg_name = UnsafeMutableRawPointer(mutating: name)
                        message.msg_namelen = length
                        return sendmsg(number, &message, CInt(MSG_NOSIGNAL))
                    }
                }
            }
        }
    }

    /// Joins or leaves a multicast group on an interface, by its index; 0 leaves that to routing
    /// (ip(7), ipv6(7)).
    package func change(
        _ membership: Membership, in group: SocketAddress, on interface: Int
    ) throws(Errno) {
        guard !group.isUnix, let index = UInt32(exactly: interface) else { throw .invalidArgument }
        var request = group_req()
        request.gr_interface = index
        group.withSockAddr { address, length in
            withUnsafeMutableBytes(of: &request.gr_group) {
                $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
            }
        }
        let option = membership == .join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP
        let level = CInt(group.isIPv6 ? IPPROTO_IPV6 : IPPROTO_IP)
        let size = socklen_t(MemoryLayout<group_req>.size)
        _ = try retrying { setsockopt(number, level, option, &request, size) }
    }
}

// What control messages tell of a datagram, and what they say to the kernel.

/// Room for the control messages of one datagram: addresses of both families, a size and a time
/// stamp take 128 bytes.
typealias ControlSpace = SIMD16<UInt64>

extension SocketAddress {
    /// What a Unix socket without a name sends from.
    package static let unnamed = SocketAddress(unixName: [])

    /// The address without its port, of the interface that a link-local one belongs to.
    fileprivate init(_ bytes: UnsafeRawBufferPointer, interface: UInt32) {
        let high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        let isOfLink = high >> 54 == 0xFE80 >> 6
        self.init(.ipv6(high: high, low: low, scope: isOfLink ? interface : 0, port: 0))
    }

    /// Whether it stands for a group of receivers: 224.0.0.0/4 or ff00::/8.
    package var isMulticast: Bool {
        switch storage {
        case .ipv4(let number, _): number >> 28 == 0xE
        case .ipv6(let high, _, _, _): high >> 56 == 0xFF
        case .unix: false
        }
    }
}

extension ReceivedDatagram {
    /// What the kernel has filled in.
    init(
        count: Int, of message: msghdr, sender: UnsafeRawBufferPointer,
        control: UnsafeRawBufferPointer
    ) {
        let sender = SocketAddress(filling: sender, Int(message.msg_namelen)) ?? .unnamed
        var (local, interface, size): (SocketAddress?, Int, Int) = (nil, 0, 0)
        let filled = UnsafeRawBufferPointer(
            rebasing: control.prefix(Int(message.msg_controllen)))
        ControlMessage.forEach(in: filled) { message in
            switch (message.level, message.type) {
            case (CInt(IPPROTO_IP), IP_PKTINFO):
                // struct in_pktinfo: the interface, the address to answer from, the address that
                // the packet has.
                guard let index = message.load(as: CInt.self),
                    let number = message.load(at: 4, as: UInt32.self)
                else { return }
                local = SocketAddress(ipv4: UInt32(bigEndian: number), port: 0)
                if sender.isIPv6, let words = local?.words {
                    local = SocketAddress(ipv6: words.high, words.low, port: 0)
                }
                interface = Int(index)
            case (CInt(IPPROTO_IPV6), IPV6_PKTINFO) where local == nil:
                // struct in6_pktinfo: the address that the packet has, the interface. A packet of
                // IPv4 has both messages, and the other one is better: this may be a group.
                guard let index = message.load(at: 16, as: UInt32.self) else { return }
                local = SocketAddress(message.value, interface: index)
                interface = Int(index)
            case (CInt(IPPROTO_UDP), CInt(CLINUX_UDP_GRO)):
                size = message.load(as: CInt.self).map { Int($0) } ?? 0
            default: break
            }
        }
        // The better address may be in a message for which there was no room.
        if message.msg_flags & CInt(MSG_CTRUNC) != 0 { (local, interface) = (nil, 0) }
        self.init(
            count: count, isTruncated: message.msg_flags & CInt(MSG_TRUNC) != 0,
            sender: sender,
            localAddress: local?.isMulticast == true ? nil : local, interface: interface,
            segmentSize: size)
    }
}

extension DatagramRoute {
    /// Puts what the route says into memory for control messages, and tells how long it is.
    func putControl(
        into memory: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        var writer = ControlWriter(memory)
        switch source?.storage {
        case .ipv4(let number, _):
            writer.add(CInt(IPPROTO_IP), IP_PKTINFO, (CInt(0), number.bigEndian, UInt32(0)))
        case .ipv6(let high, let low, let scope, _):
            writer.add(
                CInt(IPPROTO_IPV6), IPV6_PKTINFO, (high.bigEndian, low.bigEndian, scope))
        case .unix: throw .invalidArgument
        case nil: break
        }
        if segmentSize > 0 {
            guard let size = UInt16(exactly: segmentSize) else { throw .invalidArgument }
            writer.add(CInt(IPPROTO_UDP), CInt(CLINUX_UDP_SEGMENT), size)
        }
        return writer.count
    }
}
