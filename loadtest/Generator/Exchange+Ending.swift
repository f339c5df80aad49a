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
        let expected = tile.piece(
            at: PayloadTile.position(connection.receivePosition, advancedBy: matching),
            count: isSurplus ? 0 : min(16, due - matching)
        )
        if tally.corruptions.count < Tally.corruptionsKept {
            tally.corruptions.append(
                Corruption(
                    connection: table.number(of: index),
                    offset: connection.received + matching,
                    expected: Array(expected),
                    got: Array(buffer[matching..<min(received, matching + 16)])
                )
            )
        }
        note(.verify, isSurplus ? "surplus" : "mismatch", on: index)
        if isSurplus { tally.bytes.surplus += received - matching }
        // With a byte too many, the request that it follows is not right either.
        complete(isSurplus ? max(0, matching - 1) : matching, on: index, at: time)
        retire(index, .corrupt)
    }

    /// Closes a connection and counts its requests as what has become of them.
    mutating func retire(_ index: Int, _ failure: Tally.Failure) {
        let connection = table.connections + index
        guard connection.pointee.state == .up else { return }
        let now = Instant.now.nanoseconds
        if connection.pointee.openRequests > 0 {
            // What of the oldest came back and what of the newest never left keeps the bytes exact.
            let first = connection.pointee.requests[connection.pointee.oldest]
            let last = connection.pointee.requests[
                connection.pointee.place(
                    connection.pointee.openRequests - 1, of: table.places)]
            if first.planned >= tally.countsFrom {
                let size = sizes[connection.pointee.oldestNumber]
                tally.bytes.in += size - connection.pointee.missing
            }
            if last.planned >= tally.countsFrom { tally.bytes.out -= connection.pointee.unsent }
        }
        while connection.pointee.openRequests > 0 {
            tally.fail(takeOldest(of: index).times, at: now, as: failure)
        }
        while connection.pointee.waitingRequests > 0 {
            tally.neverSent(planned: connection.pointee.takeWaiting(places: table.places), at: now)
        }
        table.close(index)
    }

    /// Gives up what waits longer than the plan allows.
    mutating func retireOverdue(at now: Instant) {
        let latest = now.advanced(byNanoseconds: -state.plan.timeout.wholeNanoseconds).nanoseconds
        guard table.openRequests > 0 else { return }
        for index in 0..<table.count where table.connections[index].state == .up {
            let connection = table.connections + index
            guard connection.pointee.openRequests > 0,
                connection.pointee.requests[connection.pointee.oldest].sent <= latest
            else { continue }
            note(.read, "timeout", on: index)
            retire(index, .timedOut)
        }
    }

    /// Looks once more at every connection, for a byte that should not be there, and closes it.
    mutating func closeAll() {
        isEnding = true
        maySend = false
        for index in 0..<table.count {
            if table.connections[index].state == .up { receive(on: index) }
            retire(index, .unanswered)
        }
    }
}
