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

    /// The system call in which a driver of this kind waits, as servers count it.
    package var waitCall: String {
        switch self {
        case .poll: "poll"
        case .select: "select"
        case .epoll: "epoll_wait"
        case .ioUring: "io_uring_enter"
        }
    }

    /// What an error of `makeDriver` means here, and what to do; nil when the error says it all.
    package func remedy(for error: Errno) -> String? {
        switch (self, error) {
        case (.ioUring, .notImplemented):
            "this kernel has no io_uring, or that of before Linux 5.19: choose another way to wait"
        case (.ioUring, .notPermitted):
            "io_uring is forbidden here: allow it with 'sysctl kernel.io_uring_disabled=0' and, in "
                + "a container, by its seccomp profile, or choose another way to wait"
        case (.ioUring, .outOfMemory):
            "io_uring may lock no more memory: raise 'ulimit -l', or choose another way to wait"
        default: nil
        }
    }
}
