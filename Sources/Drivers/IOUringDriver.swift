import CLinux
import Glibc
import Syscalls

/// Readiness from io_uring(7), by poll requests that go to the kernel together with the wait.
///
///     watches   [ – | – | rw lasting | r once | – ]    by descriptor: wanted, and the request
///     listed    [ 4, 2 ]                               whose requests the next wait looks over
///
/// A request comes in two kinds. One that polls *once* asks what is ready now, or else waits for
/// it, and ends: asked again by every wait, it reports again what was not used. A *lasting* one
/// completes at each arrival and asks nothing again, so it serves whoever says when readiness is
/// used up; for a steady conversation nothing at all is submitted. `docs/decisions/0014` has the
/// numbers.
///
/// A request keeps its file open. So a withdrawal goes to the kernel at once, as with epoll: a
/// close right after it must end the connection, and free the address of a listener.
package final class IOUringDriver: Driver {
    /// What is known of one descriptor.
    private struct Watch {
        /// What its user asks for.
        var wanted = Interest.none
        /// What the request in flight watches; none when there is no request.
        var armed = Interest.none
        /// The directions in which something may be ready that no completion will tell of.
        var doubt = Interest.none
        /// Whether it is among the listed.
        var isListed = false
        /// Whether the stream has ended or broken: reading never blocks any more.
        var hasEnded = false
        /// Which of its requests the last one is; completions of the others are late.
        var generation: UInt32 = 0
        /// Where its last report stands in the caller's array.
        var position: Int32 = 0
    }

    private var ring: IOUring
    private var watches: [Watch] = []
    private var listed: [RawDescriptor] = []
    private let signal: WakeSignal
    private var isWoken = false

    /// Opens a ring and a wake signal (io_uring_setup(2), eventfd(2)).
    package init() throws(Errno) {
        // More completions than a wait of the kernel delivers at a time; few pages, because a
        // process may have many loops.
        ring = try IOUring(capacity: 256, completions: 1024)
        signal = try WakeSignal()
        try setInterest(.readable, in: signal.raw)
    }

    package var now: Instant { .now }

    package func wake() { signal.raise() }

    package func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        guard descriptor.number >= 0 else { throw .badDescriptor }
        let index = descriptor.index
        if index >= watches.count {
            if interest.isEmpty { return }
            watches.append(
                contentsOf: repeatElement(Watch(), count: index + 1 - watches.count))
        }
        watches[index].doubt.insert(interest.subtracting(watches[index].wanted))
        watches[index].wanted = interest
        if interest.isEmpty { return try withdraw(index) }
        list(descriptor)
    }

    package func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {
        guard watches.indices.contains(descriptor.index) else { return }
        // After the end, only a look can tell: its news may have come before the last bytes were
        // read.
        let hasEnded = watches[descriptor.index].hasEnded
        watches[descriptor.index].doubt.remove(
            hasEnded ? directions.subtracting(.readable) : directions)
    }

    package func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        let earlier = ready.count
        isWoken = false
        // A withdrawal may have left completions here.
        var taken = takeCompletions(into: &ready, after: earlier)
        repeat {
            try submitListed()
            let hasNews = ready.count > earlier || isWoken
            try ring.enterAndWait(
                nanoseconds: hasNews ? 0 : deadline.nanosecondsToWait(from: now))
            taken = takeCompletions(into: &ready, after: earlier)
            // Only requests that were withdrawn have completed: that is no news for anybody.
        } while taken > 0 && ready.count == earlier && !isWoken
    }

    // MARK: Requests

    private func list(_ descriptor: RawDescriptor) {
        if watches[descriptor.index].isListed { return }
        watches[descriptor.index].isListed = true
        listed.append(descriptor)
    }

    /// Brings the requests of the listed in line with what is wanted and with what is in doubt.
    private func submitListed() throws(Errno) {
        while let descriptor = listed.last {
            let watch = watches[descriptor.index]
            let needsRequest =
                !watch.wanted.isEmpty && (watch.armed != watch.wanted || !watch.doubt.isEmpty)
            if needsRequest {
                try endRequest(descriptor.index)
                try beginRequest(descriptor)
            }
            watches[descriptor.index].isListed = false
            listed.removeLast()
        }
    }

    private func beginRequest(_ descriptor: RawDescriptor) throws(Errno) {
        let index = descriptor.index
        watches[index].generation &+= 1
        let watch = watches[index]
        try ring.add(
            .poll(
                descriptor, events: watch.wanted.pollEvents, isLasting: watch.doubt.isEmpty,
                tag: tag(index)))
        watches[index].armed = watch.wanted
        // It asks what is ready now, so nothing is in doubt.
        watches[index].doubt = .none
    }

    private func endRequest(_ index: Int) throws(Errno) {
        if watches[index].armed.isEmpty { return }
        try ring.add(.endPoll(tagged: tag(index), tag: .max))
        watches[index].armed = .none
    }

    private func withdraw(_ index: Int) throws(Errno) {
        watches[index].doubt = .none
        watches[index].hasEnded = false
        if watches[index].armed.isEmpty { return }
        try endRequest(index)
        try ring.enter()
    }

    /// The tag of the last request of a descriptor. No descriptor has the number 2^32 - 1.
    private func tag(_ index: Int) -> UInt64 {
        UInt64(watches[index].generation) << 32 | UInt64(index)
    }

    // MARK: Completions

    /// Takes every completion, and says how many there were.
    private func takeCompletions(into ready: inout [Readiness], after earlier: Int) -> Int {
        var count = 0
        while let completion = ring.take() {
            count += 1
            let index = Int(completion.tag & 0xFFFF_FFFF)
            guard index < watches.count, tag(index) == completion.tag,
                !watches[index].armed.isEmpty
            else { continue }
            if !completion.hasMore { watches[index].armed = .none }
            let (found, hasEnded) = Interest.found(by: completion.result)
            if hasEnded { watches[index].hasEnded = true }
            watches[index].doubt.insert(found)
            let descriptor = RawDescriptor(CInt(index))
            list(descriptor)
            if descriptor == signal.raw {
                signal.clear()
                usedUp(.readable, of: descriptor)
                isWoken = true
            } else if !found.isEmpty {
                report(descriptor, found, to: &ready, after: earlier)
            }
        }
        return count
    }

    /// Adds a report, or adds to the one that this wait has made already.
    private func report(
        _ descriptor: RawDescriptor, _ found: Interest, to ready: inout [Readiness],
        after earlier: Int
    ) {
        let position = Int(watches[descriptor.index].position)
        if position >= earlier, position < ready.count, ready[position].descriptor == descriptor {
            ready[position] = Readiness(descriptor, ready[position].ready.union(found))
        } else {
            watches[descriptor.index].position = Int32(ready.count)
            ready.append(Readiness(descriptor, found))
        }
    }
}

extension Interest {
    fileprivate var pollEvents: UInt32 {
        var events: CInt = 0
        // The end of a stream must be told from bytes, see `usedUp`.
        if contains(.readable) { events |= CInt(POLLIN) | CInt(CLINUX_POLLRDHUP) }
        if contains(.writable) { events |= CInt(POLLOUT) }
        return UInt32(events)
    }

    /// What a completed poll says: the directions that are ready, and whether reading has ended.
    fileprivate static func found(by result: CInt) -> (found: Interest, hasEnded: Bool) {
        // The kernel cannot watch it; the next call says why.
        if result < 0 { return (.both, true) }
        if result & CInt(POLLERR | POLLHUP | POLLNVAL) != 0 { return (.both, true) }
        var found = Interest.none
        if result & CInt(POLLIN) != 0 { found.insert(.readable) }
        if result & CInt(POLLOUT) != 0 { found.insert(.writable) }
        return (found, result & CInt(CLINUX_POLLRDHUP) != 0)
    }
}
