import Drivers
import Statistics
import Syscalls

// Datagrams: each request is one, and so is its answer. One may be lost, come twice, or behind one
// that was sent later, so an answer is told by what it carries, and not by its place.
//
//     datagram    [ connection | number | bytes of the tile … ]
//     ring        [ 32 | 33 | 2 | 3 | … | 31 ]    a connection's newest requests, by their number
//     overtaken   2, 3                            those that wait still when their place is needed
//     lost        1                               those that were given up: an answer is late now
//
// What is in none of them was answered, so that an answer is one of it again.
//
// In a closed loop a request is given up after the plan's timeout, and the next one takes its turn.
// In an open loop the next one has a time of its own: there an answer may come until the run ends.
extension Exchange {
    /// A request among those of all connections of a worker.
    struct DatagramID: Hashable {
        var index: Int
        var number: Int
    }

    // Sending.

    /// Closed loop: sends what may begin, a datagram each.
    mutating func sendDatagrams(on index: Int, at now: Int64) {
        var time = now
        while !isOpenLoop, time < sendUntil, freePlaces(of: index) > 0 {
            switch handOverDatagram(on: index) {
            case .taken: openDatagram(on: index, planned: time, at: time)
            case .full: return watch(index, isSending: true)
            case .failed: return
            }
            requestsLeft -= 1
            if freePlaces(of: index) > 0 { time = Instant.now.nanoseconds }
        }
        watch(index, isSending: false)
    }

    /// Open loop: sends the request that was planned for then. It does not wait for room: what the
    /// kernel does not take was never sent.
    mutating func sendDatagram(on index: Int, planned: Int64) {
        let time = Instant.now.nanoseconds
        switch handOverDatagram(on: index) {
        case .taken: return openDatagram(on: index, planned: planned, at: time)
        case .full: note(.write, Errno.wouldBlock.name, on: index)
        case .failed: break
        }
        tally.neverSent(planned: planned, at: time)
    }

    private enum HandedOver { case taken, full, failed }

    /// Hands the kernel the next request of a connection.
    private mutating func handOverDatagram(on index: Int) -> HandedOver {
        let size = fillDatagram(number: table.connections[index].begun, of: index)
        let bytes = UnsafeRawBufferPointer(rebasing: datagram[..<size])
        while true {
            do throws(Errno) {
                _ = try table.connections[index].descriptor.send(bytes)
                return .taken
            } catch .wouldBlock {
                return .full
            } catch .connectionRefused {
                // It is about an earlier datagram (udp(7)); this one was not looked at.
                guard outlastRefusal(.write, on: index) else { return .failed }
            } catch {
                note(.write, error.name, on: index)
                retire(index, .reset)
                return .failed
            }
        }
    }

    /// Writes a request into the buffer, and says how long it is.
    private func fillDatagram(number: Int, of index: Int) -> Int {
        let (connection, size) = (table.number(of: index), sizes[number])
        DatagramHeader(connection: connection, number: number).write(to: datagram)
        UnsafeMutableRawBufferPointer(rebasing: datagram[DatagramHeader.size...]).copyMemory(
            from: tile.piece(
                at: Exchange.position(of: number, connection: connection),
                count: size - DatagramHeader.size))
        return size
    }

    /// Where in the tile that stands which a request has behind its header.
    private static func position(of number: Int, connection: Int) -> Int {
        PayloadTile.position(
            PayloadTile.start(ofConnection: connection), advancedBy: number % PayloadTile.length)
    }

    /// Takes the next request of a connection as sent.
    private mutating func openDatagram(on index: Int, planned: Int64, at time: Int64) {
        let connection = table.connections + index
        let number = connection.pointee.begun
        let place = connection.pointee.place(ofNumber: number)
        if place.pointee.isOpen {
            let id = DatagramID(index: index, number: number - connection.pointee.capacity)
            overtaken[id] = place.pointee
        }
        place.pointee = Connection.Request(planned: planned, sent: time)
        connection.pointee.begun += 1
        connection.pointee.openRequests += 1
        table.openRequests += 1
        tally.begin(planned: planned, at: time, size: sizes[number], isSlow: false)
    }

    // Receiving.

    /// Takes one datagram from a connection, and sends what may begin then; says whether there may
    /// be more.
    @discardableResult
    mutating func receiveDatagram(on index: Int) -> Bool {
        let count: Int
        do throws(Errno) {
            count = try table.connections[index].descriptor.receive(into: buffer)
        } catch .wouldBlock {
            return false
        } catch .connectionRefused {
            return outlastRefusal(.read, on: index)
        } catch {
            note(.read, error.name, on: index)
            retire(index, .reset)
            return false
        }
        let time = Instant.now.nanoseconds
        takeDatagram(UnsafeRawBufferPointer(rebasing: buffer[..<count]), on: index, at: time)
        send(on: index, at: time)
        return true
    }

    /// Takes note that nothing receives at the target, and says whether the connection goes on.
    ///
    /// A server that has answered may be starting again; one that never has is not there.
    private mutating func outlastRefusal(_ phase: ErrorRow.Phase, on index: Int) -> Bool {
        note(phase, Errno.connectionRefused.name, on: index)
        if table.connections[index].received > 0 { return true }
        retire(index, .reset)
        return false
    }

    private mutating func takeDatagram(
        _ bytes: UnsafeRawBufferPointer, on index: Int, at time: Int64
    ) {
        let connection = table.number(of: index)
        guard let header = DatagramHeader(bytes), header.connection == connection,
            (connection..<table.connections[index].begun).contains(header.number)
        else { return noteForeign(bytes, on: index) }
        let isRight = isRight(bytes, header, on: index)
        guard let request = takeOpen(header.number, of: index) else {
            return countRepetition(of: header.number, on: index, at: time)
        }
        guard isRight else {
            return tally.fail(request, at: time, as: .corrupt, isSlow: false)
        }
        let isMeasured = tally.answer(
            request, at: time, size: bytes.count, isVerified: isVerifying, isSlow: false)
        let isBehind = header.number < table.connections[index].received
        if isMeasured {
            table.connections[index].answered += 1
            if isBehind { tally.totals.datagrams.reordered += 1 }
        }
        if !isBehind { table.connections[index].received = header.number + 1 }
    }

    /// Takes a request out that waits for its answer; nil when it does not any more.
    private mutating func takeOpen(_ number: Int, of index: Int) -> Connection.Request? {
        let connection = table.connections + index
        let request: Connection.Request
        if number >= connection.pointee.begun - connection.pointee.capacity {
            let place = connection.pointee.place(ofNumber: number)
            guard place.pointee.isOpen else { return nil }
            request = place.pointee
            place.pointee = .done
        } else {
            let id = DatagramID(index: index, number: number)
            guard let found = overtaken.removeValue(forKey: id) else { return nil }
            request = found
        }
        connection.pointee.openRequests -= 1
        table.openRequests -= 1
        return request
    }

    /// Counts an answer to a request that waits for none any more.
    private mutating func countRepetition(of number: Int, on index: Int, at time: Int64) {
        if let planned = lost.removeValue(forKey: DatagramID(index: index, number: number)) {
            if planned >= tally.countsFrom { tally.totals.datagrams.late += 1 }
        } else if time >= tally.countsFrom {
            tally.totals.datagrams.duplicated += 1
        }
    }

    // Requests without an answer.

    /// More than a socket holds.
    private static var datagramsAtEnd: Int { 10_000 }

    /// Gives up what was sent before `latest`, and lets the connections of a closed loop go on.
    mutating func giveUpDatagrams(sentBefore latest: Int64, at now: Int64) {
        for (id, request) in overtaken where request.sent < latest {
            overtaken[id] = nil
            giveUp(request, id, at: now, as: .lost)
        }
        for index in 0..<table.count where table.connections[index].state == .up {
            giveUpDatagrams(of: index, sentBefore: latest, at: now, as: .lost)
            send(on: index, at: now)
        }
    }

    /// Looks for the last answers on all connections; what has none by then is lost.
    mutating func endDatagrams() {
        for index in 0..<table.count where table.connections[index].state == .up {
            // A server that never stops sending is not listened to for ever.
            var left = Exchange.datagramsAtEnd
            while left > 0, receiveDatagram(on: index) { left -= 1 }
        }
        giveUpDatagrams(sentBefore: .max, at: Instant.now.nanoseconds)
    }

    /// Gives up the open requests of a connection that is closed.
    mutating func giveUpDatagrams(of index: Int, at now: Int64, as failure: Tally.Failure) {
        for (id, request) in overtaken where id.index == index {
            overtaken[id] = nil
            giveUp(request, id, at: now, as: failure)
        }
        giveUpDatagrams(of: index, sentBefore: .max, at: now, as: failure)
    }

    /// Gives up those that the ring has.
    private mutating func giveUpDatagrams(
        of index: Int, sentBefore latest: Int64, at now: Int64, as failure: Tally.Failure
    ) {
        let connection = table.connections + index
        guard connection.pointee.openRequests > 0 else { return }
        let begun = connection.pointee.begun
        for number in begun - connection.pointee.capacity..<begun {
            let place = connection.pointee.place(ofNumber: number)
            guard place.pointee.isOpen, place.pointee.sent < latest else { continue }
            let request = place.pointee
            place.pointee = .done
            giveUp(request, DatagramID(index: index, number: number), at: now, as: failure)
        }
    }

    private mutating func giveUp(
        _ request: Connection.Request, _ id: DatagramID, at now: Int64, as failure: Tally.Failure
    ) {
        table.connections[id.index].openRequests -= 1
        table.openRequests -= 1
        tally.fail(request, at: now, as: failure, isSlow: false)
        guard failure == .lost else { return }
        note(.read, "lost", on: id.index)
        lost[id] = request.planned
    }

    // Wrong bytes.

    /// Whether an answer is what was sent; where it is not, keeps the evidence.
    private mutating func isRight(
        _ bytes: UnsafeRawBufferPointer, _ header: DatagramHeader, on index: Int
    ) -> Bool {
        guard isVerifying else { return true }
        let position = Exchange.position(of: header.number, connection: header.connection)
        let wanted = sizes[header.number] - DatagramHeader.size
        let got = UnsafeRawBufferPointer(rebasing: bytes[DatagramHeader.size...])
        let matching = tile.countOfMatching(
            UnsafeRawBufferPointer(rebasing: got.prefix(wanted)), at: position)
        if matching == wanted, got.count == wanted { return true }
        let expected = tile.piece(at: position, count: wanted)
        noteWrong(
            on: index, at: DatagramHeader.size + matching,
            expected: Array(expected.dropFirst(matching).prefix(16)),
            got: Array(got.dropFirst(matching).prefix(16)),
            DatagramHeader.words(for: got, instead: expected, from: matching))
        return false
    }

    /// Something came that is the answer to no request of this connection.
    private mutating func noteForeign(_ bytes: UnsafeRawBufferPointer, on index: Int) {
        let words: String
        switch DatagramHeader(bytes) {
        case nil: words = "\(bytes.count) bytes, which is too short for an answer"
        case let header? where header.connection == table.number(of: index):
            words = "an answer to request \(header.number), which was not made"
        case let header? where (0..<plan.connections).contains(header.connection):
            words = "an answer for connection \(header.connection)"
        case _?: words = "no answer to any request of this run"
        }
        noteWrong(on: index, at: 0, expected: [], got: Array(bytes.prefix(16)), words)
    }

    private mutating func noteWrong(
        on index: Int, at offset: Int, expected: [UInt8], got: [UInt8], _ words: String
    ) {
        note(.verify, "mismatch", on: index)
        guard tally.totals.corruptions.count < Totals.corruptionsKept else { return }
        tally.totals.corruptions.append(
            Corruption(
                connection: table.number(of: index), offset: offset, expected: expected, got: got,
                diagnosis: words))
    }
}

extension Connection {
    /// So many of its newest requests have a place in its ring where requests are datagrams: a
    /// power of two, so that a number tells the place.
    static func datagramPlaces(pipeline: Int) -> Int {
        var count = 32
        while count < pipeline { count *= 2 }
        return count
    }

    /// The place of one of its newest requests in the ring.
    @inline(__always)
    func place(ofNumber number: Int) -> UnsafeMutablePointer<Request> {
        requests + (number & (capacity - 1))
    }
}

extension Connection.Request {
    /// What stands in the place of a datagram that waits for no answer.
    static let done = Connection.Request(planned: 0, sent: .min)

    /// Whether it waits for its answer.
    var isOpen: Bool { sent != .min }
}

/// The first bytes of a request that is a datagram: whose it is, and its number there. Numbers are
/// in the order of the network.
struct DatagramHeader {
    /// Four bytes and eight.
    static let size = 12

    var connection: Int
    var number: Int

    init(connection: Int, number: Int) {
        self.connection = connection
        self.number = number
    }

    /// Reads what a datagram begins with; nil when it is too short.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= DatagramHeader.size else { return nil }
        connection = Int(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
        number = Int(
            truncatingIfNeeded: UInt64(
                bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self)))
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: connection).bigEndian, as: UInt32.self)
        bytes.storeBytes(of: UInt64(number).bigEndian, toByteOffset: 4, as: UInt64.self)
    }

    /// What wrong bytes behind it look like; empty when nothing is recognised.
    static func words(
        for got: UnsafeRawBufferPointer, instead expected: UnsafeRawBufferPointer,
        from matching: Int
    ) -> String {
        let (count, wanted) = (size + got.count, size + expected.count)
        if count < wanted { return "\(count) of \(wanted) bytes came back" }
        if count > wanted { return "\(count) bytes came back for \(wanted)" }
        let wrong = (matching..<got.count).filter { got[$0] != expected[$0] }
        guard let only = wrong.first, wrong.count == 1,
            (got[only] ^ expected[only]).nonzeroBitCount == 1
        else { return "" }
        return "one bit is flipped"
    }
}
