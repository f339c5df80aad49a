import Syscalls

/// The bundled server in a process of its own, so that its CPU and memory can be told apart.
///
///     let server = try ServerProcess.start(
///         "/proc/self/exe", arguments: ["loadtest", "echo", "--listen", "127.0.0.1:0", "--exit-with-parent"])
///     plan.target = server.address
///     plan.serverProcess = server.id
///     …
///     let ended = server.stop()
package final class ServerProcess: Sendable {
    /// The process's number.
    package let id: CInt
    /// Where it listens, from its ready line.
    package let address: SocketAddress
    /// What it says it is, from its ready line: "coroutine", "poll".
    package let model: String
    package let driver: String

    /// Why there is no server.
    package enum Failure: Error, Sendable, CustomStringConvertible {
        case notStarted(Errno)
        /// It ended, or closed its output, before it was ready; with what it wrote to standard error.
        case endedEarly(standardError: String)
        /// It said something else than its ready line.
        case notReady(line: String)
        case tooSlow(waited: Duration)

        package var description: String { "" }
    }

    /// How the server ended.
    package struct Ended: Sendable, Equatable {
        /// Exit code, or 128 and the signal that ended it.
        package var exitCode: Int32
        /// Whether it had to be killed because it did not end in time.
        package var wasKilled: Bool
        /// All that it wrote to standard error.
        package var standardError: String
        /// The last line of it when that is a JSON object: the server's counters.
        package var counters: String?
    }

    private init(id: CInt, address: SocketAddress, model: String, driver: String) {
        self.id = id
        self.address = address
        self.model = model
        self.driver = driver
    }

    /// Starts an executable and waits for its ready line. `arguments` start with the program's own name.
    package static func start(
        _ path: String, arguments: [String], readyWithin timeout: Duration = .seconds(10)
    ) throws(Failure) -> ServerProcess {
        throw .notStarted(.invalidArgument)
    }

    /// Whether it still runs.
    package var isRunning: Bool { false }

    /// Asks it to end (SIGTERM), kills it when it does not in time, and takes what it left behind.
    package func stop(within grace: Duration = .seconds(5)) -> Ended {
        Ended(exitCode: 0, wasKilled: false, standardError: "", counters: nil)
    }
}
