import Drivers
import Syscalls

/// The bundled server in a process of its own, so that its CPU and memory can be told apart.
///
///     let server = try ServerProcess.start(
///         "/proc/self/exe",
///         arguments: ["loadtest", "echo", "--listen", "127.0.0.1:0", "--exit-with-parent"])
///     plan.target = server.address
///     plan.serverProcess = server.id
///     …
///     let ended = server.stop()
///
/// Start it from the main thread: what ends a child with its parent watches the thread that started
/// it.
package final class ServerProcess: Sendable {
    private let ready: ReadyLine
    private let child: ChildProcess
    private let outcome = Guarded<Outcome>(.running)

    private enum Outcome {
        case running
        case reaped(ChildProcess.Ending)
        case ended(Ended)
    }

    /// Why there is no server.
    package enum Failure: Error, Sendable, CustomStringConvertible {
        case notStarted(Errno)
        /// It ended before it was ready; with what it wrote to standard error.
        case endedEarly(exitCode: Int32, standardError: String)
        /// It said something else than its ready line.
        case notReady(line: String)
        case tooSlow(waited: Duration)

        package var description: String {
            switch self {
            case .notStarted(let error):
                "the server could not be started: \(error)"
            case .endedEarly(let code, let text):
                "the server ended with code \(code) before it listened: \(text)"
            case .notReady(let line):
                "the server said '\(line)' instead of where it listens"
            case .tooSlow(let waited):
                "the server did not say where it listens within \(waited)"
            }
        }
    }

    /// How the server ended.
    package struct Ended: Sendable, Equatable {
        /// Exit code, or 128 and the signal that ended it.
        package var exitCode: Int32
        /// Whether it had to be killed because it did not end in time.
        package var wasKilled: Bool
        /// All that it wrote to standard error.
        package var standardError: String

        /// The last line of standard error when that is a JSON object: the server's counters.
        package var counters: String? {
            guard let line = standardError.split(whereSeparator: \.isNewline).last,
                line.hasPrefix("{"), line.hasSuffix("}")
            else { return nil }
            return String(line)
        }
    }

    private init(child: ChildProcess, ready: ReadyLine) {
        self.child = child
        self.ready = ready
    }

    deinit { _ = stop(within: .zero) }

    /// The process's number.
    package var id: CInt { child.id }
    /// Where it listens, from its ready line.
    package var address: SocketAddress { ready.address }
    /// What it says it is, from its ready line: "coroutine", "poll".
    package var model: String { ready.model }
    package var driver: String { ready.driver }

    /// Starts an executable and waits for its ready line.
    ///
    /// `arguments` start with the name that the program is to see as its own.
    package static func start(
        _ path: String,
        arguments: [String],
        readyWithin timeout: Duration = .seconds(10)
    ) throws(Failure) -> ServerProcess {
        let child: ChildProcess
        do throws(Errno) {
            child = try .start(path, arguments: arguments)
        } catch {
            throw .notStarted(error)
        }
        let deadline = Instant.now.advanced(by: timeout)
        let said = readOutput(of: child, until: deadline)
        if said.hasLine, let ready = ReadyLine(said.text) {
            return ServerProcess(child: child, ready: ready)
        }
        // Whatever went wrong, no process stays behind.
        let ended = end(child, within: said.isAtEnd ? .seconds(1) : .zero)
        if said.hasLine { throw .notReady(line: said.text) }
        if said.isAtEnd {
            throw .endedEarly(exitCode: ended.exitCode, standardError: ended.standardError)
        }
        throw .tooSlow(waited: timeout)
    }

    /// Whether it still runs.
    package var isRunning: Bool {
        outcome.withLock { outcome in
            guard case .running = outcome else { return false }
            // The only failure is that there is no such child, which is not running either.
            guard let ending = try? child.reap() else { return true }
            outcome = .reaped(ending)
            return false
        }
    }

    /// Asks it to end (SIGTERM), kills it when it does not in time, and takes what it left behind.
    ///
    /// The same again when called again.
    package func stop(within grace: Duration = .seconds(5)) -> Ended {
        outcome.withLock { outcome in
            let ended: Ended
            switch outcome {
            case .ended(let before): return before
            case .running: ended = ServerProcess.end(child, within: grace)
            case .reaped(let ending): ended = ServerProcess.collect(from: child, ending)
            }
            outcome = .ended(ended)
            return ended
        }
    }

    // What happens to the child.

    private static func end(_ child: ChildProcess, within grace: Duration) -> Ended {
        var text: [UInt8] = []
        let deadline = Instant.now.advanced(by: grace)
        child.send(signal: ChildProcess.terminate)
        let hasEnded = awaitEnd(of: child, until: deadline, keeping: &text)
        if !hasEnded { child.send(signal: ChildProcess.kill) }
        // It has ended or is about to; the only failure is that somebody else has reaped it.
        let ending = (try? child.waitAndReap()) ?? .exited(code: 0)
        return collect(from: child, ending, wasKilled: !hasEnded, after: text)
    }

    /// Waits for the end of the child, and reads what it writes meanwhile, so that it is not held
    /// up.
    private static func awaitEnd(
        of child: ChildProcess,
        until deadline: Instant,
        keeping text: inout [UInt8]
    ) -> Bool {
        // Without descriptors to watch with, the child is given no time: it is killed and reaped.
        guard let end = try? child.makeEndDescriptor(), let driver = try? PollDriver(),
            (try? driver.setInterest(.readable, in: end.raw)) != nil,
            (try? driver.setInterest(.readable, in: child.standardError)) != nil
        else { return false }
        var ready: [Readiness] = []
        repeat {
            ready.removeAll()
            // A driver that cannot wait means what a passed deadline means.
            guard (try? driver.wait(until: deadline, into: &ready)) != nil else { return false }
            if ready.contains(where: { $0.descriptor == end.raw }) { return true }
            if !ready.isEmpty, !child.standardError.readAvailable(into: &text) {
                // At its end it is read no more; the driver may forget it or not.
                try? driver.setInterest([], in: child.standardError)
            }
        } while Instant.now < deadline
        return false
    }

    private static func collect(
        from child: ChildProcess,
        _ ending: ChildProcess.Ending,
        wasKilled: Bool = false,
        after text: [UInt8] = []
    ) -> Ended {
        var text = text
        _ = child.standardError.readAvailable(into: &text)
        child.standardError.close()
        child.standardOutput.close()
        return Ended(
            exitCode: ending.shellCode,
            wasKilled: wasKilled,
            standardError: String(decoding: text, as: UTF8.self)
        )
    }

    private struct Said {
        var text = ""
        var hasLine = false
        var isAtEnd = false
    }

    /// Reads the first line that the child writes.
    private static func readOutput(of child: ChildProcess, until deadline: Instant) -> Said {
        var said = Said()
        // Without a driver nothing can be heard, which is what the caller then reports.
        guard let driver = try? PollDriver(),
            (try? driver.setInterest(.readable, in: child.standardOutput)) != nil
        else { return said }
        var bytes: [UInt8] = []
        var ready: [Readiness] = []
        while !said.hasLine, !said.isAtEnd, Instant.now < deadline {
            ready.removeAll()
            // As above.
            guard (try? driver.wait(until: deadline, into: &ready)) != nil else { break }
            if !ready.isEmpty { said.isAtEnd = !child.standardOutput.readAvailable(into: &bytes) }
            said.hasLine = bytes.contains(UInt8(ascii: "\n"))
        }
        said.text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return said
    }
}

/// What a server prints when it listens: `listening on 127.0.0.1:7788 (coroutine, poll)`.
package struct ReadyLine: Equatable, Sendable {
    package let address: SocketAddress
    package let model: String
    package let driver: String

    /// Reads the line; nil when it is another one.
    package init?(_ line: String) {
        let words = line.split(separator: " ")
        // Another text than an address makes it another line.
        guard words.count == 5, words[0] == "listening", words[1] == "on",
            let address = try? SocketAddress(String(words[2])),
            words[3].hasPrefix("("), words[3].hasSuffix(","), words[4].hasSuffix(")")
        else { return nil }
        self.address = address
        model = String(words[3].dropFirst().dropLast())
        driver = String(words[4].dropLast())
    }
}
