import Drivers
import Processes
import Syscalls

/// A server in a process of its own, so that its CPU and memory can be told apart.
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
/// it. Other people's servers print no such line; they are told a port and asked until they echo.
package final class ServerProcess: Sendable {
    /// Where it listens.
    package let address: SocketAddress
    /// What it says it is, from its ready line: "coroutine", "poll"; empty when it says nothing.
    package let model: String
    package let driver: String
    private let child: ChildProcess
    private let asked: ChildProcess.Asked
    private let state: Guarded<State>

    private struct State {
        /// What it wrote to standard error so far, or the end of it.
        var said: [UInt8]
        var ended: Ended?
    }

    /// Why there is no server.
    package enum Failure: Error, Sendable, CustomStringConvertible {
        case notStarted(Errno)
        /// It ended before it was ready; with what it wrote to standard error.
        case endedEarly(exitCode: Int32, standardError: String)
        /// It said something else than its ready line.
        case notReady(line: String)
        case tooSlow(waited: Duration)
        /// It was to listen on an address that was given to it; with what it wrote.
        case notListening(on: SocketAddress, waited: Duration, standardError: String)
        /// It listens, and its first answer was not what had been sent.
        case noEcho(String)

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
            case .notListening(let address, let waited, let text):
                "the server did not listen on \(address) within \(waited)"
                    + (text.isEmpty ? "" : ": \(text)")
            case .noEcho(let reason):
                "the server listens and does not echo: \(reason)"
            }
        }
    }

    /// How the server ended.
    package struct Ended: Sendable, Equatable {
        /// Exit code, or 128 and the signal that ended it.
        package var exitCode: Int32
        /// Whether it had to be killed because it did not end in time.
        package var wasKilled: Bool
        /// What it wrote to standard error: all of it, or the last 64 KiB and what came at its end.
        package var standardError: String

        /// The last line of standard error when that is a JSON object: the server's counters.
        package var counters: String? {
            guard let line = standardError.split(whereSeparator: \.isNewline).last,
                line.hasPrefix("{"), line.hasSuffix("}")
            else { return nil }
            return String(line)
        }
    }

    init(
        child: ChildProcess, ready: ReadyLine, asked: ChildProcess.Asked = .process,
        said: [UInt8] = []
    ) {
        self.child = child
        self.asked = asked
        address = ready.address
        model = ready.model
        driver = ready.driver
        state = Guarded(State(said: said))
    }

    deinit { _ = stop(within: .zero) }

    /// The process's number.
    package var id: CInt { child.id }

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
        let ended = child.end(within: said.isAtEnd ? .seconds(1) : .zero)
        if said.hasLine { throw .notReady(line: said.text) }
        if said.isAtEnd {
            throw .endedEarly(exitCode: ended.exitCode, standardError: ended.standardError)
        }
        throw .tooSlow(waited: timeout)
    }

    /// Whether it still runs.
    package var isRunning: Bool { state.withLock { $0.ended == nil } && !child.hasEnded }

    /// The most of its words that are kept while it runs, in bytes.
    private static let wordsMax = 64 << 10

    /// Takes what it wrote meanwhile, so that a server that writes a lot is not held up by a full
    /// pipe. Call it now and then while it runs.
    package func takeOutput() {
        state.withLock { state in
            guard state.ended == nil else { return }
            var output: [UInt8] = []
            _ = child.standardOutput.readAvailable(into: &output)
            _ = child.standardError.readAvailable(into: &state.said)
            state.said.removeFirst(max(0, state.said.count - Self.wordsMax))
        }
    }

    /// Asks it to end (SIGTERM), kills it when it does not in time, and takes what it left behind.
    /// What is left of its group when it has ended is killed.
    ///
    /// The same again when called again.
    package func stop(within grace: Duration = .seconds(5)) -> Ended {
        state.withLock { state in
            if let ended = state.ended { return ended }
            let ended = child.end(asked, within: grace, after: state.said)
            ServerProcess.removeFile(of: address)
            state = State(said: [], ended: ended)
            return ended
        }
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

// Other people's servers: they are told an address, and say nothing about themselves.
extension ServerProcess {
    /// Between two attempts to reach a server that is starting.
    private static let pause = Duration.milliseconds(10)
    /// How long it may take for its first echo once it has been reached.
    private static let echoTimeout = Duration.seconds(5)

    /// Starts a program that is to listen on one of `addresses`, with sockets of a kind, and waits
    /// until it echoes there.
    ///
    /// `words` are the program and its arguments; the program is looked for as a shell does. With
    /// `endsWithThread` the kernel kills it when the calling thread ends. Waiting ends early when
    /// `goesOn` says no.
    package static func start(
        foreign words: [String], at addresses: [SocketAddress], by kind: SocketKind = .stream,
        readyWithin timeout: Duration = .seconds(60),
        endsWithThread: Bool = false, while goesOn: () -> Bool = { true }
    ) throws(Failure) -> ServerProcess {
        let child: ChildProcess
        do throws(Errno) {
            child = try .start(
                words.first ?? "", arguments: words, endsWithThread: endsWithThread)
        } catch {
            throw .notStarted(error)
        }
        let deadline = Instant.now.advanced(by: timeout)
        var said: [UInt8] = []
        while !child.hasEnded, Instant.now < deadline, goesOn() {
            for address in addresses where !child.hasEnded {
                let limit = max(deadline, Instant.now.advanced(by: echoTimeout))
                switch EchoProbe.ask(address, by: kind, until: limit) {
                case .echoed:
                    let ready = ReadyLine(address: address, model: "", driver: "")
                    return ServerProcess(child: child, ready: ready, asked: .group, said: said)
                case .wrong(let reason):
                    // A server that was killed from outside cannot echo, and that is not its fault.
                    if child.hasEnded { break }
                    _ = child.end(.group, within: .seconds(1))
                    removeFile(of: address)
                    throw .noEcho(reason)
                case .unreachable: break
                }
            }
            listen(to: child, for: pause, keeping: &said)
        }
        let endedEarly = child.hasEnded
        let ended = child.end(.group, within: endedEarly ? .zero : .seconds(1), after: said)
        for address in addresses { removeFile(of: address) }
        if endedEarly {
            throw .endedEarly(exitCode: ended.exitCode, standardError: ended.standardError)
        }
        throw .notListening(on: addresses[0], waited: timeout, standardError: ended.standardError)
    }

    /// Removes the file of a Unix socket that a server has left behind.
    private static func removeFile(of address: SocketAddress) {
        // There is none at another address, and none where the server has removed it, as it should.
        try? address.removeFile()
    }

    /// Waits, unless the child ends or writes something; what it wrote is read.
    private static func listen(
        to child: ChildProcess, for pause: Duration, keeping said: inout [UInt8]
    ) {
        let deadline = Instant.now.advanced(by: pause)
        // Without a driver there is no pause, and the next attempt comes sooner.
        if let driver = try? PollDriver(), let end = try? child.makeEndDescriptor(),
            (try? driver.setInterest(.readable, in: end.raw)) != nil
        {
            var ready: [Readiness] = []
            // As above.
            try? driver.wait(until: deadline, into: &ready)
        }
        var output: [UInt8] = []
        _ = child.standardOutput.readAvailable(into: &output)
        _ = child.standardError.readAvailable(into: &said)
    }
}

/// What a server prints when it listens: `listening on 127.0.0.1:7788 (coroutine, poll)`.
package struct ReadyLine: Equatable, Sendable {
    package let address: SocketAddress
    package let model: String
    package let driver: String

    init(address: SocketAddress, model: String, driver: String) {
        self.address = address
        self.model = model
        self.driver = driver
    }

    /// Reads the line; nil when it is another one.
    package init?(_ line: String) {
        let words = line.split(separator: " ")
        // Another text than an address makes it another line.
        guard words.count == 5, words[0] == "listening", words[1] == "on",
            let service = ServiceAddress(String(words[2])),
            words[3].hasPrefix("("), words[3].hasSuffix(","), words[4].hasSuffix(")")
        else { return nil }
        address = service.address
        model = String(words[3].dropFirst().dropLast())
        driver = String(words[4].dropLast())
    }
}
