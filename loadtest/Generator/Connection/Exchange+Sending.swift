import Drivers
import Statistics
import Syscalls

// Sending: which requests begin, and what of them the kernel takes.
//
//     closed loop   a place is free                   → a request is planned and sent now
//     open loop     a planned time has come           → the next in the rotation takes it
//                   the kernel takes its first byte   → it is open
extension Exchange {
    /// After so many sends in a row it is the next connection's turn.
    private static let sendsInARow = 8
    /// Planned requests that are dealt before the loop looks at what is ready.
    static var dealtAtOnce: Int { 64 }

    /// Hands the kernel the rest of a partly sent request, and as many new ones as may begin.
    mutating func send(on index: Int) { send(on: index, at: Instant.now.nanoseconds) }

    /// The same where the clock has just been read: to read it again takes some 25 ns.
    mutating func send(on index: Int, at now: Int64) {
        var time = now
        if isSentOtherwise { return sendOtherwise(on: index, at: time) }
        for _ in 0..<Exchange.sendsInARow {
            let due = bytesDue(on: index, at: time)
            guard due > 0 else { return watch(index, isSending: false) }
            guard let taken = handOver(due, on: index, at: time) else { return }
            if taken == due, due < PayloadTile.length { return watch(index, isSending: false) }
            time = Instant.now.nanoseconds
        }
        watch(index, isSending: true)
    }

    private mutating func sendOtherwise(on index: Int, at time: Int64) {
        if isDatagram { sendDatagrams(on: index, at: time) } else { sendPiece(on: index, at: time) }
    }

    /// Hands the kernel so many bytes at most, and says how many it took; nil when it takes none
    /// now, which is waited for, or never will.
    @inline(__always)
    mutating func handOver(_ count: Int, on index: Int, at time: Int64) -> Int? {
        let connection = table.connections + index
        let taken: Int
        do throws(Errno) {
            taken = try connection.pointee.descriptor.send(
                tile.piece(at: connection.pointee.sendPosition, count: count))
        } catch .wouldBlock {
            watch(index, isSending: true)
            return nil
        } catch {
            note(.write, error.name, on: index)
            retire(index, .reset)
            return nil
        }
        takeAsSent(taken, on: index, at: time)
        if taken < count { tally.totals.partialWrites += 1 }
        return taken
    }

    /// Bytes that one call may hand to the kernel: the rest of a request, and new ones.
    @inline(__always)
    mutating func bytesDue(on index: Int, at time: Int64) -> Int {
        let connection = table.connections + index
        var due = connection.pointee.unsent
        var count =
            isPlanned
            ? connection.pointee.waitingRequests : time < sendUntil ? freePlaces(of: index) : 0
        var number = connection.pointee.begun
        while count > 0, due < PayloadTile.length {
            due += sizes[number]
            number += 1
            count -= 1
        }
        return min(due, PayloadTile.length)
    }

    /// How many requests of a closed loop may begin on a connection now.
    @inline(__always)
    mutating func freePlaces(of index: Int) -> Int {
        guard maySend, index < activeCount else { return 0 }
        if requestsLeft == 0 { takeRequests() }
        let connection = table.connections + index
        return min(
            table.places - connection.pointee.openRequests, connection.pointee.quota, requestsLeft)
    }

    /// Gets more of the requests that the run is limited to; without any, none begins any more.
    mutating func takeRequests() {
        requestsLeft = state.takeRequests()
        maySend = requestsLeft > 0
    }

    /// Takes bytes as sent and opens the requests that began with them.
    @inline(__always)
    mutating func takeAsSent(_ count: Int, on index: Int, at time: Int64) {
        let connection = table.connections + index
        connection.pointee.sent += count
        connection.pointee.sendPosition = PayloadTile.position(
            connection.pointee.sendPosition,
            advancedBy: count
        )
        connection.pointee.unsent -= count
        while connection.pointee.unsent < 0 {
            let size = sizes[connection.pointee.begun]
            let planned = connection.pointee.begin(at: time, size: size)
            connection.pointee.unsent += size
            table.openRequests += 1
            if !isPlanned { requestsLeft -= 1 }
            tally.begin(
                planned: planned, at: time, size: size, isSlow: connection.pointee.isSlow)
        }
        if isOpenLoop { table.offer(index) }
    }

    /// Watches a connection for bytes to take, if it may read, and for room if it is sending.
    @inline(__always)
    mutating func watch(_ index: Int, isSending: Bool) {
        let reading = table.connections[index].reading
        let interest = isSending ? reading.union(.writable) : reading
        guard table.connections[index].interest != interest else { return }
        do throws(Errno) {
            try table.watch(index, for: interest)
        } catch {
            note(.socket, error.name, on: index)
            retire(index, .reset)
        }
    }

    // Requests in pieces.

    /// Hands the kernel the next piece of a request.
    ///
    /// The rest goes when the socket is found writable again, which is the next turn: so the server
    /// has had a chance to see the piece by itself, and no time is spent looking at the clock.
    mutating func sendPiece(on index: Int, at time: Int64) {
        let count = pieceDue(on: index, at: time)
        guard count > 0 else { return watch(index, isSending: false) }
        guard handOver(count, on: index, at: time) != nil else { return }
        watch(index, isSending: bytesDue(on: index, at: time) > 0)
    }

    /// Bytes of the next piece: a part of one request, never of two.
    private mutating func pieceDue(on index: Int, at time: Int64) -> Int {
        let due = bytesDue(on: index, at: time)
        guard due > 0 else { return 0 }
        let connection = table.connections + index
        let (unsent, size) = (connection.pointee.unsent, sizes[connection.pointee.begun])
        let left = min(unsent > 0 ? unsent : size, due)
        switch plan.split {
        case .none: return left
        case .bytes: return 1
        case .half: return unsent > 0 ? left : (left + 1) / 2
        case .random: return Int.random(in: 1...left, using: &random)
        }
    }

    // The open loop.

    /// Deals the planned requests whose time has come, and sends them. Returns how many.
    mutating func dispatch(at now: Int64) -> Int {
        var count = 0
        while count < Exchange.dealtAtOnce, let planned = due(at: now) {
            guard let index = table.takeFromRotation() else {
                isBlocked = true
                break
            }
            schedule?.advance()
            if planned >= tally.countsFrom {
                requestsLeft -= 1
                tally.pace(lateness: now - planned, becauseBusy: isBlocked)
            }
            dealt[count] = Int32(index)
            count += 1
            if isDatagram {
                sendDatagram(on: index, planned: planned)
                table.offer(index)
                continue
            }
            table.connections[index].plan(at: planned)
            if plan.connectsPerRequest {
                openForRequest(index, at: now)
            } else {
                table.offer(index)
            }
        }
        if table.refusals > refusalsNoted {
            note(.socket, Errno.outOfMemory.name, on: 0)
            refusalsNoted = table.refusals
        }
        if let next = schedule?.next, next > now { isBlocked = false }
        sendDealt(count)
        return count
    }

    /// Sends what so many connections were dealt.
    @inline(__always)
    private mutating func sendDealt(_ count: Int) {
        for place in 0..<count {
            let index = Int(dealt[place])
            // One that was dealt several took them all with the first call.
            guard table.connections[index].state == .up,
                table.connections[index].waitingRequests > 0
            else { continue }
            send(on: index)
        }
    }

    /// The planned time of the next request, if it has come and the request may be made.
    private mutating func due(at now: Int64) -> Int64? {
        guard maySend, let next = schedule?.next, next <= now, next < sendUntil else { return nil }
        if requestsLeft == 0 { takeRequests() }
        return maySend ? next : nil
    }

    /// When the next request is to be dealt; nil when none is planned, or only an answer can make
    /// room for it.
    var nextPlanned: Int64? {
        guard maySend, !isBlocked, let next = schedule?.next, next < sendUntil else { return nil }
        return next
    }

    /// Whether every planned request has been dealt.
    var hasDealtAll: Bool { !maySend || (schedule.map { $0.next >= sendUntil } ?? true) }

    /// Counts the requests that were planned until `now` and that no connection took.
    mutating func countNeverSent(at now: Int64) {
        guard maySend else { return }
        let end = min(sendUntil, now + 1)
        // Those of the warm-up do not count, and no slice of time is to have some of both.
        _ = schedule?.skip(before: min(end, tally.countsFrom))
        for (planned, count) in schedule?.skip(before: end) ?? [] {
            tally.neverSent(planned: planned, at: now, count: takeRequests(atMost: count))
        }
    }

    /// Takes so many of the requests that the run is limited to, or those that are left.
    private mutating func takeRequests(atMost count: Int) -> Int {
        var taken = 0
        while taken < count {
            if requestsLeft == 0 { takeRequests() }
            guard maySend else { break }
            let some = min(requestsLeft, count - taken)
            requestsLeft -= some
            taken += some
        }
        return taken
    }
}
