import CLinux
import Glibc

// The calls that say which descriptors are ready, typed and without policy.

/// Waits for events on `entries` and fills in their `revents` (poll(2)).
///
/// Returns how many have any. A signal ends the wait like a passed deadline: with 0, because the
/// caller knows its deadline and a repeated call would wait for the whole time again.
package func pollOnce(
    _ entries: UnsafeMutableBufferPointer<pollfd>, milliseconds: CInt
) throws(Errno) -> Int {
    try countOrNothingIfInterrupted(
        Glibc.poll(entries.baseAddress, nfds_t(entries.count), milliseconds))
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

    /// Waits for events and writes them to the front of `events`; returns how many (epoll_wait(2)).
    ///
    /// A signal ends the wait with 0.
    package func wait(
        into events: UnsafeMutableBufferPointer<epoll_event>, milliseconds: CInt
    ) throws(Errno) -> Int {
        try countOrNothingIfInterrupted(
            epoll_wait(
                descriptor.raw.number, events.baseAddress, CInt(events.count), milliseconds))
    }
}

private func countOrNothingIfInterrupted(_ result: CInt) throws(Errno) -> Int {
    if result >= 0 { return Int(result) }
    let error = Errno.current
    if error == .interrupted { return 0 }
    throw error
}
