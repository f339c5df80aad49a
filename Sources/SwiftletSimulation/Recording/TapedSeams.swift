import Drivers
import Swiftlet
import Syscalls

// The seams of a loop whose run is recorded or replayed.
//
//     recording   loop → taped sockets → the kernel's → noted on the tape
//     replay      loop → taped sockets → what is next on the tape

/// Where taped sockets have their answers from: a recording makes each call and notes what came of
/// it, a replay makes none.
protocol AnswerSource: AnyObject, Sendable {
    /// What a call is told, which is a field of one kind, or throws. Only a recording uses `make`.
    func answer<Value>(
        to call: RecordedCall, as field: (Value) -> RecordedField,
        _ make: () throws(Errno) -> Value
    ) throws(Errno) -> Value
}

// MARK: Sockets

/// The answer to a call that returns nothing.
private func done() -> RecordedField { .done }

/// Sockets whose answers are noted, or come from a recording; then nothing is opened or sent.
final class TapedSockets: Sockets {
    fileprivate let source: any AnswerSource
    /// What a recording calls.
    fileprivate let sockets = SystemSockets()

    init(_ source: any AnswerSource) { self.source = source }

    func open(
        for address: SocketAddress, as type: ConnectionType
    ) throws(Errno) -> RawDescriptor {
        let code = type == .stream ? RecordedCall.Code.open : .openSequenced
        return try source.answer(
            to: .init(code, .address(address)), as: RecordedField.descriptor
        ) { () throws(Errno) in
            try sockets.open(for: address, as: type)
        }
    }

    func bind(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) {
        let call = RecordedCall(.bind, .descriptor(socket), .address(address))
        try source.answer(to: call, as: done) { () throws(Errno) in
            try sockets.bind(socket, to: address)
        }
    }

    func listen(_ socket: RawDescriptor, backlog: Int) throws(Errno) {
        let call = RecordedCall(.listen, .descriptor(socket), .number(backlog))
        try source.answer(to: call, as: done) { () throws(Errno) in
            try sockets.listen(socket, backlog: backlog)
        }
    }

    func accept(_ socket: RawDescriptor) throws(Errno) -> (RawDescriptor, SocketAddress?) {
        try source.answer(to: .init(.accept, .descriptor(socket)), as: RecordedField.accepted) {
            () throws(Errno) in try sockets.accept(socket)
        }
    }

    func connect(_ socket: RawDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        let call = RecordedCall(.connect, .descriptor(socket), .address(address))
        return try source.answer(to: call, as: RecordedField.isUp) { () throws(Errno) in
            try sockets.connect(socket, to: address)
        }
    }

    func disconnect(_ socket: RawDescriptor) throws(Errno) {
        try source.answer(to: .init(.disconnect, .descriptor(socket)), as: done) {
            () throws(Errno) in try sockets.disconnect(socket)
        }
    }

    func takeError(_ socket: RawDescriptor) throws(Errno) -> Errno? {
        try source.answer(to: .init(.takeError, .descriptor(socket)), as: RecordedField.error) {
            () throws(Errno) in try sockets.takeError(socket)
        }
    }

    func receive(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        let call = RecordedCall(.receive, .descriptor(socket), .count(buffer.count))
        let bytes = try source.answer(to: call, as: RecordedField.bytes) { () throws(Errno) in
            Array(buffer[..<(try sockets.receive(socket, into: buffer))])
        }
        // After a real call they are there already.
        buffer.copyBytes(from: bytes)
        return bytes.count
    }

    func send(_ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try source.answer(to: .init(sending: buffer, to: socket), as: RecordedField.count) {
            () throws(Errno) in
            try sockets.send(socket, buffer)
        }
    }

    func send(
        _ socket: RawDescriptor, pieces: ArraySlice<UnsafeRawBufferPointer>
    ) throws(Errno) -> Int {
        let call = Array(pieces.joined()).withUnsafeBytes { RecordedCall(sending: $0, to: socket) }
        return try source.answer(to: call, as: RecordedField.count) { () throws(Errno) in
            try sockets.send(socket, pieces: pieces)
        }
    }

    func unacknowledged(_ socket: RawDescriptor) throws(Errno) -> Int {
        let call = RecordedCall(.unacknowledged, .descriptor(socket))
        return try source.answer(to: call, as: RecordedField.count) { () throws(Errno) in
            try sockets.unacknowledged(socket)
        }
    }

    func closeWrite(_ socket: RawDescriptor) throws(Errno) {
        try source.answer(to: .init(.closeWrite, .descriptor(socket)), as: done) {
            () throws(Errno) in try sockets.closeWrite(socket)
        }
    }

    func localAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try source.answer(to: .init(.localAddress, .descriptor(socket)), as: RecordedField.address)
        {
            () throws(Errno) in try sockets.localAddress(socket)
        }
    }

    func remoteAddress(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try source.answer(to: .init(.remoteAddress, .descriptor(socket)), as: RecordedField.address)
        {
            () throws(Errno) in try sockets.remoteAddress(socket)
        }
    }

    func option(_ option: SocketOption, of socket: RawDescriptor) throws(Errno) -> Int {
        let call = RecordedCall(.option, .option(option), .descriptor(socket))
        return try source.answer(to: call, as: RecordedField.number) { () throws(Errno) in
            try sockets.option(option, of: socket)
        }
    }

    func setOption(
        _ option: SocketOption, of socket: RawDescriptor, to value: Int
    ) throws(Errno) {
        let call = RecordedCall(
            .setOption, .option(option), .descriptor(socket), .number(value))
        try source.answer(to: call, as: done) { () throws(Errno) in
            try sockets.setOption(option, of: socket, to: value)
        }
    }

    func resetOnClose(_ socket: RawDescriptor) throws(Errno) {
        try source.answer(to: .init(.resetOnClose, .descriptor(socket)), as: done) {
            () throws(Errno) in try sockets.resetOnClose(socket)
        }
    }

    func close(_ socket: RawDescriptor) {
        // Only a replay that has failed throws here, and says so at its end.
        try? source.answer(to: .init(.close, .descriptor(socket)), as: done) {
            sockets.close(socket)
        }
    }

    func openPair(
        as type: ConnectionType
    ) throws(Errno) -> (RawDescriptor, RawDescriptor) {
        let code = type == .stream ? RecordedCall.Code.openPair : .openSequencedPair
        let pair = try source.answer(to: .init(code), as: RecordedField.descriptors) {
            () throws(Errno) in
            let (one, other) = try sockets.openPair(as: type)
            return [one, other]
        }
        guard pair.count == 2 else { throw .invalidArgument }
        return (pair[0], pair[1])
    }

    func send(
        _ socket: RawDescriptor, _ buffer: UnsafeRawBufferPointer,
        passing descriptors: [RawDescriptor]
    ) throws(Errno) -> Int {
        let call = RecordedCall(
            .sendPassing, sending: buffer, to: socket, .descriptors(descriptors))
        return try source.answer(to: call, as: RecordedField.count) { () throws(Errno) in
            try sockets.send(socket, buffer, passing: descriptors)
        }
    }

    func receiveMessage(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer,
        descriptors limit: Int
    ) throws(Errno) -> ReceivedMessage {
        let call = RecordedCall(
            .receiveMessage, .descriptor(socket), .count(buffer.count), .number(limit))
        let (bytes, descriptors, hasLost, isCut) = try source.answer(
            to: call, as: RecordedField.message
        ) { () throws(Errno) in
            let message = try sockets.receiveMessage(socket, into: buffer, descriptors: limit)
            return (
                Array(buffer[..<message.count]), message.descriptors, message.hasLostDescriptors,
                message.isCut
            )
        }
        // After a real call they are there already.
        buffer.copyBytes(from: bytes)
        return ReceivedMessage(
            count: bytes.count, descriptors: descriptors, hasLostDescriptors: hasLost,
            isCut: isCut)
    }

    func adopt(_ socket: RawDescriptor) throws(Errno) -> SocketAddress {
        try source.answer(to: .init(.adopt, .descriptor(socket)), as: RecordedField.address) {
            () throws(Errno) in try sockets.adopt(socket)
        }
    }

    func hasSocket(at address: SocketAddress) throws(Errno) -> Bool {
        try source.answer(to: .init(.hasSocket, .address(address)), as: RecordedField.isUp) {
            () throws(Errno) in try sockets.hasSocket(at: address)
        }
    }

    func peerCredentials(of socket: RawDescriptor) throws(Errno) -> PeerCredentials {
        let numbers = try source.answer(
            to: .init(.peerCredentials, .descriptor(socket)), as: RecordedField.numbers
        ) { () throws(Errno) in
            let peer = try sockets.peerCredentials(of: socket)
            return [peer.processID, peer.userID, peer.groupID]
        }
        guard numbers.count == 3 else { throw .invalidArgument }
        return PeerCredentials(
            processID: numbers[0], userID: numbers[1], groupID: numbers[2])
    }

    func file(at address: SocketAddress) throws(Errno) -> FileIdentity {
        let numbers = try source.answer(
            to: .init(.file, .address(address)), as: RecordedField.numbers
        ) { () throws(Errno) in
            let file = try sockets.file(at: address)
            return [file.device, file.inode, file.isSocket ? 1 : 0]
        }
        guard numbers.count == 3 else { throw .invalidArgument }
        return FileIdentity(device: numbers[0], inode: numbers[1], isSocket: numbers[2] == 1)
    }

    func setFile(at address: SocketAddress, _ access: SocketFileAccess) throws(Errno) {
        let wishes = [access.mode, access.userID, access.groupID].map { $0 ?? -1 }
        let call = RecordedCall(.setFile, .address(address), .numbers(wishes))
        try source.answer(to: call, as: done) { () throws(Errno) in
            try sockets.setFile(at: address, access)
        }
    }

    func removeFile(at address: SocketAddress) throws(Errno) {
        try source.answer(to: .init(.removeFile, .address(address)), as: done) {
            () throws(Errno) in try sockets.removeFile(at: address)
        }
    }
}

// MARK: Datagrams

extension TapedSockets {
    func openDatagram(
        for address: SocketAddress, _ kind: DatagramKind
    ) throws(Errno) -> RawDescriptor {
        let call = RecordedCall(.openDatagram, .address(address), .number(kind.code))
        return try source.answer(to: call, as: RecordedField.descriptor) { () throws(Errno) in
            try sockets.openDatagram(for: address, kind)
        }
    }

    func receiveDatagram(
        _ socket: RawDescriptor, into buffer: UnsafeMutableRawBufferPointer, readingControl: Bool
    ) throws(Errno) -> ReceivedDatagram {
        let call = RecordedCall(
            .receiveDatagram, .descriptor(socket), .count(buffer.count),
            .number(readingControl ? 1 : 0))
        let (received, bytes) = try source.answer(to: call, as: RecordedField.datagram) {
            () throws(Errno) in
            let received = try sockets.receiveDatagram(
                socket, into: buffer, readingControl: readingControl)
            return (received, Array(buffer[..<received.count]))
        }
        // After a real call they are there already.
        buffer.copyBytes(from: bytes)
        return received
    }

    func sendDatagram(
        _ socket: RawDescriptor, _ bytes: UnsafeRawBufferPointer, _ route: DatagramRoute
    ) throws(Errno) {
        let call = RecordedCall(.sendDatagram, sending: bytes, to: socket, .route(route))
        try source.answer(to: call, as: done) { () throws(Errno) in
            try sockets.sendDatagram(socket, bytes, route)
        }
    }

    func change(
        _ membership: Membership, of socket: RawDescriptor, in group: SocketAddress,
        on interface: Int
    ) throws(Errno) {
        let call = RecordedCall(
            .changeMembership, .descriptor(socket), .address(group), .number(interface),
            .number(Int(membership.rawValue)))
        try source.answer(to: call, as: done) { () throws(Errno) in
            try sockets.change(membership, of: socket, in: group, on: interface)
        }
    }
}

extension DatagramKind {
    /// What a tape has for it.
    fileprivate var code: Int {
        switch self {
        case .datagram: 0
        case .ping: 1
        case .raw(let number): 256 + Int(number)
        }
    }
}

// MARK: Names

/// A resolver whose answers are noted, or come from a recording.
///
/// It makes the call on the loop's thread, which waits: so no other thread has a part in the run.
struct TapedResolver: Resolver {
    let source: any AnswerSource

    /// The body of a run with such a resolver.
    static func answering<Value>(
        _ body: @escaping @Sendable () async throws -> Value, from source: any AnswerSource
    ) -> @Sendable () async throws -> Value {
        { try await Resolving.$resolver.withValue(TapedResolver(source: source), operation: body) }
    }

    /// A failure stands on the tape as the error of a call that is most like it.
    private static let errors: [(NameFailure, Errno)] = [
        (.unknown, .noEntry), (.noAnswer, .timedOut), (.refused, .connectionRefused),
        (.tooMany, .tooManyOpenFiles), (.exhausted, .outOfMemory),
    ]

    nonisolated(nonsending) func addresses(
        of host: String
    ) async throws(IOError) -> [SocketAddress] {
        do throws(Errno) {
            return try source.answer(
                to: RecordedCall(.lookUp, .host(host)), as: RecordedField.addresses
            ) { () throws(Errno) in
                do throws(NameFailure) {
                    return try SocketAddress.lookUp(host)
                } catch {
                    throw TapedResolver.errors.first { $0.0 == error }?.1 ?? .noEntry
                }
            }
        } catch {
            let failure = TapedResolver.errors.first { $0.1 == error }?.0
            throw IOError(.resolve, failure.map { .name($0) } ?? .system(error), name: host)
        }
    }
}

// MARK: Drivers

/// A driver that passes everything on to another one, and notes what it answers.
final class RecordingDriver: Driver {
    private let driver: any Driver
    private let recording: Recording

    init(_ driver: any Driver, into recording: Recording) {
        self.driver = driver
        self.recording = recording
    }

    var now: Instant {
        let now = driver.now
        recording.add(RecordedCall(.now), .told(.instant(now)))
        return now
    }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        let call = RecordedCall(.setInterest, .interest(interest), .descriptor(descriptor))
        try recording.answer(to: call, as: done) { () throws(Errno) in
            try driver.setInterest(interest, in: descriptor)
        }
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        ready += try recording.answer(
            to: .init(.wait, .deadline(deadline)), as: RecordedField.ready
        ) {
            () throws(Errno) in
            var found: [Readiness] = []
            try driver.wait(until: deadline, into: &found)
            return found
        }
    }

    // A replay has no use for it: it asks nothing.
    var heedsUse: Bool { driver.heedsUse }

    func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {
        driver.usedUp(directions, of: descriptor)
    }

    func wake() {
        recording.addWake()
        driver.wake()
    }
}

/// A driver that answers from a recording and never waits.
final class ReplayDriver: Driver {
    private let replay: Replay

    init(_ replay: Replay) { self.replay = replay }

    var now: Instant { replay.now }

    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {
        let call = RecordedCall(.setInterest, .interest(interest), .descriptor(descriptor))
        try replay.answer(to: call) as Void
    }

    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        ready += try replay.answer(to: .init(.wait, .deadline(deadline))) as [Readiness]
    }

    func wake() { replay.addWake() }
}

// MARK: Witnesses

// A loop whose run is recorded or replayed runs its jobs in the order in which they became
// runnable, as one does that nothing watches.

/// Watches a loop whose run is recorded.
final class RecordingWitness: LoopWitness {
    private let recording: Recording

    init(_ recording: Recording) { self.recording = recording }

    func choose(below bound: Int) -> Int { bound - 1 }

    func settle(_ delay: Int64) -> Int64 {
        recording.add(RecordedCall(.timer), .told(.delay(delay)))
        return delay
    }

    func saw(_ step: LoopStep) {}
}

/// Watches a loop whose run is replayed.
final class ReplayWitness: LoopWitness {
    private let replay: Replay

    init(_ replay: Replay) { self.replay = replay }

    func choose(below bound: Int) -> Int { bound - 1 }

    func settle(_ delay: Int64) -> Int64 {
        // A replay that has failed says so at its end; until then any delay will do.
        (try? replay.answer(to: RecordedCall(.timer))) ?? delay
    }

    func saw(_ step: LoopStep) {}
}
