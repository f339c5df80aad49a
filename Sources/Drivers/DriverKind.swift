import Syscalls

/// The system call that tells an event loop what is ready, chosen by name at run time.
public enum DriverKind: String, CaseIterable, Sendable {
    /// poll(2), the default: portable, and the fastest of the linear ones.
    case poll
    /// select(2): the oldest; every wait costs what the highest descriptor number is.
    case select
    /// epoll(7): a wait costs what is ready, not what is watched.
    case epoll

    /// Opens a driver of this kind; throws what the kernel says when it cannot.
    package func makeDriver() throws(Errno) -> any Driver {
        switch self {
        case .poll: try PollDriver()
        case .select: try SelectDriver()
        case .epoll: try EpollDriver()
        }
    }
}
