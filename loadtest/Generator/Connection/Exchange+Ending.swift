import Drivers
import Statistics
import Syscalls

// The end of connections and of their requests: nothing that was begun is forgotten.
extension Exchange {
    /// The server will send no more.
    mutating func endOfStream(on index: Int) {
        let isBroken = table.connections[index].openRequests > 0
        if isBroken || !isEnding { note(.read, "eof", on: index) }
        retire(index, .closedEarly)
    }

    /// A byte was wrong, or there was one too many: keeps the evidence and gives the connection up.
    mutating func corruption(on index: Int, matching: Int, received: Int, at time: Int64) {
        let connection = table.connections[index]
        let due = connection.sent - connection.received
        let isSurplus = matching == due
        let name = !isSurplus ? "mismatch" : connection.unsent > 0 ? "early" : "surplus"
        note(.verify, name, on: index)
        if isSurplus { tally.totals.bytes.surplus += received - matching }
        keepEvidence(on: index, matching: matching, received: received)
        // With a byte too many, the request that it follows is not right either.
        complete(isSurplus ? max(0, matching - 1) : matching, on: index, at: time)
        retire(index, .corrupt)
    }

    /// Keeps what came instead of what, and what it looks like, for the first few.
    private mutating func keepEvidence(on index: Int, matching: Int, received: Int) {
        guard tally.totals.corruptions.count < Totals.corruptionsKept else { return }
        let stream = stream(of: index)
        let expected = tile.piece(
            at: PayloadTile.position(stream.position, advancedBy: matching),
            count: min(16, stream.due - matching)
        )
        let diagnosis = Diagnosis(
            stream: stream,
            size: sizes[table.connections[index].oldestNumber],
            others: (0..<table.count).map { self.stream(of: $0) }
        )
        tally.totals.corruptions.append(
            Corruption(
                connection: stream.connection,
                offset: stream.received + matching,
                expected: Array(expected),
                got: Array(buffer[matching..<min(received, matching + 16)]),
                diagnosis: diagnosis.words(
                    for: UnsafeRawBufferPointer(rebasing: buffer[..<received]),
                    matching: matching,
                    in: tile
                )
            )
        )
    }

    private func stream(of index: Int) -> Diagnosis.Stream {
        let connection = table.connections[index]
        return Diagnosis.Stream(
            connection: table.number(of: index),
            position: connection.receivePosition,
            received: connection.received,
            due: connection.sent - connection.received
        )
    }

    /// Gives a connection up and counts its requests as what has become of them.
    mutating func retire(_ index: Int, _ failure: Tally.Failure) {
        let connection = table.connections + index
        guard connection.pointee.state == .up || connection.pointee.state == .closing else {
            return
        }
        let now = Instant.now.nanoseconds
        if isDatagram {
            giveUpDatagrams(of: index, at: now, as: failure)
            return closeLost(index, at: now)
        }
        if connection.pointee.openRequests > 0 { correctBytes(of: index) }
        let isSlow = connection.pointee.isSlow
        while connection.pointee.openRequests > 0 {
            tally.fail(takeOldest(of: index).times, at: now, as: failure, isSlow: isSlow)
        }
        dropWaiting(of: index, at: now)
        closeLost(index, at: now)
    }

    /// What of the oldest request came back and what of the newest never left keeps the bytes
    /// exact.
    private mutating func correctBytes(of index: Int) {
        let connection = table.connections + index
        let first = connection.pointee.requests[connection.pointee.oldest]
        let newest = connection.pointee.place(
            connection.pointee.openRequests - 1)
        if first.planned >= tally.countsFrom {
            let size = sizes[connection.pointee.oldestNumber]
            tally.totals.bytes.in += size - connection.pointee.missing
        }
        if connection.pointee.requests[newest].planned >= tally.countsFrom {
            tally.totals.bytes.out -= connection.pointee.unsent
        }
    }

    /// Counts the requests that wait at a connection as never sent.
    mutating func dropWaiting(of index: Int, at now: Int64) {
        let connection = table.connections + index
        while connection.pointee.waitingRequests > 0 {
            tally.neverSent(
                planned: connection.pointee.takeWaiting(), at: now,
                isSlow: connection.pointee.isSlow)
        }
    }

    /// Gives up what waits longer than the plan allows: for an answer, or for the server's end.
    mutating func retireOverdue(at now: Instant) {
        guard table.openRequests > 0 || table.closingCount > 0 else { return }
        let latest = now.advanced(byNanoseconds: -plan.timeout.wholeNanoseconds).nanoseconds
        if isDatagram {
            if !isOpenLoop { giveUpDatagrams(sentBefore: latest, at: now.nanoseconds) }
            return
        }
        for index in 0..<table.count {
            let connection = table.connections + index
            switch connection.pointee.state {
            case .closing where connection.pointee.since <= latest:
                note(.close, "no_eof", on: index)
                closeFinished(index, at: now.nanoseconds)
            case .up where isOverdue(connection.pointee, since: latest):
                let isPartlySent =
                    connection.pointee.unsent > 0 && connection.pointee.openRequests == 1
                let isPartlyBack =
                    connection.pointee.missing < sizes[connection.pointee.oldestNumber]
                note(
                    isPartlySent ? .write : .read,
                    isPartlyBack && !isPartlySent ? "incomplete" : "timeout",
                    on: index)
                retire(index, .timedOut)
            case .unopened, .connecting, .up, .closing, .closed: break
            }
        }
    }

    /// Whether its oldest request was sent before `latest`. A slow reader is overdue only when
    /// there has been nothing to read since then.
    private func isOverdue(_ connection: Connection, since latest: Int64) -> Bool {
        connection.openRequests > 0 && connection.requests[connection.oldest].sent <= latest
            && (!connection.isSlow || connection.reading != .none && connection.lastSlice <= latest)
    }

    /// Looks once more at every connection, for a byte that should not be there, and closes it.
    mutating func closeAll() {
        isEnding = true
        maySend = false
        mayReopen = false
        if isDatagram { endDatagrams() }
        for index in 0..<table.count {
            switch table.connections[index].state {
            case .up:
                receive(on: index)
                if plan.close == .rst { resetOnClose(index) }
                retire(index, isDatagram ? .lost : .unanswered)
            case .closing:
                note(.close, "no_eof", on: index)
                closeFinished(index, at: Instant.now.nanoseconds)
            case .unopened, .connecting, .closed: break
            }
            dropWaiting(of: index, at: Instant.now.nanoseconds)
        }
    }
}
