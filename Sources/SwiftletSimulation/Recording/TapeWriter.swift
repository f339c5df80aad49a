import Drivers
import Swiftlet
import Syscalls

/// Turns steps into bytes.
///
///     step     code (1 byte; the high bit says that the call failed), arguments, answer
///     number   LEB128, 7 bits a byte, the lowest first; signed ones zigzag
///     instant  the distance from the last one that the clock showed
///     text     its length and UTF-8: addresses and options, in the form that they print and parse
///
/// `TapeReader` is the other way round, in the same order.
struct TapeWriter: Equatable, Sendable {
    /// Which step it is; part of the format, so a number never changes its meaning.
    enum Code: UInt8 {
        case now = 1
        case wait, setInterest, timer, open, bind, listen, accept, connect, takeError, receive
        case send, shutdownWriting, localAddress, remoteAddress, option, setOption, resetOnClose
        case close
    }

    /// The bit of the code that says that the call failed.
    static let failed: UInt8 = 0x80

    private(set) var bytes: [UInt8] = []
    /// What the clock showed last, in nanoseconds.
    private var clock: Int64 = 0

    /// Adds a step, unless there are more than `limit` bytes then; says whether it did.
    mutating func write(_ step: RecordedStep, limit: Int) -> Bool {
        let (size, clock) = (bytes.count, clock)
        write(step)
        if bytes.count <= limit { return true }
        bytes.removeLast(bytes.count - size)
        self.clock = clock
        return false
    }

    private mutating func write(_ step: RecordedStep) {
        if case .failed(let errno) = step.answer {
            bytes.append(step.call.code.rawValue | TapeWriter.failed)
            writeArguments(of: step.call)
            write(signed: Int64(errno.rawValue))
        } else {
            bytes.append(step.call.code.rawValue)
            writeArguments(of: step.call)
            write(step.answer)
        }
    }

    private mutating func writeArguments(of call: RecordedCall) {
        switch call {
        case .now, .timer: break
        case .wait(let deadline): write(deadline: deadline)
        case .setInterest(let interest, let descriptor):
            bytes.append(interest.code)
            write(descriptor)
        case .open(let address): write("\(address)")
        case .bind(let socket, let address), .connect(let socket, let address):
            write(socket)
            write("\(address)")
        case .listen(let socket, let backlog):
            write(socket)
            write(signed: Int64(backlog))
        case .receive(let socket, let count):
            write(socket)
            write(UInt64(count))
        case .send(let socket, let count, let digest):
            write(socket)
            write(UInt64(count))
            write(digest)
        case .option(let option, let socket):
            write("\(option)")
            write(socket)
        case .setOption(let option, let socket, let value):
            write("\(option)")
            write(socket)
            write(signed: Int64(value))
        case .accept(let socket), .takeError(let socket), .shutdownWriting(let socket),
            .localAddress(let socket), .remoteAddress(let socket), .resetOnClose(let socket),
            .close(let socket):
            write(socket)
        }
    }

    private mutating func write(_ answer: RecordedAnswer) {
        switch answer {
        case .done, .failed: break
        case .instant(let instant):
            write(signed: instant.nanoseconds &- clock)
            clock = instant.nanoseconds
        case .ready(let ready):
            write(UInt64(ready.count))
            for readiness in ready {
                bytes.append(readiness.ready.code)
                write(readiness.descriptor)
            }
        case .delay(let nanoseconds): write(signed: nanoseconds)
        case .descriptor(let descriptor): write(descriptor)
        case .accepted(let descriptor, let peer):
            write(descriptor)
            write(peer.map { "\($0)" } ?? "")
        case .up(let isUp): bytes.append(isUp ? 1 : 0)
        case .kept(let errno): write(signed: Int64(errno?.rawValue ?? 0))
        case .bytes(let received):
            write(UInt64(received.count))
            bytes.append(contentsOf: received)
        case .count(let count): write(UInt64(count))
        case .address(let address): write("\(address)")
        case .value(let value): write(signed: Int64(value))
        }
    }

    // MARK: Numbers and texts

    mutating func write(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func write(signed number: Int64) {
        write(UInt64(bitPattern: number << 1 ^ number >> 63))
    }

    private mutating func write(deadline: Instant) {
        switch deadline {
        case .never: bytes.append(0)
        case .past: bytes.append(1)
        default:
            bytes.append(2)
            write(signed: deadline.nanoseconds &- clock)
        }
    }

    private mutating func write(_ descriptor: RawDescriptor) {
        write(signed: Int64(descriptor.number))
    }

    private mutating func write(_ text: String) {
        write(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
}

extension RecordedCall {
    fileprivate var code: TapeWriter.Code {
        switch self {
        case .now: .now
        case .wait: .wait
        case .setInterest: .setInterest
        case .timer: .timer
        case .open: .open
        case .bind: .bind
        case .listen: .listen
        case .accept: .accept
        case .connect: .connect
        case .takeError: .takeError
        case .receive: .receive
        case .send: .send
        case .shutdownWriting: .shutdownWriting
        case .localAddress: .localAddress
        case .remoteAddress: .remoteAddress
        case .option: .option
        case .setOption: .setOption
        case .resetOnClose: .resetOnClose
        case .close: .close
        }
    }
}

extension Interest {
    fileprivate var code: UInt8 { (contains(.readable) ? 1 : 0) | (contains(.writable) ? 2 : 0) }
}
