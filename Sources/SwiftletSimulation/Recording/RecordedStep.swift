import Drivers
import Syscalls

/// One step of a recorded run: what the code asked of the machine, and what it was told.
struct RecordedStep: Equatable, Sendable {
    let call: RecordedCall
    let answer: RecordedAnswer
}

/// What code asks of the machine through the seams: a call of `Driver` or `Sockets`, or the delay
/// of a timer. It is what a replay compares.
enum RecordedCall: Equatable, Sendable {
    // Of the driver.
    case now
    case wait(until: Instant)
    case setInterest(Interest, RawDescriptor)
    /// How long a timer of the standard library has, by the standard library's own clock.
    case timer

    // Of the sockets.
    case open(SocketAddress)
    case bind(RawDescriptor, SocketAddress)
    case listen(RawDescriptor, backlog: Int)
    case accept(RawDescriptor)
    case connect(RawDescriptor, SocketAddress)
    case takeError(RawDescriptor)
    case receive(RawDescriptor, atMost: Int)
    case send(RawDescriptor, count: Int, digest: UInt64)
    case shutdownWriting(RawDescriptor)
    case localAddress(RawDescriptor)
    case remoteAddress(RawDescriptor)
    case option(SocketOption, RawDescriptor)
    case setOption(SocketOption, RawDescriptor, Int)
    case resetOnClose(RawDescriptor)
    case close(RawDescriptor)
}

/// What code is told. Which case it is depends on the call alone, unless the call has failed.
enum RecordedAnswer: Equatable, Sendable {
    case failed(Errno)
    /// The call was made, and there is nothing to say.
    case done
    case instant(Instant)
    case ready([Readiness])
    case delay(nanoseconds: Int64)
    case descriptor(RawDescriptor)
    case accepted(RawDescriptor, SocketAddress?)
    /// Whether a connection is up at once.
    case up(Bool)
    /// The error that a socket had kept, if any.
    case kept(Errno?)
    case bytes([UInt8])
    case count(Int)
    case address(SocketAddress)
    case value(Int)
}

extension RecordedCall {
    /// The call that offers these bytes to a socket.
    static func send(_ bytes: UnsafeRawBufferPointer, to socket: RawDescriptor) -> RecordedCall {
        var digest = TraceDigest()
        digest.add(bytes)
        return .send(socket, count: bytes.count, digest: digest.value)
    }
}
