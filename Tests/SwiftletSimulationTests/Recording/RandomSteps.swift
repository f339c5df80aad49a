import Drivers
import Syscalls

@testable import SwiftletSimulation

// Recorded steps of every kind, drawn from a seed.
extension SeededRandom {
    /// A tape of some steps, cut or not, with calls by other threads or without.
    mutating func tape() throws -> Tape {
        var tape = Tape()
        for _ in 0..<number(below: 60) { tape.add(try step(), limit: .max) }
        tape.foreignCalls = number(below: 3)
        if number(below: 2) == 0 { tape.add(try step(), limit: 0) }
        return tape
    }

    mutating func step() throws -> RecordedStep {
        let (call, answer) = try number(below: 2) == 0 ? driverStep() : socketStep()
        let isFailed = number(below: 4) == 0
        return RecordedStep(call: call, answer: isFailed ? .failed(errno()) : .told(answer))
    }

    private mutating func driverStep() throws -> (RecordedCall, RecordedField) {
        switch number(below: 4) {
        case 0: (.init(.now), .instant(instant()))
        case 1: (.init(.wait, .deadline(deadline())), .ready(ready()))
        case 2: (.init(.setInterest, .interest(interest()), .descriptor(descriptor())), .done)
        default: (.init(.timer), .delay(word()))
        }
    }

    private mutating func socketStep() throws -> (RecordedCall, RecordedField) {
        let number = descriptor()
        let socket = RecordedField.descriptor(number)
        let bytes = bytes()
        switch self.number(below: 15) {
        case 0: return (.init(.open, .address(try address())), socket)
        case 1: return (.init(.bind, socket, .address(try address())), .done)
        case 2: return (.init(.listen, socket, .number(Int(word()))), .done)
        case 3: return (.init(.accept, socket), .accepted(descriptor(), try address()))
        case 4: return (.init(.accept, socket), .accepted(descriptor(), nil))
        case 5: return (.init(.connect, socket, .address(try address())), .isUp(flag()))
        case 6: return (.init(.takeError, socket), .error(flag() ? nil : errno()))
        case 7: return (.init(.receive, socket, .count(bytes.count + 1)), .bytes(bytes))
        case 8:
            let count = self.number(below: bytes.count + 1)
            return (bytes.withUnsafeBytes { .init(sending: $0, to: number) }, .count(count))
        case 9: return (.init(.localAddress, socket), .address(try address()))
        case 10: return (.init(.remoteAddress, socket), .address(try address()))
        case 11: return (.init(.option, .option(option()), socket), .number(Int(word())))
        case 12:
            return (.init(.setOption, .option(option()), socket, .number(Int(word()))), .done)
        case 13: return (.init(.resetOnClose, socket), .done)
        default: return (.init(flag() ? .close : .closeWrite, socket), .done)
        }
    }

    /// A step of the calls that came after the first version of the format.
    mutating func laterStep() throws -> RecordedStep {
        let (call, answer) =
            switch number(below: 3) {
            case 0: try unixStep()
            case 1: try messageStep()
            default: try datagramStep()
            }
        return RecordedStep(
            call: call, answer: number(below: 4) == 0 ? .failed(errno()) : .told(answer))
    }

    private mutating func unixStep() throws -> (RecordedCall, RecordedField) {
        let names = ["unix:", "unix:/run/app.sock", "unix:@app"]
        let address = RecordedField.address(try SocketAddress(names[number(below: 3)]))
        let numbers = RecordedField.numbers((0..<3).map { _ in Int(word()) })
        let options = SocketOption.allCases + [SocketOption(level: 1, number: 49)]
        switch number(below: 8) {
        case 5: return (.init(.lookUp, .host("example.org")), .addresses([.init(loopbackPort: 7)]))
        case 6: return (.init(.lookUp, .host("")), .addresses([]))
        case 7:
            let option = RecordedField.option(options[number(below: options.count)])
            return (.init(.option, option, .descriptor(descriptor())), .number(Int(word())))

        case 0: return (.init(.openPair), .descriptors([descriptor(), descriptor()]))
        case 1: return (.init(.peerCredentials, .descriptor(descriptor())), numbers)
        case 2: return (.init(.file, address), numbers)
        case 3: return (.init(.setFile, address, numbers), .done)
        default: return (.init(.removeFile, address), .done)
        }
    }

    private mutating func datagramStep() throws -> (RecordedCall, RecordedField) {
        let (number, bytes) = (descriptor(), bytes())
        let socket = RecordedField.descriptor(number)
        switch self.number(below: 4) {
        case 0:
            let kind = RecordedField.number(self.number(below: 512))
            return (.init(.openDatagram, .address(try address()), kind), socket)
        case 1:
            let received = ReceivedDatagram(
                count: bytes.count, isTruncated: flag(), sender: try address(),
                localAddress: flag() ? nil : try address(), interface: self.number(below: 9),
                segmentSize: self.number(below: 2_000))
            let count = RecordedField.count(bytes.count + 1)
            return (
                .init(.receiveDatagram, socket, count, .number(1)), .datagram(received, bytes)
            )
        case 2:
            let route = DatagramRoute(
                to: flag() ? nil : try address(), from: flag() ? nil : try address(),
                segmentSize: self.number(below: 2_000))
            let call = bytes.withUnsafeBytes {
                RecordedCall(.sendDatagram, sending: $0, to: number, .route(route))
            }
            return (call, .done)
        default:
            let group = RecordedField.address(try address())
            return (
                .init(.changeMembership, socket, group, .number(1), .number(0)), .done
            )
        }
    }

    private mutating func messageStep() throws -> (RecordedCall, RecordedField) {
        let (socket, bytes) = (RecordedField.descriptor(descriptor()), bytes())
        let address = RecordedField.address(try SocketAddress("unix:/run/app.sock"))
        let descriptors = (0..<number(below: 4)).map { _ in descriptor() }
        switch number(below: 7) {
        case 0: return (.init(.openSequenced, address), socket)
        case 1: return (.init(.openSequencedPair), .descriptors([descriptor(), descriptor()]))
        case 2:
            return (
                .init(
                    .sendPassing, socket, .count(bytes.count), .digest(next()),
                    .descriptors(descriptors)),
                .count(bytes.count)
            )
        case 3:
            let call = RecordedCall(
                .receiveMessage, socket, .count(bytes.count), .number(descriptors.count))
            let answer = RecordedField.message(
                bytes, descriptors, hasLostDescriptors: flag(), isCut: flag())
            return (call, answer)
        case 4: return (.init(.adopt, socket), address)
        case 5: return (.init(.disconnect, socket), .done)
        default: return (.init(.hasSocket, address), .isUp(flag()))
        }
    }

    private mutating func flag() -> Bool { number(below: 2) == 0 }

    /// A number of any size, as often small as large.
    private mutating func word() -> Int64 {
        Int64(bitPattern: next()) >> Int64(number(below: 64))
    }

    private mutating func instant() -> Instant { Instant(nanoseconds: word()) }

    private mutating func deadline() -> Instant {
        switch number(below: 3) {
        case 0: .never
        case 1: .past
        default: instant()
        }
    }

    private mutating func descriptor() -> RawDescriptor {
        RawDescriptor(CInt(number(below: number(below: 8) == 0 ? 1 << 20 : 64)))
    }

    private mutating func errno() -> Errno { Errno(rawValue: CInt(1 + number(below: 130))) }

    private mutating func interest() -> Interest {
        [Interest.none, .readable, .writable, .both][number(below: 4)]
    }

    private mutating func ready() -> [Readiness] {
        (0..<number(below: 5)).map { _ in Readiness(descriptor(), interest()) }
    }

    private mutating func bytes() -> [UInt8] {
        (0..<number(below: 300)).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    private mutating func option() -> SocketOption {
        // Those of the first version of the format.
        SocketOption.allCases[number(below: 10)]
    }

    private mutating func address() throws -> SocketAddress {
        let (port, part) = (number(below: 65_536), number(below: 256))
        return switch number(below: 3) {
        case 0: try SocketAddress("10.0.\(part).7:\(port)")
        case 1: try SocketAddress("[fd00::\(part)]:\(port)")
        default: try SocketAddress("[fe80::\(part)%\(part + 1)]:\(port)")
        }
    }
}
