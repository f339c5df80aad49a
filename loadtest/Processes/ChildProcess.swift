import CLinux
import Glibc
import Syscalls

/// A program that runs as a child of this process.
///
/// Its standard input is empty, and its standard output and error come through pipes that are read
/// without blocking. What starts it reaps it and closes the pipes.
package struct ChildProcess: Sendable {
    /// Asks a process to end.
    package static let terminate = SIGTERM
    /// Ends a process without asking.
    package static let kill = SIGKILL
    /// Stops a process without asking, until `goOn`.
    package static let halt = SIGSTOP
    package static let goOn = SIGCONT

    /// The number of the process; after it was reaped another one may have it.
    package var id: CInt { process.id }
    private let process: RunningProcess
    /// The reading end of what it writes to standard output, non-blocking.
    package let standardOutput: RawDescriptor
    /// The reading end of what it writes to standard error, non-blocking.
    package let standardError: RawDescriptor

    /// How a process ended.
    package typealias Ending = ProcessEnding

    /// Starts a program. `arguments` begin with the name that it is to see as its own; a `path`
    /// without a slash is looked for as a shell does (`PATH`).
    ///
    /// It leads a process group of its own: a Ctrl-C at the terminal is for us, and we say when the
    /// child is to end.
    ///
    /// With `endsWithThread` the kernel kills it when the calling thread ends, however that comes
    /// (prctl(2), `PR_SET_PDEATHSIG`): call it from the main thread.
    package static func start(
        _ path: String,
        arguments: [String],
        endsWithThread: Bool = false
    ) throws(Errno) -> ChildProcess {
        let output = try makePipe()
        let error: (reading: RawDescriptor, writing: RawDescriptor)
        do throws(Errno) {
            error = try makePipe()
        } catch {
            output.reading.close()
            output.writing.close()
            throw error
        }
        defer {
            output.writing.close()
            error.writing.close()
        }
        do throws(Errno) {
            // The flag belongs to the open pipe, which the child shares: its writes must not fail.
            try output.writing.setBlocking()
            try error.writing.setBlocking()
            var program = Program(path, arguments: arguments)
            program.streams = (nil, output.writing, error.writing)
            program.endsWithThread = endsWithThread
            return ChildProcess(
                process: try spawn(program),
                standardOutput: output.reading,
                standardError: error.reading
            )
        } catch let failure {
            output.reading.close()
            error.reading.close()
            throw failure
        }
    }

    private static func spawn(_ program: Program) throws(Errno) -> RunningProcess {
        do throws(StartFailure) {
            let process = try RunningProcess.start(program)
            started.withLock { _ = $0.insert(process.id) }
            return process
        } catch {
            throw error.errno
        }
    }

    /// Those that were started and not reaped yet.
    private static let started = Guarded<Set<CInt>>([])
    private static let adoptsOrphans = Guarded(false)

    /// Makes this process the parent of what its children leave behind, however deep (prctl(2),
    /// `PR_SET_CHILD_SUBREAPER`), so that `killOrphans` finds it.
    package static func adoptOrphans() {
        adoptsOrphans.withLock { $0 = clinux_prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 }
    }

    /// Kills what ended children have left behind, as a program does that goes into the background.
    package static func killOrphans() {
        guard adoptsOrphans.withLock({ $0 }) else { return }
        let known = started.withLock { $0 }
        for orphan in ProcessTree.children(of: getpid()) where !known.contains(orphan) {
            // It is ours, so its number stays its own until it is reaped here.
            _ = Glibc.kill(orphan, SIGKILL)
            _ = try? retrying { waitpid(orphan, nil, 0) }
        }
    }

    /// Sends a signal (kill(2)); a process that has ended already is no error.
    package func send(signal: Int32) { process.send(signal: signal) }

    /// Sends a signal to all that is left of its process group (kill(2)).
    ///
    /// Only before it is reaped: until then no other group can have its number.
    package func sendToGroup(signal: Int32) { process.sendToGroup(signal: signal) }

    /// Whether the process has ended, or was reaped already; it is not reaped by this.
    package var hasEnded: Bool { process.hasEnded }

    /// Waits for the end of the process and forgets it (waitpid(2)).
    ///
    /// After the one call that says how it ended, the number may belong to another process.
    package func waitAndReap() throws(Errno) -> Ending {
        let ending = try process.waitAndReap()
        ChildProcess.started.withLock { _ = $0.remove(id) }
        return ending
    }

    /// A descriptor that becomes readable when the process has ended (pidfd_open(2)).
    package func makeEndDescriptor() throws(Errno) -> Descriptor {
        try process.makeEndDescriptor()
    }
}

extension ProcessEnding {
    /// What a shell would report: the code, or 128 and the signal.
    package var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .killed(let signal): 128 + signal
        }
    }
}
