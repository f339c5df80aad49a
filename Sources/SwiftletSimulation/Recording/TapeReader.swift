import Drivers
import Syscalls

/// Turns bytes that a `TapeWriter` has written back into steps.
///
/// The bytes may come from anywhere: whatever they are, the answer is a step or an error.
struct TapeReader {
    /// The bytes are not steps, from an offset on.
    struct Damage: Error, Equatable {
        let offset: Int
    }

    private let bytes: ArraySlice<UInt8>
    private(set) var offset: Int
    /// What the clock showed last, in nanoseconds.
    private var clock: Int64 = 0

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        offset = bytes.startIndex
    }

    var isAtEnd: Bool { offset == bytes.endIndex }

    /// Reads one step; the caller has looked that there is one.
    mutating func readStep() throws(Damage) -> RecordedStep {
        let byte = try readByte()
        guard let code = TapeWriter.Code(rawValue: byte & ~TapeWriter.failed) else { throw damage }
        let call = try readCall(code)
        if byte & TapeWriter.failed != 0 {
            return RecordedStep(call: call, answer: .failed(try readErrno()))
        }
        return RecordedStep(call: call, answer: try readAnswer(to: call))
    }

    private mutating func readCall(_ code: TapeWriter.Code) throws(Damage) -> RecordedCall {
        switch code {
        case .now: .now
        case .wait: .wait(until: try readDeadline())
        case .setInterest: .setInterest(try readInterest(), try readDescriptor())
        case .timer: .timer
        case .open: .open(try readAddress())
        case .bind: .bind(try readDescriptor(), try readAddress())
        case .listen: .listen(try readDescriptor(), backlog: Int(try readSigned()))
        case .accept: .accept(try readDescriptor())
        case .connect: .connect(try readDescriptor(), try readAddress())
        case .takeError: .takeError(try readDescriptor())
        case .receive: .receive(try readDescriptor(), atMost: try readCount())
        case .send:
            .send(try readDescriptor(), count: try readCount(), digest: try readNumber())
        case .shutdownWriting: .shutdownWriting(try readDescriptor())
        case .localAddress: .localAddress(try readDescriptor())
        case .remoteAddress: .remoteAddress(try readDescriptor())
        case .option: .option(try readOption(), try readDescriptor())
        case .setOption: .setOption(try readOption(), try readDescriptor(), Int(try readSigned()))
        case .resetOnClose: .resetOnClose(try readDescriptor())
        case .close: .close(try readDescriptor())
        }
    }

    private mutating func readAnswer(to call: RecordedCall) throws(Damage) -> RecordedAnswer {
        switch call {
        case .setInterest, .bind, .listen, .shutdownWriting, .setOption, .resetOnClose, .close:
            return .done
        case .now: return .instant(try readInstant())
        case .wait: return .ready(try readReady())
        case .timer: return .delay(nanoseconds: try readSigned())
        case .open: return .descriptor(try readDescriptor())
        case .accept: return try readAccepted()
        case .connect: return .up(try readFlag())
        case .takeError: return .kept(try readKept())
        case .receive(_, let limit): return .bytes(try readBytes(atMost: limit))
        case .send(_, let offered, _):
            let count = try readCount()
            guard count <= offered else { throw damage }
            return .count(count)
        case .localAddress, .remoteAddress: return .address(try readAddress())
        case .option: return .value(Int(try readSigned()))
        }
    }

    // MARK: What steps are made of

    private mutating func readDeadline() throws(Damage) -> Instant {
        switch try readByte() {
        case 0: .never
        case 1: .past
        case 2: Instant(nanoseconds: clock &+ (try readSigned()))
        default: throw damage
        }
    }

    private mutating func readInstant() throws(Damage) -> Instant {
        clock &+= try readSigned()
        return Instant(nanoseconds: clock)
    }

    private mutating func readReady() throws(Damage) -> [Readiness] {
        var ready: [Readiness] = []
        for _ in 0..<(try readCount()) {
            let interest = try readInterest()
            ready.append(Readiness(try readDescriptor(), interest))
        }
        return ready
    }

    private mutating func readAccepted() throws(Damage) -> RecordedAnswer {
        let descriptor = try readDescriptor()
        let text = try readText()
        if text.isEmpty { return .accepted(descriptor, nil) }
        return .accepted(descriptor, try address(text))
    }

    private mutating func readKept() throws(Damage) -> Errno? {
        let errno = try readErrno()
        return errno.rawValue == 0 ? nil : errno
    }

    private mutating func readInterest() throws(Damage) -> Interest {
        switch try readByte() {
        case 0: .none
        case 1: .readable
        case 2: .writable
        case 3: .both
        default: throw damage
        }
    }

    private mutating func readFlag() throws(Damage) -> Bool {
        switch try readByte() {
        case 0: false
        case 1: true
        default: throw damage
        }
    }

    private mutating func readDescriptor() throws(Damage) -> RawDescriptor {
        guard let number = CInt(exactly: try readSigned()) else { throw damage }
        return RawDescriptor(number)
    }

    private mutating func readErrno() throws(Damage) -> Errno {
        guard let number = CInt(exactly: try readSigned()) else { throw damage }
        return Errno(rawValue: number)
    }

    private mutating func readAddress() throws(Damage) -> SocketAddress {
        try address(try readText())
    }

    private func address(_ text: String) throws(Damage) -> SocketAddress {
        do throws(SocketAddress.ParseError) {
            return try SocketAddress(text)
        } catch {
            throw damage
        }
    }

    private mutating func readOption() throws(Damage) -> SocketOption {
        let text = try readText()
        guard let option = SocketOption.allCases.first(where: { "\($0)" == text }) else {
            throw damage
        }
        return option
    }

    private mutating func readText() throws(Damage) -> String {
        String(decoding: try readBytes(atMost: .max), as: UTF8.self)
    }

    // MARK: Numbers and bytes

    private mutating func readBytes(atMost limit: Int) throws(Damage) -> [UInt8] {
        let count = try readCount()
        guard count <= limit, count <= bytes.endIndex - offset else { throw damage }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    mutating func readCount() throws(Damage) -> Int {
        guard let count = Int(exactly: try readNumber()) else { throw damage }
        return count
    }

    private mutating func readSigned() throws(Damage) -> Int64 {
        let number = try readNumber()
        return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    mutating func readNumber() throws(Damage) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try readByte()
            let bits = UInt64(byte & 0x7F)
            // Of the tenth byte only one bit has room.
            guard (bits << shift) >> shift == bits else { throw damage }
            number |= bits << shift
            if byte < 0x80 { return number }
        }
        throw damage
    }

    private mutating func readByte() throws(Damage) -> UInt8 {
        guard offset < bytes.endIndex else { throw damage }
        defer { offset += 1 }
        return bytes[offset]
    }

    private var damage: Damage { Damage(offset: offset) }
}
