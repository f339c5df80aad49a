import CLinux
import Glibc

/// A copy of this process that runs the same program from the same place (fork(2)).
///
/// For processes with one thread: in the child, only the thread that forked goes on, and a lock
/// that another one held stays locked for ever.
package struct ForkedProcess: Hashable, Sendable {
    /// The number of the process; after it was reaped another one may have it.
    package let id: CInt

    /// Makes a copy of this process and runs `child` in it, which decides how it ends (fork(2)).
    ///
    /// The copy has a duplicate of every descriptor, and the blocked signals of the parent. It is
    /// killed when the parent ends. Throws `EAGAIN` at a limit of processes, and `ENOMEM`.
    package static func start(_ child: () -> Never) throws(Errno) -> ForkedProcess {
        let parent = Int(getpid())
        let id = try retrying { clinux_fork() }
        if id > 0 { return ForkedProcess(id: id) }
        endWithParent(parent, by: SIGKILL)
        child()
    }

    /// Ends the calling process at once, and runs nothing on the way (_exit(2)).
    package static func leave() -> Never { _exit(0) }

    /// Ends the process without asking (kill(2)).
    package func kill() { _ = Glibc.kill(id, SIGKILL) }

    /// A descriptor that is readable when a child has ended (signalfd(2)); nothing else may wait
    /// for children.
    ///
    /// This process may have been started so that it ignores the ends of children, and then they
    /// would vanish without a word.
    package static func makeEndDescriptor() throws(Errno) -> Descriptor {
        _ = signal(SIGCHLD, SIG_DFL)
        let ends = SignalSet([SIGCHLD])
        ends.block()
        return try ends.makeDescriptor()
    }

    /// Forgets a child that has ended, and says which (waitpid(2)); nil when there is none.
    package static func reapAny() -> ForkedProcess? {
        // Without any child the call fails, and that is none as well.
        guard let id = try? retrying({ waitpid(-1, nil, WNOHANG) }), id > 0 else { return nil }
        return ForkedProcess(id: id)
    }

    /// Waits for the end of the process and forgets it (waitpid(2)).
    package func waitAndReap() {
        // The only failure is that there is no such child, which then need not be waited for.
        _ = try? retrying { waitpid(id, nil, 0) }
    }
}
