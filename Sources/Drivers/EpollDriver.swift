import CLinux
import Syscalls

/// Readiness from epoll(7), level-triggered.
///
///     installed  [ - - - - r - - rw ]      by descriptor: what the kernel watches
///     events     the kernel's answers, at most 1,024 a wait; the rest comes with the next one
///
/// The kernel keeps the table, so a wait costs what is ready and not what is watched; the price is
/// a system call for each change. Event loops keep interest sticky and make hardly any.
package final class EpollDriver: Driver {
    private let instance: EpollInstance
    private let signal: WakeSignal
    private var installed: [Interest] = []
    private var patience = Patience()
    private let events: UnsafeMutableBufferPointer<epoll_event>

    /// Opens an instance and a wake signal (epoll_create1(2), eventfd(2)).
    package init() throws(Errno) {
        instance = try EpollInstance()
        signal = try WakeSignal()
        events = .allocate(capacity: 1024)
        try instance.control(.add, signal.raw, events: Interest.readable.epollEvents)
    }

    deinit { events.deallocate() }

    package var now: Instant { .now }

    package func setInterest(
        _ interest: Interest, in descriptor: RawDescriptor
    ) throws(Errno) {
        guard descriptor.number >= 0 else { throw .badDescriptor }
        let isKnown = descriptor.index < installed.count
        let previous = isKnown ? installed[descriptor.index] : .none
        guard interest != previous else { return }
        let operation: EpollInstance.Operation =
            interest.isEmpty ? .remove : previous.isEmpty ? .add : .modify
        do throws(Errno) {
            try instance.control(operation, descriptor, events: interest.epollEvents)
        } catch {
            // One that was closed before it was withdrawn is forgotten by the kernel already.
            guard operation == .remove, error == .badDescriptor || error == .noEntry else {
                throw error
            }
        }
        // Only now: a number that is not open must cost nothing, however large it is.
        while installed.count <= descriptor.index { installed.append(.none) }
        installed[descriptor.index] = interest
    }

    package func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {
        let count: Int
        do throws(Errno) {
            count = try instance.wait(
                into: events, nanoseconds: deadline.nanosecondsToWait(from: now))
        } catch {
            return try patience.outlast(error)
        }
        patience.renew()
        for event in events[..<count] {
            let descriptor = RawDescriptor(event.data.fd)
            if descriptor == signal.raw {
                signal.clear()
            } else {
                ready.append(Readiness(descriptor, Interest(epollEvents: event.events)))
            }
        }
    }

    package func wake() { signal.raise() }
}

extension Interest {
    fileprivate var epollEvents: UInt32 {
        var events: UInt32 = 0
        if contains(.readable) { events |= EPOLLIN.rawValue }
        if contains(.writable) { events |= EPOLLOUT.rawValue }
        return events
    }

    fileprivate init(epollEvents events: UInt32) {
        var ready = Interest.none
        if events & EPOLLIN.rawValue != 0 { ready.insert(.readable) }
        if events & EPOLLOUT.rawValue != 0 { ready.insert(.writable) }
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { ready = .both }
        self = ready
    }
}
