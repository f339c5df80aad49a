import CLinux
import Glibc

// Descriptors that go from one process to another over a Unix socket (`SCM_RIGHTS`, unix(7)).

/// What a single call has received from a Unix socket.
package struct ReceivedMessage: Equatable, Sendable {
    /// How many bytes.
    package var count: Int
    /// What came along, which now belongs to the caller.
    package var descriptors: [RawDescriptor]
    /// Whether more came along than there was room for; the kernel has closed them (`MSG_CTRUNC`).
    package var hasLostDescriptors: Bool
    /// Whether the message was longer than the memory, and its rest is lost (`MSG_TRUNC`).
    package var isCut: Bool

    package init(
        count: Int, descriptors: [RawDescriptor] = [], hasLostDescriptors: Bool = false,
        isCut: Bool = false
    ) {
        self.count = count
        self.descriptors = descriptors
        self.hasLostDescriptors = hasLostDescriptors
        self.isCut = isCut
    }
}

extension RawDescriptor {
    /// The most descriptors that the kernel sends along with one call (`SCM_MAX_FD`, unix(7)).
    package static let passedMax = 253

    /// Sends some of the bytes, at least one, and with the first of them descriptors (sendmsg(2)).
    package func send(
        _ buffer: UnsafeRawBufferPointer, passing descriptors: [RawDescriptor]
    ) throws(Errno) -> Int {
        var control = ControlMemory(descriptors: descriptors.count)
        control.put(descriptors)
        return try control.lend(with: buffer) { message throws(Errno) in
            try retrying { sendmsg(number, &message, CInt(MSG_NOSIGNAL)) }
        }
    }

    /// Receives bytes, and at most `limit` descriptors that came along, closed on exec
    /// (recvmsg(2)).
    package func receiveMessage(
        into buffer: UnsafeMutableRawBufferPointer, descriptors limit: Int
    ) throws(Errno) -> ReceivedMessage {
        var control = ControlMemory(descriptors: limit)
        var received = ReceivedMessage(count: 0)
        received.count = try control.lend(with: UnsafeRawBufferPointer(buffer)) {
            message throws(Errno) in
            let count = try retrying { recvmsg(number, &message, CInt(MSG_CMSG_CLOEXEC)) }
            received.hasLostDescriptors = message.msg_flags & CInt(MSG_CTRUNC) != 0
            received.isCut = message.msg_flags & CInt(MSG_TRUNC) != 0
            return count
        }
        received.descriptors = control.takeDescriptors()
        return received
    }

    /// Makes a connected socket that came from elsewhere one on which no call waits, and says what
    /// its other end is; `ENOTCONN` for a socket without one, `ENOTSOCK` for what is none.
    ///
    /// It does not wait for any process that has it, too (fcntl(2), `O_NONBLOCK`).
    package func adopt() throws(Errno) -> SocketAddress {
        let type = try option(SOL_SOCKET, SO_TYPE)
        guard type == CInt(SOCK_STREAM.rawValue) || type == CInt(SOCK_SEQPACKET.rawValue) else {
            throw Errno(rawValue: EPROTOTYPE)
        }
        let peer = try remoteAddress()
        let flags = try retrying { fcntl(number, F_GETFL) }
        _ = try retrying { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
        return peer
    }
}

/// The control message that lists descriptors, in memory that is aligned for it.
private struct ControlMemory {
    /// `SCM_RIGHTS`, which Glibc has as an enumeration.
    private static let rights: CInt = 1

    private var words: [Int]
    /// How many bytes are used: of the kernel's answer, after a call.
    private var length: Int

    /// Room for so many, and not for one more: what the kernel has room for it gives.
    init(descriptors count: Int) {
        length = count > 0 ? ControlMessage.headerSize + count * MemoryLayout<CInt>.size : 0
        words = Array(repeating: 0, count: (length + 7) / MemoryLayout<Int>.size)
    }

    mutating func put(_ descriptors: [RawDescriptor]) {
        var header = cmsghdr()
        header.cmsg_len = numericCast(length)
        header.cmsg_level = SOL_SOCKET
        header.cmsg_type = ControlMemory.rights
        words.withUnsafeMutableBytes { memory in
            if memory.isEmpty { return }
            memory.storeBytes(of: header, as: cmsghdr.self)
            for (place, descriptor) in descriptors.enumerated() {
                memory.storeBytes(
                    of: descriptor.number, toByteOffset: ControlMessage.headerSize + place * 4,
                    as: CInt.self)
            }
        }
    }

    /// Lends a message of these bytes and this control memory to a call.
    mutating func lend(
        with buffer: UnsafeRawBufferPointer, to call: (inout msghdr) throws(Errno) -> Int
    ) throws(Errno) -> Int {
        var piece = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
        var length = length
        defer { self.length = length }
        return try withUnsafeMutablePointer(to: &piece) { piece throws(Errno) in
            try words.withUnsafeMutableBufferPointer { words throws(Errno) in
                var message = msghdr()
                message.msg_iov = piece
                message.msg_iovlen = 1
                if length > 0 { message.msg_control = UnsafeMutableRawPointer(words.baseAddress) }
                message.msg_controllen = length
                defer { length = message.msg_controllen }
                return try call(&message)
            }
        }
    }

    /// The descriptors that the kernel has written, of all of its messages.
    func takeDescriptors() -> [RawDescriptor] {
        var found: [RawDescriptor] = []
        words.withUnsafeBytes { memory in
            let filled = UnsafeRawBufferPointer(rebasing: memory[..<length])
            ControlMessage.forEach(in: filled) { message in
                guard message.level == SOL_SOCKET, message.type == ControlMemory.rights else {
                    return
                }
                for offset in stride(from: 0, to: message.value.count, by: 4) {
                    message.load(at: offset, as: CInt.self).map {
                        found.append(RawDescriptor($0))
                    }
                }
            }
        }
        return found
    }
}
