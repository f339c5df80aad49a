import CLinux
import Glibc

// The calls that say which descriptors are ready, typed and without policy.

/// Waits for events on `entries` and fills in their `revents` (ppoll(2)); nil waits for ever.
///
/// Returns how many have any. A signal ends the wait like a passed deadline: with 0, because the
/// caller knows its deadline and a repeated call would wait for the whole time again.
package func pollOnce(
    _ entries: UnsafeMutableBufferPointer<pollfd>, nanoseconds: Int64?
) throws(Errno) -> Int {
    let (entries, count) = (entries.baseAddress, nfds_t(entries.count))
    guard let nanoseconds else {
        return try countOrNothingIfInterrupted(ppoll(entries, count, nil, nil))
    }
    var timeout = timespec(nanoseconds)
    return try countOrNothingIfInterrupted(ppoll(entries, count, &timeout, nil))
}

/// Waits until one of the descriptors is readable or has ended (ppoll(2)); nil waits for ever.
///
/// A negative number is left out. A signal ends the wait, too.
package func waitUntilReadable(
    _ descriptors: [RawDescriptor], nanoseconds: Int64?
) throws(Errno) {
    var entries = descriptors.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
    _ = try entries.withUnsafeMutableBufferPointer { buffer throws(Errno) in
        try pollOnce(buffer, nanoseconds: nanoseconds)
    }
}

/// Waits until a bit that is set in `readable` or `writable` is ready, and keeps only those
/// (select(2)).
///
/// The bitmaps are the kernel's layout: bit n of the array is descriptor n. They may be longer than
/// `FD_SETSIZE`: that limit is glibc's type, not the kernel's. A signal ends the wait with 0.
package func selectOnce(
    count: CInt,
    readable: UnsafeMutablePointer<UInt>,
    writable: UnsafeMutablePointer<UInt>,
    nanoseconds: Int64?
) throws(Errno) -> Int {
    try readable.withMemoryRebound(to: fd_set.self, capacity: 1) { readable throws(Errno) in
        try writable.withMemoryRebound(to: fd_set.self, capacity: 1) { writable throws(Errno) in
            guard let nanoseconds else {
                return try countOrNothingIfInterrupted(select(count, readable, writable, nil, nil))
            }
            // Rounded up: rounded down, the last microsecond would be spent spinning.
            let microseconds = Int(nanoseconds / 1_000 + (nanoseconds % 1_000 > 0 ? 1 : 0))
            var timeout = timeval(
                tv_sec: microseconds / 1_000_000, tv_usec: microseconds % 1_000_000)
            return try countOrNothingIfInterrupted(select(count, readable, writable, nil, &timeout))
        }
    }
}

/// An epoll instance (epoll(7)): a set of descriptors that the kernel watches.
package struct EpollInstance: ~Copyable {
    private let descriptor: Descriptor

    /// Opens an instance, closed on exec (epoll_create1(2)).
    package init() throws(Errno) {
        let number = try retrying { epoll_create1(CInt(EPOLL_CLOEXEC)) }
        descriptor = Descriptor(adopting: RawDescriptor(number))
    }

    /// What `control` does to a descriptor.
    package enum Operation {
        case add, modify, remove

        fileprivate var code: CInt {
            switch self {
            case .add: EPOLL_CTL_ADD
            case .modify: EPOLL_CTL_MOD
            case .remove: EPOLL_CTL_DEL
            }
        }
    }

    /// Changes what is watched for one descriptor (epoll_ctl(2)).
    package func control(
        _ operation: Operation, _ watched: RawDescriptor, events: UInt32
    ) throws(Errno) {
        var event = epoll_event()
        event.events = events
        event.data.fd = watched.number
        _ = try retrying {
            epoll_ctl(descriptor.raw.number, operation.code, watched.number, &event)
        }
    }

    /// Waits for events and writes them to the front of `events`; returns how many
    /// (epoll_pwait2(2)). Nil waits for ever.
    ///
    /// A signal ends the wait with 0. A kernel before Linux 5.11 knows only milliseconds.
    package func wait(
        into events: UnsafeMutableBufferPointer<epoll_event>, nanoseconds: Int64?
    ) throws(Errno) -> Int {
        let (number, count) = (descriptor.raw.number, CInt(events.count))
        guard let nanoseconds, nanoseconds > 0 else {
            return try countOrNothingIfInterrupted(
                epoll_wait(number, events.baseAddress, count, nanoseconds == nil ? -1 : 0))
        }
        return try preferring { () throws(Errno) in
            var timeout = timespec(nanoseconds)
            return try countOrNothingIfInterrupted(
                clinux_epoll_pwait2(number, events.baseAddress, count, &timeout))
        } or: { () throws(Errno) in
            // Rounded up: rounded down, the last fraction of a millisecond would be spent spinning.
            let milliseconds = CInt(clamping: (nanoseconds - 1) / 1_000_000 + 1)
            return try countOrNothingIfInterrupted(
                epoll_wait(number, events.baseAddress, count, milliseconds))
        }
    }
}

extension timespec {
    init(_ nanoseconds: Int64) {
        self.init(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}

private func countOrNothingIfInterrupted(_ result: CInt) throws(Errno) -> Int {
    if result >= 0 { return Int(result) }
    let error = Errno.current
    if error == .interrupted { return 0 }
    throw error
}
