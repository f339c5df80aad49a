import Glibc
import Syscalls

/// Readiness from poll(2).
///
///     entries    [ wake | fd 7 | fd 4 | fd 9 ]      dense: handed to poll as it is
///     positions  [ 0 0 0 0 2 0 0 1 0 3 ]            by descriptor: its index there, 0 for none
///
/// Removal moves the last entry into the hole, so both stay dense and every change takes one step.
/// An entry without interest must go: poll reports a hang-up even to one that asks for nothing.
package final class PollDriver: Driver {
    private var entries: [pollfd]
    private var positions: [Int32] = []
    private let signal: WakeSignal
    private var patience = Patience()

    /// poll(2) needs nothing opened; the wake signal does (eventfd(2)).
    package init() throws(Errno) {
        signal = try WakeSignal()
        entries = [pollfd(fd: signal.raw.number, events: Int16(POLLIN), revents: 0)]
    }

    package var now: Instant { .now }

    package func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        guard descriptor.number >= 0 else { throw .badDescriptor }
        if positions.count <= descriptor.index {
            if interest.isEmpty { return }
            // A number that is not open must cost nothing, however large it is.
            guard descriptor.isOpen else { throw .badDescriptor }
            while positions.count <= descriptor.index { positions.append(0) }
        }
        let position = Int(positions[descriptor.index])
        if interest.isEmpty {
            if position != 0 { remove(descriptor, at: position) }
        } else if position == 0 {
            positions[descriptor.index] = Int32(entries.count)
            entries.append(
                pollfd(fd: descriptor.number, events: interest.pollEvents, revents: 0))
        } else {
            entries[position].events = interest.pollEvents
        }
    }

    private func remove(_ descriptor: RawDescriptor, at position: Int) {
        positions[descriptor.index] = 0
        let last = entries.removeLast()
        guard position < entries.count else { return }
        entries[position] = last
        positions[Int(last.fd)] = Int32(position)
    }

    package func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        let nanoseconds = deadline.nanosecondsToWait(from: now)
        var remaining: Int
        do throws(Errno) {
            remaining = try entries.withUnsafeMutableBufferPointer { buffer throws(Errno) in
                try pollOnce(buffer, nanoseconds: nanoseconds)
            }
        } catch {
            return try patience.outlast(error)
        }
        patience.renew()
        if remaining > 0, entries[0].revents != 0 {
            remaining -= 1
            signal.clear()
        }
        var position = 1
        while remaining > 0, position < entries.count {
            let entry = entries[position]
            position += 1
            guard entry.revents != 0 else { continue }
            remaining -= 1
            ready.append(Readiness(RawDescriptor(entry.fd), Interest(pollEvents: entry.revents)))
        }
    }

    package func wake() { signal.raise() }
}

extension Interest {
    fileprivate var pollEvents: Int16 {
        var events = 0
        if contains(.readable) { events |= Int(POLLIN) }
        if contains(.writable) { events |= Int(POLLOUT) }
        return Int16(events)
    }

    fileprivate init(pollEvents: Int16) {
        let events = CInt(pollEvents)
        var ready = Interest.none
        if events & CInt(POLLIN) != 0 { ready.insert(.readable) }
        if events & CInt(POLLOUT) != 0 { ready.insert(.writable) }
        if events & CInt(POLLERR | POLLHUP | POLLNVAL) != 0 { ready = .both }
        self = ready
    }
}
