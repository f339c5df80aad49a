import CLinux
import Glibc

/// Memory for several datagrams, in the form in which the kernel fills and reads it (recvmmsg(2),
/// sendmmsg(2)).
///
///     headers   [ header | header | … ]     each points to the other parts of its slot
///     vectors   [ bytes of slot 0 | … ]
///     names     [ address | address | … ]
///     control   [ 128 bytes | … ]
///     bytes     [ slot 0 | slot 1 | … ]
///
/// A view: whoever made the memory frees it. Filled headers are sent as they are, so an echo is one
/// call each way and no copy.
package struct DatagramSlots {
    package let memory: UnsafeMutableRawPointer
    /// How many slots there are.
    package let capacity: Int
    /// Bytes that a slot has room for.
    package let slotSize: Int

    private typealias Name = sockaddr_storage
    private typealias Header = clinux_mmsghdr

    /// Views memory of `byteCount(capacity:slotSize:)` bytes, aligned to 64.
    package init(_ memory: UnsafeMutableRawPointer, capacity: Int, slotSize: Int) {
        self.memory = memory
        self.capacity = capacity
        self.slotSize = slotSize
    }

    /// Bytes of memory for so many slots of a size.
    package static func byteCount(capacity: Int, slotSize: Int) -> Int {
        capacity * (fixedSize + slotSize)
    }

    // Control first: it is the one part that has to be aligned to more than a word.
    private static let fixedSize =
        MemoryLayout<ControlSpace>.stride + MemoryLayout<Name>.stride
        + MemoryLayout<Header>.stride + MemoryLayout<iovec>.stride

    private var control: UnsafeMutablePointer<ControlSpace> {
        memory.assumingMemoryBound(to: ControlSpace.self)
    }
    private var names: UnsafeMutablePointer<Name> {
        UnsafeMutableRawPointer(control + capacity).assumingMemoryBound(to: Name.self)
    }
    private var headers: UnsafeMutablePointer<Header> {
        UnsafeMutableRawPointer(names + capacity).assumingMemoryBound(to: Header.self)
    }
    private var vectors: UnsafeMutablePointer<iovec> {
        UnsafeMutableRawPointer(headers + capacity).assumingMemoryBound(to: iovec.self)
    }

    /// The memory of a slot.
    package func space(of slot: Int) -> UnsafeMutableRawBufferPointer {
        let start = UnsafeMutableRawPointer(vectors + capacity) + slot * slotSize
        return UnsafeMutableRawBufferPointer(start: start, count: slotSize)
    }

    /// Makes all slots empty, for the first time.
    package func initialize() {
        control.initialize(repeating: ControlSpace(), count: capacity)
        names.initialize(repeating: Name(), count: capacity)
        vectors.initialize(repeating: iovec(), count: capacity)
        headers.initialize(repeating: Header(), count: capacity)
        for slot in 0..<capacity {
            vectors[slot].iov_base = space(of: slot).baseAddress
            headers[slot].header.msg_iov = vectors + slot
            headers[slot].header.msg_iovlen = 1
            headers[slot].header.msg_name = UnsafeMutableRawPointer(names + slot)
        }
    }

    // MARK: Received

    /// Makes room in every slot.
    private func prepareToReceive(readingControl: Bool) {
        for slot in 0..<capacity {
            vectors[slot].iov_len = slotSize
            headers[slot].header.msg_namelen = socklen_t(MemoryLayout<Name>.size)
            headers[slot].header.msg_control =
                readingControl ? UnsafeMutableRawPointer(control + slot) : nil
            headers[slot].header.msg_controllen =
                readingControl ? numericCast(MemoryLayout<ControlSpace>.size) : 0
        }
    }

    /// What was told of the datagram in a slot.
    package func received(in slot: Int) -> ReceivedDatagram {
        ReceivedDatagram(
            count: count(in: slot), of: headers[slot].header,
            sender: UnsafeRawBufferPointer(start: names + slot, count: MemoryLayout<Name>.size),
            control: UnsafeRawBufferPointer(
                start: control + slot, count: MemoryLayout<ControlSpace>.size))
    }

    /// How many bytes a slot holds.
    package func count(in slot: Int) -> Int { Int(vectors[slot].iov_len) }

    // MARK: To be sent

    /// Puts a datagram whose bytes are in a slot in the form in which it is sent and was received:
    /// with the address of its other end, and the local one if that is known.
    package func fill(
        _ slot: Int, count: Int, address: SocketAddress, local: SocketAddress? = nil,
        isTruncated: Bool = false
    ) throws(Errno) {
        vectors[slot].iov_len = count
        headers[slot].header.msg_flags = isTruncated ? CInt(MSG_TRUNC) : 0
        headers[slot].header.msg_namelen = address.withSockAddr { name, length in
            UnsafeMutableRawPointer(names + slot).copyMemory(from: name, byteCount: Int(length))
            return length
        }
        try putControl(local, into: slot)
    }

    private func putControl(_ local: SocketAddress?, into slot: Int) throws(Errno) {
        let space = UnsafeMutableRawBufferPointer(
            start: control + slot, count: MemoryLayout<ControlSpace>.size)
        let size = try DatagramRoute(from: local).putControl(into: space)
        headers[slot].header.msg_control = size > 0 ? space.baseAddress : nil
        headers[slot].header.msg_controllen = numericCast(size)
    }

    /// Lets answers leave from where the datagrams in some slots came to.
    private func turn(_ slots: Range<Int>) throws(Errno) {
        for slot in slots where headers[slot].header.msg_controllen > 0 {
            try putControl(received(in: slot).localAddress, into: slot)
        }
    }

    // MARK: Calls

    /// Receives what is there, at most as many datagrams as there are slots (recvmmsg(2)).
    fileprivate func receive(
        from socket: RawDescriptor, readingControl: Bool
    ) throws(Errno) -> Int {
        prepareToReceive(readingControl: readingControl)
        let count = try retrying {
            clinux_recvmmsg(
                socket.number, headers, UInt32(capacity), CInt(MSG_CMSG_CLOEXEC))
        }
        for slot in 0..<Int(count) { vectors[slot].iov_len = Int(headers[slot].length) }
        return Int(count)
    }

    /// Sends the datagrams in some slots, and says how many the kernel took (sendmmsg(2)).
    fileprivate func send(_ slots: Range<Int>, to socket: RawDescriptor) throws(Errno) -> Int {
        try turn(slots)
        return Int(
            try retrying {
                clinux_sendmmsg(
                    socket.number, headers + slots.lowerBound, UInt32(slots.count),
                    CInt(MSG_NOSIGNAL))
            })
    }
}

extension RawDescriptor {
    /// Receives what is there into slots, and says how many datagrams (recvmmsg(2)).
    package func receiveDatagrams(
        into slots: DatagramSlots, readingControl: Bool
    ) throws(Errno) -> Int {
        try slots.receive(from: self, readingControl: readingControl)
    }

    /// Sends the datagrams in some slots, and says how many (sendmmsg(2)).
    package func sendDatagrams(
        _ slots: DatagramSlots, _ range: Range<Int>
    ) throws(Errno) -> Int {
        try slots.send(range, to: self)
    }
}
