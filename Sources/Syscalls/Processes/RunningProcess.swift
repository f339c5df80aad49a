import CLinux
import Glibc

/// What is to run as a child of this process, and with what.
package struct Program {
    /// A path without a slash is looked for as a shell does (`PATH`).
    package var path: String
    /// They begin with the name that the program is to see as its own.
    package var arguments: [String]
    /// Words such as "HOME=/root"; nil for what this process has.
    package var environment: [String]?
    /// Where it starts; nil for where this process is.
    package var directory: String?
    /// Standard input, output and error; nil for the null device.
    package var streams: (RawDescriptor?, RawDescriptor?, RawDescriptor?) = (nil, nil, nil)
    /// Whether it leads a process group of its own: a Ctrl-C at the terminal is for us, and we say
    /// when it is to end.
    package var leadsGroup = true
    /// Whether the kernel kills it when the thread that starts it ends, however that comes
    /// (prctl(2), `PR_SET_PDEATHSIG`): start it from the main thread.
    package var endsWithThread = false

    package init(_ path: String, arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }
}

/// Why a program does not run.
package struct StartFailure: Error {
    package let errno: Errno
    /// Whether its directory cannot be entered.
    package let isOfDirectory: Bool
}

/// How a process ended.
package enum ProcessEnding: Hashable, Sendable {
    case exited(code: Int32)
    case killed(signal: Int32)

    /// From what waitpid(2) gives.
    init(waitStatus: CInt) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .exited(code: (waitStatus >> 8) & 0xff) : .killed(signal: signal)
    }
}

/// A child of this process (vfork(2), execvpe(3)); what starts it reaps it.
package struct RunningProcess: Sendable {
    /// The number of the process; after it was reaped another one may have it.
    package let id: CInt

    /// Starts a program.
    ///
    /// It gets what this process got and not what it made of it: no signal is blocked, those are
    /// ignored that were when we started (`nohup`), and the soft limit on descriptors is the one
    /// from before it was raised. It inherits no descriptor but its streams.
    package static func start(_ program: Program) throws(StartFailure) -> RunningProcess {
        let texts =
            program.arguments + (program.environment ?? [])
            + [program.path, program.directory ?? ""]
        // C takes a text to its first zero byte, and would not see what stands behind it.
        if texts.contains(where: { $0.utf8.contains(0) }) {
            throw StartFailure(errno: .invalidArgument, isOfDirectory: false)
        }
        let arguments = CWords(program.arguments)
        let environment = program.environment.map { CWords($0) }
        let directory = program.directory.map { CWords([$0]) }
        defer {
            arguments.free()
            environment?.free()
            directory?.free()
        }
        var ignored = SignalSet.ignoredAtStart.signals
        heedEnds()
        let (input, output, error) = program.streams
        var (id, step) = (pid_t(), CInt(0))
        let failure = program.path.withCString { path in
            withUnsafePointer(to: &ignored) { ignored in
                var description = clinux_program(
                    path: path, arguments: arguments.base, environment: environment?.base,
                    directory: directory?.first,
                    streams: (input?.number ?? -1, output?.number ?? -1, error?.number ?? -1),
                    ignored: ignored, descriptors: UInt(DescriptorLimit.softAtStart),
                    leads_group: program.leadsGroup, ends_with_thread: program.endsWithThread)
                return clinux_spawn(&id, &description, &step)
            }
        }
        guard failure == 0 else {
            throw StartFailure(errno: Errno(rawValue: failure), isOfDirectory: step == 1)
        }
        return RunningProcess(id: id)
    }

    /// This process may have been started so that it ignores the ends of children, and then they
    /// would vanish without a word, and their numbers with them.
    private static func heedEnds() {
        var action = sigaction()
        sigaction(SIGCHLD, nil, &action)
        let isIgnored = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
        guard isIgnored || action.sa_flags & SA_NOCLDWAIT != 0 else { return }
        if isIgnored { action.__sigaction_handler.sa_handler = SIG_DFL }
        action.sa_flags &= ~SA_NOCLDWAIT
        sigaction(SIGCHLD, &action, nil)
    }

    /// Sends a signal (kill(2)); a process that has ended already is no error.
    package func send(signal: CInt) { _ = kill(id, signal) }

    /// Sends a signal to all that is left of its process group (kill(2)).
    ///
    /// Only before it is reaped: until then no other group can have its number.
    package func sendToGroup(signal: CInt) { _ = kill(-id, signal) }

    /// Whether the process has ended, or was reaped already (waitid(2), `WNOWAIT`).
    ///
    /// It is not reaped by this: its number stays its own.
    package var hasEnded: Bool {
        var status = siginfo_t()
        let options = WEXITED | WNOHANG | WNOWAIT
        // The only failure is that there is no such child, which has ended then.
        guard (try? retrying { waitid(P_PID, id_t(id), &status, options) }) != nil else {
            return true
        }
        return status.si_signo == SIGCHLD
    }

    /// Waits for the end of the process and forgets it (waitpid(2)).
    ///
    /// After the one call that says how it ended, the number may belong to another process.
    package func waitAndReap() throws(Errno) -> ProcessEnding {
        var status: CInt = 0
        _ = try retrying { waitpid(id, &status, 0) }
        return ProcessEnding(waitStatus: status)
    }

    /// A descriptor that becomes readable when the process has ended (pidfd_open(2)).
    package func makeEndDescriptor() throws(Errno) -> Descriptor {
        let id = self.id
        return try preferring { () throws(Errno) in
            Descriptor(adopting: RawDescriptor(try retrying { clinux_pidfd_open(id) }))
        } or: { () throws(Errno) in
            try makePipe { _ in
                var status = siginfo_t()
                // The only failure is that there is no such child, which has ended then.
                _ = try? retrying { waitid(P_PID, id_t(id), &status, WEXITED | WNOWAIT) }
            }
        }
    }
}

/// Texts as C takes them, the last one followed by a null pointer.
private struct CWords {
    private let words: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>

    init(_ texts: [String]) {
        words = .allocate(capacity: texts.count + 1)
        _ = words.initialize(from: texts.map { strdup($0) } + [nil])
    }

    var base: UnsafePointer<UnsafeMutablePointer<CChar>?>? {
        words.baseAddress.map { UnsafePointer($0) }
    }
    var first: UnsafePointer<CChar>? { words[0].map { UnsafePointer($0) } }

    func free() {
        for word in words { Glibc.free(word) }
        words.deallocate()
    }
}
