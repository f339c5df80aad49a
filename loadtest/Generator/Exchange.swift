import Drivers
import Statistics
import Syscalls

/// The traffic of one worker: what happens when one of its connections is ready.
///
///     ready → one recv → compare with the tile → record answers → one send of what is free
///
/// This is the path that every message takes, so it keeps to plain memory: no allocation, no lock,
/// no reference counting and no look-up beyond an index. Reading comes before writing, and one
/// event reads one buffer: a server that stops reading while it writes can always write to us.
struct Exchange: ~Copyable {
    var table: ConnectionTable
    var tally = Tally()
    /// Whether requests begin; what is partly sent is completed in any case.
    var maySend = false
    /// Measured requests that this worker may still begin; without limit before the measured time.
    var requestsLeft = Int.max
    /// No request begins then or later.
    var sendUntil = Int64.max
    /// Whether the run is over, so that the end of a stream is in order.
    var isEnding = false

    private let state: RunState
    private let size: Int
    private let pipeline: Int
    private let isVerifying: Bool
    private let tile: PayloadTile
    /// As long as the tile, so that whatever one call receives is compared in one piece.
    private let buffer: UnsafeMutableRawBufferPointer

    /// After so many sends in a row it is the next connection's turn.
    private static let sendsInARow = 8

    init(state: RunState, driver: any Driver, numbers: Range<Int>) {
        self.state = state
        size = state.plan.size.largest
        pipeline = state.plan.pipeline
        isVerifying = state.plan.verification == .full
        tile = PayloadTile(seed: state.plan.seed)
        buffer = .allocate(byteCount: PayloadTile.length, alignment: 64)
        table = ConnectionTable(numbers: numbers, pipeline: pipeline, driver: driver)
    }

    deinit { buffer.deallocate() }

    // Receiving.

    /// Reads once from a connection, counts what that completes, and sends what is due next.
    mutating func receive(on index: Int) {
        let count: Int
        do throws(Errno) {
            count = try table.connections[index].descriptor.receive(into: buffer)
        } catch .wouldBlock {
            return
        } catch {
            note(.read, error.name, on: index)
            return retire(index, .reset)
        }
        let time = Instant.now.nanoseconds
        guard count > 0 else { return endOfStream(on: index) }
        let due = table.connections[index].sent - table.connections[index].received
        let expected = min(count, due)
        if isVerifying {
            let matching = tile.countOfMatching(
                UnsafeRawBufferPointer(rebasing: buffer[..<expected]),
                at: table.connections[index].receivePosition
            )
            guard matching == count else {
                return corruption(on: index, matching: matching, received: count, at: time)
            }
        } else if count > due {
            tally.bytes.surplus += count - due
        }
        complete(expected, on: index, at: time)
        send(on: index)
    }

    /// Takes bytes of the echo as received and records the requests that they complete.
    @inline(__always)
    private mutating func complete(_ count: Int, on index: Int, at time: Int64) {
        let connection = table.connections + index
        connection.pointee.received += count
        connection.pointee.receivePosition = PayloadTile.position(
            connection.pointee.receivePosition,
            advancedBy: count
        )
        var left = count
        while connection.pointee.openRequests > 0, left >= connection.pointee.missing {
            left -= connection.pointee.missing
            let sent = connection.pointee.takeOldest(size: size, pipeline: pipeline)
            table.openRequests -= 1
            tally.answer(sent: sent, at: time, size: size, verified: isVerifying ? size : 0)
        }
        if left > 0 {
            connection.pointee.missing -= left
            tally.bytes.shortReads += 1
        }
    }

    /// The server will send no more.
    private mutating func endOfStream(on index: Int) {
        let isBroken = table.connections[index].openRequests > 0
        if isBroken || !isEnding { note(.read, "eof", on: index) }
        retire(index, .closedEarly)
    }

    /// A byte was wrong, or there was one too many: keeps the evidence and gives the connection up.
    private mutating func corruption(
        on index: Int,
        matching: Int,
        received: Int,
        at time: Int64
    ) {
        let connection = table.connections[index]
        let due = connection.sent - connection.received
        let isSurplus = matching == due
        let got = buffer[matching..<min(received, matching + 16)]
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
                    got: Array(got)
                )
            )
        }
        note(.verify, isSurplus ? "surplus" : "mismatch", on: index)
        if isSurplus { tally.bytes.surplus += received - matching }
        // With a byte too many, the request that it follows is not right either.
        complete(isSurplus ? max(0, matching - 1) : matching, on: index, at: time)
        retire(index, .corrupt)
    }

    // Sending.

    /// Hands the kernel the rest of a partly sent request, and as many new ones as are free.
    mutating func send(on index: Int) {
        let connection = table.connections + index
        for _ in 0..<Exchange.sendsInARow {
            let unsent = connection.pointee.unsent
            let time = Instant.now.nanoseconds
            let due = unsent + (time < sendUntil ? freePlaces(of: index) * size : 0)
            guard due > 0 else { return watch(index, for: .readable) }
            let count = min(due, PayloadTile.length)
            let taken: Int
            do throws(Errno) {
                taken = try connection.pointee.descriptor.send(
                    tile.piece(at: connection.pointee.sendPosition, count: count)
                )
            } catch .wouldBlock {
                return watch(index, for: .both)
            } catch {
                note(.write, error.name, on: index)
                return retire(index, .reset)
            }
            hasSent(taken, on: index, at: time)
            if taken < count { tally.bytes.partialWrites += 1 }
            if taken == due { return watch(index, for: .readable) }
        }
        watch(index, for: .both)
    }

    /// How many requests may begin on a connection now.
    @inline(__always)
    private mutating func freePlaces(of index: Int) -> Int {
        guard maySend else { return 0 }
        if requestsLeft == 0 {
            requestsLeft = state.takeRequests()
            maySend = requestsLeft > 0
        }
        return min(pipeline - table.connections[index].openRequests, requestsLeft)
    }

    /// Takes bytes as sent and counts the requests that began with them.
    @inline(__always)
    private mutating func hasSent(_ count: Int, on index: Int, at time: Int64) {
        let connection = table.connections + index
        connection.pointee.sent += count
        connection.pointee.sendPosition = PayloadTile.position(
            connection.pointee.sendPosition,
            advancedBy: count
        )
        let beyond = count - connection.pointee.unsent
        guard beyond > 0 else {
            connection.pointee.unsent -= count
            return
        }
        let begun = (beyond + size - 1) / size
        connection.pointee.unsent = begun * size - beyond
        connection.pointee.begin(begun, at: time, size: size, pipeline: pipeline)
        table.openRequests += begun
        requestsLeft -= begun
        tally.begin(begun, at: time, size: size)
    }

    // The end of a connection.

    /// Watches a connection for something else than before, if it is.
    @inline(__always)
    private mutating func watch(_ index: Int, for interest: Interest) {
        guard table.connections[index].interest != interest else { return }
        do throws(Errno) {
            try table.watch(index, for: interest)
        } catch {
            note(.socket, error.name, on: index)
            retire(index, .reset)
        }
    }

    /// Closes a connection and counts its open requests as what has become of them.
    mutating func retire(_ index: Int, _ failure: Tally.Failure) {
        let connection = table.connections + index
        guard connection.pointee.state == .up else { return }
        if connection.pointee.openRequests > 0 {
            // What of the oldest came back and what of the newest never left keeps the bytes exact.
            let isOldestCounted = connection.pointee.oldestSent >= tally.countsFrom
            let isNewestCounted = connection.pointee.newestSent(pipeline) >= tally.countsFrom
            if isOldestCounted { tally.bytes.in += size - connection.pointee.missing }
            if isNewestCounted { tally.bytes.out -= connection.pointee.unsent }
        }
        while connection.pointee.openRequests > 0 {
            let sent = connection.pointee.takeOldest(size: size, pipeline: pipeline)
            table.openRequests -= 1
            if sent >= tally.countsFrom { tally.fail(1, as: failure) }
        }
        table.close(index)
    }

    /// Adds an error of a connection to the log.
    mutating func note(_ phase: ErrorRow.Phase, _ name: String, on index: Int) {
        tally.errors.note(
            phase,
            name,
            connection: table.number(of: index),
            seconds: Double(state.origin.nanoseconds(to: .now)) / 1e9
        )
    }

    /// Gives up what waits longer than the plan allows.
    mutating func retireOverdue(at now: Instant) {
        let latest = now.advanced(byNanoseconds: -state.plan.timeout.wholeNanoseconds).nanoseconds
        guard table.openRequests > 0 else { return }
        for index in 0..<table.count where table.connections[index].state == .up {
            let connection = table.connections + index
            guard connection.pointee.openRequests > 0, connection.pointee.oldestSent <= latest
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
