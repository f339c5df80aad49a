import Drivers
import Syscalls

// Steps as bytes and back.
//
//     step     code (1 byte; the high bit says that the call failed), fields, those of the answer
//     number   LEB128, 7 bits a byte, the lowest first; signed ones zigzag
//     instant  the distance from the last one that the clock showed
//     text     its length and UTF-8: addresses and options, in the form that they print and parse
//
// Which fields a step has is in `RecordedCall.forms`.

/// The bit of the code that says that the call failed.
private let failedBit: UInt8 = 0x80

/// Turns steps into bytes.
struct TapeWriter: Equatable, Sendable {
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
        let code = step.call.code.rawValue
        switch step.answer {
        case .failed(let errno):
            bytes.append(code | failedBit)
            write(step.call.fields + [.error(errno)])
        case .told(let answer):
            bytes.append(code)
            write(step.call.fields + [answer])
        }
    }

    private mutating func write(_ field: RecordedField) {
        switch field {
        case .done: break
        case .instant(let instant):
            write(signed: instant.nanoseconds &- clock)
            clock = instant.nanoseconds
        case .deadline(.never): bytes.append(0)
        case .deadline(.past): bytes.append(1)
        case .deadline(let deadline):
            bytes.append(2)
            write(signed: deadline.nanoseconds &- clock)
        case .delay(let nanoseconds): write(signed: nanoseconds)
        case .interest(let interest): bytes.append(interest.code)
        case .ready(let ready): write(ready)
        case .descriptor(let descriptor): write(signed: Int64(descriptor.number))
        case .address(let address): write(text: "\(address)")
        case .accepted(let descriptor, let peer):
            write(.descriptor(descriptor))
            write(text: peer.map { "\($0)" } ?? "")
        case .isUp(let isUp): bytes.append(isUp ? 1 : 0)
        case .error(let errno): write(signed: Int64(errno?.rawValue ?? 0))
        case .option(let option): write(text: "\(option)")
        case .bytes(let received): write(counted: received)
        case .count(let count): write(UInt64(count))
        case .digest(let digest): write(digest)
        case .number(let number): write(signed: Int64(number))
        case .numbers(let numbers): write(signed: numbers.map { Int64($0) })
        case .descriptors(let descriptors): write(signed: descriptors.map { Int64($0.number) })
        case .host(let host): write(text: host)
        case .addresses(let addresses):
            write(UInt64(addresses.count))
            write(addresses.map(RecordedField.address))
        case .route(let route): write(route)
        case .datagram(let received, let bytes): write(received, bytes)
        case .message(let received, let descriptors, let hasLost, let isCut):
            write([.bytes(received), .descriptors(descriptors), .isUp(hasLost), .isUp(isCut)])
        }
    }

    private mutating func write(_ ready: [Readiness]) {
        write(UInt64(ready.count))
        for readiness in ready {
            write([.interest(readiness.ready), .descriptor(readiness.descriptor)])
        }
    }

    private mutating func write(_ route: DatagramRoute) {
        write(text: route.target.map { "\($0)" } ?? "")
        write(text: route.source.map { "\($0)" } ?? "")
        write(UInt64(route.segmentSize))
    }

    private mutating func write(_ received: ReceivedDatagram, _ bytes: [UInt8]) {
        write(counted: bytes)
        write(.address(received.sender))
        write(text: received.localAddress.map { "\($0)" } ?? "")
        let numbers = [received.isTruncated ? 1 : 0, received.interface, received.segmentSize]
        write(signed: numbers.map { Int64($0) })
    }

    private mutating func write(_ fields: [RecordedField]) {
        for field in fields { write(field) }
    }

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

    private mutating func write(signed numbers: [Int64]) {
        write(UInt64(numbers.count))
        for number in numbers { write(signed: number) }
    }

    private mutating func write(text: String) { write(counted: text.utf8) }

    private mutating func write(counted contents: some Collection<UInt8>) {
        write(UInt64(contents.count))
        bytes.append(contentsOf: contents)
    }
}

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
        guard let code = RecordedCall.Code(rawValue: byte & ~failedBit) else { throw damage }
        var fields: [RecordedField] = []
        for kind in code.form.fields { fields.append(try readField(kind)) }
        let call = RecordedCall(code, fields)
        if byte & failedBit != 0 {
            return RecordedStep(call: call, answer: .failed(try readErrno()))
        }
        let answer = try readField(code.form.answer)
        // No call moves more bytes than it was asked to.
        if let asked = fields.lazy.compactMap(\.byteCount).first, let told = answer.byteCount,
            told > asked
        {
            throw damage
        }
        return RecordedStep(call: call, answer: .told(answer))
    }

    private mutating func readField(_ kind: RecordedField.Kind) throws(Damage) -> RecordedField {
        switch kind {
        case .done: return .done
        case .instant:
            clock &+= try readSigned()
            return .instant(Instant(nanoseconds: clock))
        case .deadline: return .deadline(try readDeadline())
        case .delay: return .delay(try readSigned())
        case .interest: return .interest(try readInterest())
        case .ready: return .ready(try readReady())
        case .descriptor: return .descriptor(try readDescriptor())
        case .address: return .address(try address(try readText()))
        case .accepted:
            let (descriptor, text) = (try readDescriptor(), try readText())
            return .accepted(descriptor, text.isEmpty ? nil : try address(text))
        case .isUp: return .isUp(try readByte(below: 2) == 1)
        case .error:
            let errno = try readErrno()
            return .error(errno.rawValue == 0 ? nil : errno)
        case .option: return .option(try readOption())
        case .bytes: return .bytes(try readBytes())
        case .count: return .count(try readCount())
        case .digest: return .digest(try readNumber())
        case .number: return .number(Int(try readSigned()))
        case .numbers:
            return .numbers(try readList { reader throws(Damage) in Int(try reader.readSigned()) })
        case .descriptors:
            return .descriptors(
                try readList { reader throws(Damage) in try reader.readDescriptor() })
        case .host: return .host(try readText())
        case .route: return .route(try readRoute())
        case .datagram: return try readDatagram()
        case .addresses:
            return .addresses(
                try readList { reader throws(Damage) in
                    try reader.address(try reader.readText())
                })
        case .message: return try readMessage()
        }
    }

    private mutating func readRoute() throws(Damage) -> DatagramRoute {
        let target = try readOptionalAddress()
        let source = try readOptionalAddress()
        return DatagramRoute(to: target, from: source, segmentSize: try readCount())
    }

    private mutating func readDatagram() throws(Damage) -> RecordedField {
        let bytes = try readBytes()
        let sender = try address(try readText())
        let local = try readOptionalAddress()
        let numbers = try readList { reader throws(Damage) in Int(try reader.readSigned()) }
        guard numbers.count == 3 else { throw damage }
        let received = ReceivedDatagram(
            count: bytes.count, isTruncated: numbers[0] == 1, sender: sender,
            localAddress: local, interface: numbers[1], segmentSize: numbers[2])
        return .datagram(received, bytes)
    }

    /// An address, or nil as an empty text.
    private mutating func readOptionalAddress() throws(Damage) -> SocketAddress? {
        let text = try readText()
        return text.isEmpty ? nil : try address(text)
    }

    private mutating func readMessage() throws(Damage) -> RecordedField {
        let received = try readBytes()
        let descriptors = try readList { reader throws(Damage) in try reader.readDescriptor() }
        let (hasLost, isCut) = (try readByte(below: 2) == 1, try readByte(below: 2) == 1)
        return .message(received, descriptors, hasLostDescriptors: hasLost, isCut: isCut)
    }

    private mutating func readDeadline() throws(Damage) -> Instant {
        switch try readByte(below: 3) {
        case 0: .never
        case 1: .past
        default: Instant(nanoseconds: clock &+ (try readSigned()))
        }
    }

    private mutating func readReady() throws(Damage) -> [Readiness] {
        var ready: [Readiness] = []
        for _ in 0..<(try readCount()) {
            let interest = try readInterest()
            ready.append(Readiness(try readDescriptor(), interest))
        }
        return ready
    }

    private mutating func readList<Element>(
        of read: (inout TapeReader) throws(Damage) -> Element
    ) throws(Damage) -> [Element] {
        var list: [Element] = []
        for _ in 0..<(try readCount()) { list.append(try read(&self)) }
        return list
    }

    private mutating func readInterest() throws(Damage) -> Interest {
        [.none, .readable, .writable, .both][Int(try readByte(below: 4))]
    }

    private mutating func readDescriptor() throws(Damage) -> RawDescriptor {
        guard let number = CInt(exactly: try readSigned()) else { throw damage }
        return RawDescriptor(number)
    }

    private mutating func readErrno() throws(Damage) -> Errno {
        guard let number = CInt(exactly: try readSigned()) else { throw damage }
        return Errno(rawValue: number)
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
        guard let option = SocketOption(text) else { throw damage }
        return option
    }

    private mutating func readText() throws(Damage) -> String {
        String(decoding: try readBytes(), as: UTF8.self)
    }

    private mutating func readBytes() throws(Damage) -> [UInt8] {
        let count = try readCount()
        guard count <= bytes.endIndex - offset else { throw damage }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    private mutating func readCount() throws(Damage) -> Int {
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

    private mutating func readByte(below limit: UInt8) throws(Damage) -> UInt8 {
        let byte = try readByte()
        guard byte < limit else { throw damage }
        return byte
    }

    private mutating func readByte() throws(Damage) -> UInt8 {
        guard offset < bytes.endIndex else { throw damage }
        defer { offset += 1 }
        return bytes[offset]
    }

    private var damage: Damage { Damage(offset: offset) }
}

extension Interest {
    fileprivate var code: UInt8 { (contains(.readable) ? 1 : 0) | (contains(.writable) ? 2 : 0) }
}
