import CLinux
import Glibc

/// A thread of the system that runs one body to its end (pthreads(7)).
///
/// It inherits the signal mask of the thread that starts it, and is to be joined or detached,
/// exactly once.
package struct RunningThread: Sendable {
    private let thread: pthread_t

    /// Carries the body over to the new thread, which takes the reference over.
    private final class Start: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread with a stack of so many bytes, or the system's usual 8 MiB
    /// (pthread_create(3)).
    ///
    /// Throws `EAGAIN` at a limit of the system, and `EINVAL` when the stack is too small to start
    /// on.
    package static func start(
        stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void
    ) throws(Errno) -> RunningThread {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        if let stackSize {
            let failure = pthread_attr_setstacksize(&attributes, stackSize)
            if failure != 0 { throw Errno(rawValue: failure) }
        }
        let start = Unmanaged.passRetained(Start(body))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread,
            &attributes,
            { context in
                guard let context else { return nil }
                // No thread of ours is ever cancelled (pthread_cancel(3)). With this glibc need not
                // arm and disarm it around each call that may wait: four locked instructions less
                // for an echo.
                pthread_setcancelstate(CInt(PTHREAD_CANCEL_DISABLE), nil)
                pthread_setcanceltype(CInt(PTHREAD_CANCEL_ASYNCHRONOUS), nil)
                Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
                return nil
            },
            start.toOpaque()
        )
        guard failure == 0 else {
            start.release()
            throw Errno(rawValue: failure)
        }
        return RunningThread(thread: thread)
    }

    /// Lets the thread end by itself, instead of being joined (pthread_detach(3)).
    package func detach() { pthread_detach(thread) }

    /// Gives the calling thread a name, of which 15 bytes are kept (prctl(2), `PR_SET_NAME`).
    package static func nameCurrent(_ name: String) {
        name.withCString { _ = clinux_prctl(PR_SET_NAME, UInt(bitPattern: $0)) }
    }

    /// Waits for the end of the body (pthread_join(3)).
    package func join() { pthread_join(thread, nil) }

    /// Lets the calling thread's waits end at most a nanosecond late by intention; the kernel's
    /// default is 50 us, to gather wake-ups (prctl(2), `PR_SET_TIMERSLACK`).
    package static func wakeOnTime() { _ = clinux_prctl(PR_SET_TIMERSLACK, 1) }

    /// Gives the calling thread a table of descriptors of its own, with all that are open now
    /// (close_range(2), `CLOSE_RANGE_UNSHARE`, since Linux 5.9).
    ///
    /// The limit on descriptors holds for each table. What is opened or closed from then on is so
    /// in one of the tables only; what the thread's has is closed when the thread ends.
    package static func unshareDescriptors() throws(Errno) {
        _ = try retrying { clinux_unshare_descriptors() }
    }

    /// Lets the calling thread do nothing for a while (clock_nanosleep(2)).
    package static func pause(nanoseconds: Int64) {
        var length = timespec(nanoseconds)
        // The only failure is a signal, which ends a pause as well as time does.
        _ = clock_nanosleep(CLOCK_MONOTONIC, 0, &length, nil)
    }

    /// CPU time that the calling thread has used, in nanoseconds (clock_gettime(2)).
    package static var cpuNanoseconds: Int64 { Instant.read(CLOCK_THREAD_CPUTIME_ID) }
}
