import CLinux
import Glibc

// What can be asked of an io_uring, and what it answers: plain data, a request or a completion
// each.

extension IOUring {
    /// Something for the kernel to do, and the tag that its completions carry (io_uring_enter(2)).
    ///
    /// A request keeps its file open, and its memory must stay, until its last completion.
    package struct Request {
        let entry: io_uring_sqe

        private init(
            _ operation: io_uring_op, _ descriptor: RawDescriptor, tag: UInt64,
            _ fill: (inout io_uring_sqe) -> Void = { _ in }
        ) {
            var entry = io_uring_sqe()
            entry.opcode = UInt8(operation.rawValue)
            entry.fd = descriptor.number
            entry.user_data = tag
            fill(&entry)
            self.entry = entry
        }

        /// Completes with the events of poll(2) that there are: with `isLasting` whenever one
        /// happens, else once and at once for what there is already (`IORING_OP_POLL_ADD`).
        package static func poll(
            _ descriptor: RawDescriptor, events: UInt32, isLasting: Bool, tag: UInt64
        ) -> Request {
            Request(IORING_OP_POLL_ADD, descriptor, tag: tag) {
                // The kernel wants the halves the other way round where the high byte comes first.
                $0.poll32_events = UInt32(bigEndian: 1) == 1 ? events << 16 | events >> 16 : events
                $0.len = isLasting ? IORING_POLL_ADD_MULTI : 0
            }
        }

        /// Ends the request with a tag, whatever it is, which completes with `ECANCELED`; completes
        /// itself only when there is none (`IORING_OP_ASYNC_CANCEL`).
        package static func end(tagged target: UInt64, tag: UInt64) -> Request {
            Request(IORING_OP_ASYNC_CANCEL, RawDescriptor(-1), tag: tag) {
                $0.flags = UInt8(CLINUX_SQE_CQE_SKIP_SUCCESS)
                $0.addr = target
            }
        }

        /// Ends every request of the ring; completes itself only when there is none.
        package static func endAll(tag: UInt64) -> Request {
            Request(IORING_OP_ASYNC_CANCEL, RawDescriptor(-1), tag: tag) {
                $0.flags = UInt8(CLINUX_SQE_CQE_SKIP_SUCCESS)
                $0.cancel_flags = UInt32(CLINUX_ASYNC_CANCEL_ALL | CLINUX_ASYNC_CANCEL_ANY)
            }
        }

        /// Completes with the descriptor of each connection from the queue, closed on exec
        /// (`IORING_OP_ACCEPT`, multishot).
        package static func acceptEach(_ listener: RawDescriptor, tag: UInt64) -> Request {
            Request(IORING_OP_ACCEPT, listener, tag: tag) {
                $0.ioprio = UInt16(CLINUX_ACCEPT_MULTISHOT)
                $0.accept_flags = SOCK_CLOEXEC.rawValue
            }
        }

        /// Completes with a buffer from a group whenever bytes have arrived, and with 0 at the end
        /// of the stream; `ENOBUFS` when no buffer is left (`IORING_OP_RECV`, multishot).
        package static func receiveEach(
            _ socket: RawDescriptor, into group: UInt16, tag: UInt64
        ) -> Request {
            Request(IORING_OP_RECV, socket, tag: tag) {
                $0.ioprio = UInt16(CLINUX_RECV_MULTISHOT)
                $0.flags = UInt8(1 << IOSQE_BUFFER_SELECT_BIT)
                $0.buf_group = group
            }
        }

        /// Completes with how many bytes the kernel took at once, or `EAGAIN` (`IORING_OP_SEND`,
        /// `MSG_DONTWAIT`).
        package static func sendAtOnce(
            _ socket: RawDescriptor, _ bytes: UnsafeMutableRawBufferPointer, tag: UInt64
        ) -> Request {
            send(socket, bytes, flags: MSG_DONTWAIT, tag: tag)
        }

        /// Completes with how many bytes the kernel took: with fewer than all only when the
        /// connection has failed (`IORING_OP_SEND`, `MSG_WAITALL`).
        package static func sendAll(
            _ socket: RawDescriptor, _ bytes: UnsafeMutableRawBufferPointer, tag: UInt64
        ) -> Request {
            send(socket, bytes, flags: MSG_WAITALL, tag: tag)
        }

        private static func send(
            _ socket: RawDescriptor, _ bytes: UnsafeMutableRawBufferPointer, flags: Int, tag: UInt64
        ) -> Request {
            Request(IORING_OP_SEND, socket, tag: tag) {
                $0.addr = UInt64(UInt(bitPattern: bytes.baseAddress))
                $0.len = UInt32(bytes.count)
                $0.msg_flags = UInt32(MSG_NOSIGNAL | flags)
            }
        }
    }

    /// What became of a request.
    package struct Completion {
        /// The tag of the request.
        package let tag: UInt64
        /// What the call would have returned; an error as its negative number.
        package let result: CInt
        fileprivate let flags: UInt32

        init(tag: UInt64, result: CInt, flags: UInt32) {
            self.tag = tag
            self.result = result
            self.flags = flags
        }

        /// The error that the call would have thrown; nil when it has succeeded.
        package var error: Errno? { result < 0 ? Errno(rawValue: -result) : nil }

        /// Whether more completions of the same request will come.
        package var hasMore: Bool { flags & IORING_CQE_F_MORE != 0 }

        /// The number of the buffer that the kernel has filled, if it took one.
        package var buffer: Int? {
            flags & IORING_CQE_F_BUFFER == 0 ? nil : Int(flags >> UInt32(IORING_CQE_BUFFER_SHIFT))
        }
    }
}
