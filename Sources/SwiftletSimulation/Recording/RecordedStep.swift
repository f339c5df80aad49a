import Drivers
import Syscalls

// What a tape holds: steps, each of them a call with its arguments and what it was told.
//
//     receive  [ descriptor 7 | at most 16384 ]  →  [ 5 bytes ]
//
// Each call is described once, in `RecordedCall.forms`, and each kind of field is written, read and
// printed in one place each: `TapeWriter`, `TapeReader`, and the text below.

/// One step of a recorded run: what the code asked of the machine, and what it was told.
struct RecordedStep: Equatable, Sendable {
    let call: RecordedCall
    let answer: RecordedAnswer
}

/// What code asks of the machine through the seams: a call of `Driver` or `Sockets`, or the delay
/// of a timer. It is what a replay compares.
struct RecordedCall: Equatable, Sendable {
    /// Which call it is; part of the format, so a number never changes its meaning.
    enum Code: UInt8, CaseIterable, Sendable {
        case now = 1
        case wait, setInterest
        /// How long a timer of the standard library has, by the standard library's own clock.
        case timer
        case open, bind, listen, accept, connect, takeError, receive
        case send, closeWrite, localAddress, remoteAddress, option, setOption, resetOnClose
        case close
        case unacknowledged
        case openPair, peerCredentials, file, setFile, removeFile
        /// A name, by the system library.
        case lookUp
        case openDatagram, receiveDatagram, sendDatagram, changeMembership
        /// Sockets whose writes are messages.
        case openSequenced, openSequencedPair
        case sendPassing, receiveMessage, adopt, hasSocket
        case disconnect
    }

    let code: Code
    let fields: [RecordedField]

    init(_ code: Code, _ fields: RecordedField...) { self.init(code, fields) }

    init(_ code: Code, _ fields: [RecordedField]) {
        self.code = code
        self.fields = fields
    }

    /// The call that offers these bytes to a socket; of the bytes it has the digest.
    init(
        _ code: Code = .send, sending bytes: UnsafeRawBufferPointer, to socket: RawDescriptor,
        _ others: RecordedField...
    ) {
        var digest = TraceDigest()
        digest.add(bytes)
        self.init(
            code, [.descriptor(socket), .count(bytes.count), .digest(digest.value)] + others)
    }
}

/// What code is told. Which kind of field it is depends on the call alone.
enum RecordedAnswer: Equatable, Sendable {
    case failed(Errno)
    case told(RecordedField)
}

/// An argument of a call, or what it was told.
enum RecordedField: Equatable, Sendable {
    /// There is nothing to tell but that the call was made.
    case done
    /// What the clock shows.
    case instant(Instant)
    case deadline(Instant)
    /// In nanoseconds.
    case delay(Int64)
    case interest(Interest)
    case ready([Readiness])
    case descriptor(RawDescriptor)
    case address(SocketAddress)
    /// A connection, and its other end when that has an address.
    case accepted(RawDescriptor, SocketAddress?)
    /// Whether a connection is up at once.
    case isUp(Bool)
    /// The error that a socket has kept, if any.
    case error(Errno?)
    case option(SocketOption)
    case bytes([UInt8])
    case count(Int)
    case digest(UInt64)
    case number(Int)
    case numbers([Int])
    case descriptors([RawDescriptor])
    case host(String)
    case addresses([SocketAddress])
    case route(DatagramRoute)
    /// A datagram and its bytes.
    case datagram(ReceivedDatagram, [UInt8])
    /// What was received, and its descriptors: the bytes, and whether descriptors and whether bytes
    /// were lost.
    case message([UInt8], [RawDescriptor], hasLostDescriptors: Bool, isCut: Bool)

    /// What a field is, without its value.
    enum Kind: Sendable {
        case done, instant, deadline, delay, interest, ready, descriptor, address, accepted, isUp
        case error, option, bytes, count, digest, number, numbers, descriptors
        case host, addresses, route, datagram, message
    }

    /// The value alone.
    var value: Any {
        switch self {
        case .done: ()
        case .instant(let value), .deadline(let value): value
        case .delay(let value): value
        case .interest(let value): value
        case .ready(let value): value
        case .descriptor(let value): value
        case .address(let value): value
        case .accepted(let descriptor, let peer): (descriptor, peer)
        case .isUp(let value): value
        case .error(let value): value as Any
        case .option(let value): value
        case .bytes(let value): value
        case .count(let value), .number(let value): value
        case .digest(let value): value
        case .numbers(let value): value
        case .descriptors(let value): value
        case .host(let value): value
        case .addresses(let value): value
        case .route(let value): value
        case .datagram(let received, let bytes): (received, bytes)
        case .message(let bytes, let descriptors, let hasLost, let isCut):
            (bytes, descriptors, hasLost, isCut)
        }
    }

    /// How many bytes are meant, if any are.
    var byteCount: Int? {
        switch self {
        case .bytes(let bytes), .datagram(_, let bytes), .message(let bytes, _, _, _): bytes.count
        case .count(let count): count
        default: nil
        }
    }

    /// The descriptors that are named.
    var descriptors: [RawDescriptor] {
        switch self {
        case .descriptor(let descriptor), .accepted(let descriptor, _): [descriptor]
        case .ready(let ready): ready.map(\.descriptor)
        case .descriptors(let descriptors), .message(_, let descriptors, _, _): descriptors
        default: []
        }
    }
}

// MARK: The table of calls

extension RecordedCall {
    /// How a call stands on a tape, and in a report, in which "#1" is its first field.
    struct Form: Sendable {
        let code: Code
        let words: String
        let fields: [RecordedField.Kind]
        let answer: RecordedField.Kind

        init(
            _ code: Code, _ words: String, _ fields: [RecordedField.Kind],
            _ answer: RecordedField.Kind
        ) {
            self.code = code
            self.words = words
            self.fields = fields
            self.answer = answer
        }
    }

    /// Every call, in the order of the codes.
    static let forms = [
        Form(.now, "read the clock", [], .instant),
        Form(.wait, "wait #1", [.deadline], .ready),
        Form(.setInterest, "watch #2 for #1", [.interest, .descriptor], .done),
        Form(.timer, "set a timer", [], .delay),
        Form(.open, "open a socket for #1", [.address], .descriptor),
        Form(.bind, "bind #1 to #2", [.descriptor, .address], .done),
        Form(.listen, "listen on #1, backlog #2", [.descriptor, .number], .done),
        Form(.accept, "accept from #1", [.descriptor], .accepted),
        Form(.connect, "connect #1 to #2", [.descriptor, .address], .isUp),
        Form(.takeError, "take the pending error of #1", [.descriptor], .error),
        Form(.receive, "receive from #1, at most #2", [.descriptor, .count], .bytes),
        Form(.send, "send #2 with the digest #3 to #1", [.descriptor, .count, .digest], .count),
        Form(.closeWrite, "end the writing half of #1", [.descriptor], .done),
        Form(.localAddress, "ask for the address of #1", [.descriptor], .address),
        Form(.remoteAddress, "ask for the peer of #1", [.descriptor], .address),
        Form(.option, "read the option #1 of #2", [.option, .descriptor], .number),
        Form(.setOption, "set the option #1 of #2 to #3", [.option, .descriptor, .number], .done),
        Form(.resetOnClose, "make closing reset #1", [.descriptor], .done),
        Form(.close, "close #1", [.descriptor], .done),
        Form(.unacknowledged, "ask what #1 has to send", [.descriptor], .count),
        Form(.openPair, "open a pair of sockets", [], .descriptors),
        Form(.peerCredentials, "ask for the process at #1", [.descriptor], .numbers),
        Form(.file, "look at the file of #1", [.address], .numbers),
        Form(.setFile, "give the file of #1 mode, user and group #2", [.address, .numbers], .done),
        Form(.removeFile, "remove the file of #1", [.address], .done),
        Form(.lookUp, "look up the name #1", [.host], .addresses),
        Form(.openDatagram, "open #2 for datagrams to #1", [.address, .number], .descriptor),
        Form(
            .receiveDatagram, "receive a datagram from #1, at most #2, control #3",
            [.descriptor, .count, .number], .datagram),
        Form(
            .sendDatagram, "send a datagram of #2 with the digest #3 from #1, #4",
            [.descriptor, .count, .digest, .route], .done),
        Form(
            .changeMembership, "change the membership of #1 in #2 on #3: #4",
            [.descriptor, .address, .number, .number], .done),
        Form(.openSequenced, "open a socket of messages for #1", [.address], .descriptor),
        Form(.openSequencedPair, "open a pair of sockets of messages", [], .descriptors),
        Form(
            .sendPassing, "send #2 with the digest #3 and #4 to #1",
            [.descriptor, .count, .digest, .descriptors], .count),
        Form(
            .receiveMessage, "receive from #1, at most #2 and #3 descriptors",
            [.descriptor, .count, .number], .message),
        Form(.adopt, "take over #1", [.descriptor], .address),
        Form(.hasSocket, "ask whether a socket is bound to #1", [.address], .isUp),
        Form(.disconnect, "withdraw the attempt of #1", [.descriptor], .done),
    ]
}

extension RecordedCall.Code {
    var form: RecordedCall.Form { RecordedCall.forms[Int(rawValue) - 1] }
}

// MARK: Text, for the report of a replay that took another way

extension RecordedStep: CustomStringConvertible {
    /// The call, a colon, and what it was told: "receive from descriptor 7, at most 16384 bytes: 5
    /// bytes".
    var description: String {
        switch answer {
        case .failed(let errno): "\(call): \(errno.name) (\(errno))"
        case .told(let field): "\(call): \(field)"
        }
    }
}

extension RecordedCall: CustomStringConvertible {
    /// The call with everything that a replay compares.
    var description: String {
        var text = code.form.words
        for (place, field) in fields.enumerated() {
            guard let mark = text.firstRange(of: "#\(place + 1)") else { continue }
            text.replaceSubrange(mark, with: "\(field)")
        }
        return text
    }
}

extension RecordedField: CustomStringConvertible {
    /// The value in words.
    var description: String {
        switch self {
        case .done: "done"
        case .instant(let instant): "\(instant.nanoseconds) ns"
        case .deadline(.never): "without a deadline"
        case .deadline(.past): "not at all"
        case .deadline(let deadline): "until \(deadline.nanoseconds) ns"
        case .delay(let nanoseconds): "it has \(nanoseconds) ns"
        case .interest(let interest): text(of: interest)
        case .ready([]): "nothing is ready"
        case .ready(let ready):
            ready.map { "\($0.descriptor) is ready for \(text(of: $0.ready))" }
                .joined(separator: ", ")
        case .descriptor(let descriptor): "\(descriptor)"
        case .address(let address): "\(address)"
        case .accepted(let descriptor, let peer):
            "\(descriptor) from \(peer.map { "\($0)" } ?? "no known address")"
        case .isUp(let isUp): isUp ? "it is up" : "the attempt goes on"
        case .error(let errno): errno.map { "\($0.name) (\($0))" } ?? "none"
        case .option(let option): "\(option)"
        case .bytes(let bytes): "\(bytes.count) bytes"
        case .count(let count): "\(count) bytes"
        case .digest(let digest): String(digest, radix: 16)
        case .number(let number): "\(number)"
        case .route(let route):
            "to \(route.target.map { "\($0)" } ?? "the peer")"
                + (route.source.map { ", from \($0)" } ?? "")
                + (route.segmentSize > 0 ? ", in datagrams of \(route.segmentSize) bytes" : "")
        case .datagram(let received, _):
            "\(received.count) bytes\(received.isTruncated ? " and more" : "") from "
                + "\(received.sender)"
        case .numbers(let numbers): numbers.map(String.init).joined(separator: ", ")
        case .descriptors(let descriptors):
            descriptors.map(\.description).joined(separator: ", ")
        case .host(let text): "'\(text)'"
        case .addresses(let addresses): addresses.map(\.description).joined(separator: ", ")
        case .message(let bytes, let descriptors, let hasLost, let isCut):
            "\(RecordedField.bytes(bytes))\(text(of: descriptors, hasLost, isCut))"
        }
    }
}

/// What came along with the bytes of a message, and what of it was lost.
private func text(
    of descriptors: [RawDescriptor], _ hasLostDescriptors: Bool, _ isCut: Bool
) -> String {
    let losses = [hasLostDescriptors ? "descriptors were lost" : nil, isCut ? "it was cut" : nil]
    return (descriptors.map(\.description) + losses.compactMap { $0 })
        .map { ", \($0)" }.joined()
}

private func text(of interest: Interest) -> String {
    switch (interest.contains(.readable), interest.contains(.writable)) {
    case (true, true): "reading and writing"
    case (true, false): "reading"
    case (false, true): "writing"
    case (false, false): "nothing"
    }
}
