import Syscalls

/// Readiness from io_uring(7), by poll requests that go to the kernel together with the wait.
///
/// One system call a turn, however many requests it hands over; and a steady conversation hands
/// over none, see `IOUringWatch`. `docs/decisions/0014-io-uring-readiness.md` has the numbers.
package final class IOUringDriver: Driver {
    // Behind a pointer, as in `docs/decisions/0004`: without a check of exclusive access each time.
    private let polls: UnsafeMutablePointer<IOUringPolls>
    private let signal: WakeSignal

    /// Opens a ring and a wake signal (io_uring_setup(2), eventfd(2)).
    package init() throws(Errno) {
        signal = try WakeSignal()
        let opened = try IOUringPolls(signal: signal.raw)
        polls = .allocate(capacity: 1)
        polls.initialize(to: opened)
        try polls.pointee.setInterest(.readable, in: signal.raw)
    }

    deinit {
        polls.deinitialize(count: 1)
        polls.deallocate()
    }

    package var now: Instant { .now }

    package func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        guard descriptor.number >= 0 else { throw .badDescriptor }
        try polls.pointee.setInterest(interest, in: descriptor)
    }

    package var heedsUse: Bool { true }

    package func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {
        polls.pointee.useUp(directions, of: descriptor)
    }

    package func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        guard try polls.pointee.wait(until: deadline, into: &ready) else { return }
        signal.clear()
        polls.pointee.useUp(.readable, of: signal.raw)
    }

    package func wake() { signal.raise() }
}

/// The poll requests of an io_uring driver, by descriptor.
///
///     watches   [ – | – | rw once | r lasting | – ]    what is wanted, and what is in flight
///     listed    [ 4, 2 ]                               whose requests the next wait looks over
///
/// A request carries its descriptor's number and its generation, so that the late completion of
/// one that was withdrawn is ignored, and never taken for one of the number's next owner.
///
/// A request keeps its file open. So a withdrawal goes to the kernel at once, as with epoll: the
/// close right after it must end the connection, and free the address of a listener.
private struct IOUringPolls: ~Copyable {
    private var ring: IOUring
    private var watches = OwnedArray<IOUringWatch>()
    private var listed = OwnedArray<RawDescriptor>()
    /// Those that may have an urgent mark, and when they are looked over again.
    private var marked: [RawDescriptor] = []
    private var nextLook = Instant.never
    private let signal: RawDescriptor

    /// Opens a ring (io_uring_setup(2)); readiness of `signal` means a wake.
    init(signal: RawDescriptor) throws(Errno) {
        self.signal = signal
        // Few pages, because a process may have many loops; what does not fit costs a call more.
        ring = try IOUring(capacity: 256, completions: 1024)
    }

    /// Replaces the interest in a descriptor; its request follows with the next wait.
    mutating func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        let index = descriptor.index
        if index >= watches.count {
            if interest.isEmpty { return }
            // A number that is not open must cost nothing, however large it is.
            guard descriptor.isOpen else { throw .badDescriptor }
            while watches.count <= index { watches.append(IOUringWatch()) }
        }
        watches[index].ask(for: interest)
        if !interest.isEmpty { return list(index) }
        if watches[index].armed.isEmpty { return }
        try endRequest(of: index)
        try ring.enter()
    }

    /// Takes it that what was reported of a descriptor has been used.
    mutating func useUp(_ directions: Interest, of descriptor: RawDescriptor) {
        guard watches.indices.contains(descriptor.index) else { return }
        watches[descriptor.index].useUp(directions)
    }

    /// Waits until there is something to report, or a wake, and says whether there was a wake. It
    /// may end with nothing, as after a signal, when it is time to look for urgent marks.
    mutating func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno)
        -> Bool
    {
        let earlier = ready.count
        var isWoken = false
        // What the request of a withdrawal has brought along.
        _ = takeCompletions(into: &ready, after: earlier, &isWoken)
        var isSubmitted = false
        while true {
            let now = Instant.now
            if nextLook <= now { lookForMarks(now) }
            let hasNews = isWoken || ready.count > earlier
            // Once when there is news: what is in doubt would be told again at once.
            if !isSubmitted || !hasNews { try submitListed() }
            isSubmitted = true
            try ring.enterAndWait(
                nanoseconds: hasNews ? 0 : min(deadline, nextLook).nanosecondsToWait(from: now))
            let count = takeCompletions(into: &ready, after: earlier, &isWoken)
            if count == 0 { return isWoken }
            // The kernel hands over some twenty completions at a time; a look must not end there.
            let told = ready.count - earlier
            if deadline == .past, told < 256 { continue }
            // When all that completed was withdrawn before, nothing has happened yet.
            if isWoken || told > 0 { return isWoken }
        }
    }

    // MARK: Requests

    private mutating func list(_ index: Int) {
        if watches[index].isListed { return }
        watches[index].isListed = true
        listed.append(RawDescriptor(CInt(index)))
    }

    /// Makes the requests of the listed what they should be.
    private mutating func submitListed() throws(Errno) {
        while listed.count > 0 {
            let index = listed[listed.count - 1].index
            if watches[index].needsRequest {
                try endRequest(of: index)
                let (events, isLasting) = watches[index].arm()
                try ring.add(
                    .poll(
                        RawDescriptor(CInt(index)), events: events, isLasting: isLasting,
                        tag: watches[index].tag(index)))
            }
            watches[index].isListed = false
            _ = listed.popLast()
        }
    }

    private mutating func endRequest(of index: Int) throws(Errno) {
        if watches[index].armed.isEmpty { return }
        // No descriptor has the number of the request's own tag.
        try ring.add(.end(tagged: watches[index].tag(index), tag: .max))
        watches[index].disarm()
    }

    /// How long nothing must come to a descriptor before its urgent mark is looked for. A busy one
    /// needs no look: whoever reads what came next reads what is behind the mark.
    private static let patience = Duration.milliseconds(100)

    private mutating func noteMark(_ index: Int) {
        marked.append(RawDescriptor(CInt(index)))
        if nextLook == .never { nextLook = .now.advanced(by: Self.patience) }
    }

    /// Lets the next requests ask again of those that were quiet since the last look.
    private mutating func lookForMarks(_ now: Instant) {
        var busy = 0
        for place in marked.indices {
            let descriptor = marked[place]
            if watches[descriptor.index].askAgainIfQuiet() {
                list(descriptor.index)
            } else {
                marked[busy] = descriptor
                busy += 1
            }
        }
        marked.removeLast(marked.count - busy)
        nextLook = marked.isEmpty ? .never : now.advanced(by: Self.patience)
    }

    // MARK: Completions

    /// Takes every completion, reports what it means, and says how many there were.
    private mutating func takeCompletions(
        into ready: inout [Readiness], after earlier: Int, _ isWoken: inout Bool
    ) -> Int {
        var count = 0
        while let completion = ring.take() {
            count += 1
            let index = Int(completion.tag & 0xFFFF_FFFF)
            guard index < watches.count, watches[index].isAwaiting(completion.tag) else { continue }
            let hadMark = watches[index].mayHaveMark
            let found = watches[index].complete(completion.result, hasMore: completion.hasMore)
            if watches[index].mayHaveMark, !hadMark { noteMark(index) }
            list(index)
            if index == signal.index {
                isWoken = true
            } else if !found.isEmpty {
                report(index, found, to: &ready, after: earlier)
            }
        }
        return count
    }

    /// Adds a report, or adds to the one that this wait has made already.
    private mutating func report(
        _ index: Int, _ found: Interest, to ready: inout [Readiness], after earlier: Int
    ) {
        let descriptor = RawDescriptor(CInt(index))
        let position = Int(watches[index].position)
        if position >= earlier, position < ready.count, ready[position].descriptor == descriptor {
            ready[position] = Readiness(descriptor, ready[position].ready.union(found))
        } else {
            watches[index].position = Int32(ready.count)
            ready.append(Readiness(descriptor, found))
        }
    }
}
