import Glibc

// What is done where a call is not there, or is there and fails for a while: decided once, for all
// calls.

extension Errno {
    /// Whether a call is not there: the kernel does not have it, or a filter of calls refuses it,
    /// which in containers answers `EPERM` (seccomp(2)).
    package var meansNoSuchCall: Bool { self == .notImplemented || self == .notPermitted }
}

/// Makes a call; where that one is not there, makes the next best.
///
///     epoll_pwait2     epoll_wait, by milliseconds
///     accept4          accept and fcntl
///     eventfd2         a pipe
///     signalfd4        a thread that waits for the signals, and a pipe
///     pidfd_open       a thread that waits for the process, and a pipe
@inline(__always)
package func preferring<Result: ~Copyable>(
    _ best: () throws(Errno) -> Result, or next: () throws(Errno) -> Result
) throws(Errno) -> Result {
    do throws(Errno) {
        return try best()
    } catch {
        guard error.meansNoSuchCall else { throw error }
        return try next()
    }
}

/// How long waits that fail are repeated: the kernel may be short of memory for a moment, and one
/// failed call is no reason to end a service.
package struct Patience: Sendable {
    /// Failures in a row that are taken; with the pauses between them they last a second at least.
    private static let failuresMax = 100
    private static let pause: Int64 = 10_000_000
    private var failures = 0

    package init() {}

    /// Pauses after a failure that may pass; throws one that does not, or that has come too often.
    package mutating func outlast(_ error: Errno) throws(Errno) {
        failures += 1
        let mayPass = error == .wouldBlock || error.meansExhaustion
        guard mayPass, failures < Patience.failuresMax else { throw error }
        RunningThread.pause(nanoseconds: Patience.pause)
    }

    /// Notes that a wait has not failed.
    @inline(__always)
    package mutating func renew() { failures = 0 }
}

/// A pipe whose reading end stands for something that a thread does: the thread runs until the body
/// returns, and then the reader is at its end.
package func makePipe(
    writtenBy body: @escaping @Sendable (_ writing: RawDescriptor) -> Void
) throws(Errno) -> Descriptor {
    let (reading, writing) = try makePipe()
    let end = Descriptor(adopting: reading)
    do throws(Errno) {
        let thread = try RunningThread.start(stackSize: 65_536) {
            body(writing)
            writing.close()
        }
        thread.detach()
    } catch {
        writing.close()
        throw error
    }
    return end
}
