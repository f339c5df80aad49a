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
///
/// Here is what receives; `Exchange+Sending.swift` sends, `Exchange+Ending.swift` gives up, and
/// `Exchange+Life.swift` closes in order and has connections opened again. Where requests are
/// datagrams, `Exchange+Datagrams.swift` does all of it.
struct Exchange: ~Copyable {
    var table: ConnectionTable
    var tally: Tally
    /// Whether requests begin; what is partly sent is completed in any case.
    var maySend = false
    /// Measured requests that this worker may still begin; without limit before the measured time.
    var requestsLeft = Int.max
    /// No request is planned for then or later.
    var sendUntil = Int64.max
    /// The planned requests that no connection has yet; nil in a closed loop and before the start.
    var schedule: ArrivalSchedule?
    /// Whether planned requests wait because no connection has a place for them.
    var isBlocked = false
    /// How often memory was refused when that was last noted as an error.
    var refusalsNoted = 0
    /// Room for the indices of the connections that requests are dealt to.
    let dealt: UnsafeMutablePointer<Int32>
    /// Connections that take part: all, but while a closed loop's ramp lasts.
    var activeCount: Int
    /// Whether the run is over, so that the end of a stream is in order.
    var isEnding = false

    /// Connections that are to be opened again, and whether those that are lost are.
    var vacancies = DueQueue()
    var mayReopen = false
    /// Planned requests whose connection is being opened for them.
    var requestsOpening = 0
    /// When a connection came up last.
    var lastUp = Int64.min
    /// Slow readers whose next slice is not due yet.
    var slices = DueQueue()
    /// What random pieces are cut by.
    var random: SplitMix

    let state: RunState
    let plan: LoadPlan
    private(set) var isOpenLoop: Bool
    /// Whether requests are planned before they can be sent: then they wait at a connection.
    private(set) var isPlanned: Bool
    /// Whether requests are not sent as a stream that the kernel may cut where it likes: in pieces
    /// of ours, or as datagrams.
    let isSentOtherwise: Bool
    let isDatagram: Bool
    let sizes: Sizes
    let tile: PayloadTile
    let isVerifying: Bool
    /// As long as the tile, so that whatever one call receives is compared in one piece.
    let buffer: UnsafeMutableRawBufferPointer
    /// Where a datagram is put together.
    let datagram: UnsafeMutableRawBufferPointer
    /// Datagrams without an answer that have no place in their ring any more.
    var overtaken: [DatagramID: Connection.Request] = [:]
    /// Datagrams that were given up, with the times that they were planned for.
    var lost: [DatagramID: Int64] = [:]

    init(
        state: RunState, driver: any Driver, numbers: Range<Int>, silent: Range<Int>
    ) throws(Errno) {
        let plan = state.plan
        let places = plan.connectsPerRequest ? 1 : plan.places(isOpenLoop: plan.rate != nil)
        // Before what `deinit` gives back: there is none where memory for the table is refused.
        table = try ConnectionTable(
            numbers: numbers, silent: silent, places: places, plan: plan, driver: driver)
        dealt = .allocate(capacity: Exchange.dealtAtOnce)
        self.state = state
        self.plan = plan
        isOpenLoop = plan.rate != nil
        isPlanned = plan.plansRequests
        isDatagram = plan.socket == .datagram
        isSentOtherwise = isDatagram || plan.split != .none
        random = SplitMix(seed: plan.seed, stream: numbers.lowerBound)
        isVerifying = plan.verification == .full
        sizes = Sizes(plan.size, seed: plan.seed)
        tile = PayloadTile(seed: plan.seed)
        buffer = .allocate(byteCount: PayloadTile.length, alignment: 64)
        datagram = .allocate(byteCount: isDatagram ? plan.size.largest : 0, alignment: 64)
        tally = Tally(isPlanned: isPlanned)
        activeCount = numbers.count
    }

    deinit {
        buffer.deallocate()
        datagram.deallocate()
        dealt.deallocate()
    }

    /// Begins a load of its own on the first `count` connections: of the requests that `schedule`
    /// plans, or, without one, a closed loop. What was counted before is forgotten.
    mutating func begin(
        _ schedule: ArrivalSchedule?, on count: Int, from start: Int64, until end: Int64
    ) {
        self.schedule = schedule
        isOpenLoop = schedule != nil
        isPlanned = isOpenLoop
        isBlocked = false
        tally = Tally(isPlanned: isPlanned)
        tally.countsFrom = start
        table.deal(to: count, places: plan.places(isOpenLoop: isOpenLoop))
        activeCount = count
        (maySend, requestsLeft, sendUntil) = (true, .max, end)
    }

    /// Reads once from a connection, counts what that completes, and sends what is due next.
    mutating func receive(on index: Int) {
        if table.connections[index].manner != .promptly { return receiveOtherwise(on: index) }
        receive(into: buffer, on: index)
    }

    private mutating func receiveOtherwise(on index: Int) {
        if isDatagram { receiveDatagram(on: index) } else { receiveSlowly(on: index) }
    }

    /// The same, at most as much as the buffer holds, which is a part of our own.
    @inline(__always)
    mutating func receive(into buffer: UnsafeMutableRawBufferPointer, on index: Int) {
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
            tally.totals.bytes.surplus += count - due
        }
        complete(expected, on: index, at: time)
        if table.connections[index].quota <= 0, closeIfDone(index) { return }
        if isOpenLoop { table.offer(index) }
        send(on: index, at: time)
    }

    /// Takes bytes of the echo as received and records the requests that they complete.
    @inline(__always)
    mutating func complete(_ count: Int, on index: Int, at time: Int64) {
        let connection = table.connections + index
        connection.pointee.received += count
        connection.pointee.receivePosition = PayloadTile.position(
            connection.pointee.receivePosition,
            advancedBy: count
        )
        var left = count
        while connection.pointee.openRequests > 0, left >= connection.pointee.missing {
            left -= connection.pointee.missing
            let request = takeOldest(of: index)
            let isMeasured = tally.answer(
                request.times, at: time, size: request.size, isVerified: isVerifying,
                isSlow: connection.pointee.isSlow)
            if isMeasured { connection.pointee.answered += 1 }
        }
        if left > 0 {
            connection.pointee.missing -= left
            tally.totals.shortReads += 1
        }
    }

    /// Takes the oldest open request of a connection out, and makes the next one the oldest.
    @inline(__always)
    mutating func takeOldest(of index: Int) -> (times: Connection.Request, size: Int) {
        let connection = table.connections + index
        let number = connection.pointee.oldestNumber
        let times = connection.pointee.takeOldest()
        connection.pointee.missing = sizes[number + 1]
        table.openRequests -= 1
        return (times, sizes[number])
    }

    /// Adds an error of a connection to the log.
    mutating func note(_ phase: ErrorRow.Phase, _ name: String, on index: Int) {
        tally.totals.errors.note(
            phase,
            name,
            connection: table.number(of: index),
            seconds: Double(state.origin.nanoseconds(to: .now)) / 1e9
        )
    }

    // Reading slowly.

    /// Bytes that a slow reader takes at a time: ten slices a second.
    static func sliceBytes(_ slow: LoadPlan.SlowRead) -> Int {
        Int(min(max(1, slow.rate / 10), Double(PayloadTile.length)))
    }

    /// Reads a slice from a connection that reads slowly, and no more until the next one is due.
    mutating func receiveSlowly(on index: Int) {
        guard let slow = plan.slowRead else { return }
        let slice = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Exchange.sliceBytes(slow)])
        let before = table.connections[index].received
        receive(into: slice, on: index)
        let count = table.connections[index].received - before
        guard table.connections[index].state == .up, count > 0 else { return }
        let now = Instant.now.nanoseconds
        table.connections[index].reading = .none
        table.connections[index].lastSlice = now
        let pause = Double(count) / slow.rate * 1e9
        slices.add(index, due: now + Int64(min(pause, 1e18)))
        watch(index, isSending: table.connections[index].interest.contains(.writable))
    }

    /// Lets the slow readers read on whose next slice is due.
    mutating func resumeReading(at now: Int64) {
        while let index = slices.take(dueAt: now) {
            guard table.connections[index].state == .up else { continue }
            table.connections[index].reading = .readable
            watch(index, isSending: table.connections[index].interest.contains(.writable))
        }
    }
}

extension LoadPlan {
    /// Requests that may be under way on a connection. Those that are planned never wait for the
    /// answer to a datagram: it may be lost.
    fileprivate func places(isOpenLoop: Bool) -> Int {
        if !isOpenLoop { return pipeline }
        return socket == .datagram ? .max : maxOutstanding
    }
}
