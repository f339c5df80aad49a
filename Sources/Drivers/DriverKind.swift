import Syscalls

/// The system call that tells an event loop what is ready, chosen by name at run time.
public enum DriverKind: String, CaseIterable, Sendable {
    /// poll(2), the default: portable, and the fastest of the linear ones.
    case poll
    /// select(2): the oldest; every wait costs what the highest descriptor number is.
    case select
    /// epoll(7): a wait costs what is ready, not what is watched.
    case epoll
    /// io_uring(7): as epoll, and a steady conversation is never registered anew. Needs Linux 5.19,
    /// and a machine that allows it: many containers forbid it.
    case ioUring = "io_uring"

    /// Opens a driver of this kind; throws what the kernel says when it cannot.
    package func makeDriver() throws(Errno) -> any Driver {
        switch self {
        case .poll: try PollDriver()
        case .select: try SelectDriver()
        case .epoll: try EpollDriver()
        case .ioUring: try IOUringDriver()
        }
    }

    /// Why this machine refuses a driver of this kind, and what to do; nil when it does not.
    package var refusal: String? {
        do throws(Errno) {
            _ = try makeDriver()
            return nil
        } catch {
            return refusal(for: error)
        }
    }

    /// The sentence for an error of `makeDriver`.
    package func refusal(for error: Errno) -> String {
        switch (self, error) {
        case (.ioUring, .notImplemented):
            "this kernel has no io_uring, or one before Linux 5.19: choose another driver"
        case (.ioUring, .notPermitted):
            "io_uring is forbidden here: allow it with 'sysctl kernel.io_uring_disabled=0', in a "
                + "container by its seccomp profile, or choose another driver"
        default: "\(rawValue) cannot be opened: \(error)"
        }
    }
}
