import Drivers
import Processes
import Syscalls

// Other people's servers: they are told a port, and say nothing about themselves.
extension ServerProcess {
    /// Between two attempts to reach a server that is starting.
    private static let pause = Duration.milliseconds(10)
    /// How long it may take for its first echo once it has been reached.
    private static let echoTimeout = Duration.seconds(5)

    /// Starts a program that is to listen on `port` of 127.0.0.1, and waits until it echoes.
    ///
    /// `words` are the program and its arguments; the program is looked for as a shell does.
    package static func start(
        foreign words: [String], port: UInt16, readyWithin timeout: Duration = .seconds(10)
    ) throws(Failure) -> ServerProcess {
        let child: ChildProcess
        do throws(Errno) {
            child = try .start(words.first ?? "", arguments: words)
        } catch {
            throw .notStarted(error)
        }
        let address = SocketAddress(loopbackPort: port)
        let deadline = Instant.now.advanced(by: timeout)
        var said: [UInt8] = []
        while !child.hasEnded, Instant.now < deadline {
            let limit = max(deadline, Instant.now.advanced(by: echoTimeout))
            switch EchoProbe.ask(address, until: limit) {
            case .echoed:
                let ready = ReadyLine(address: address, model: "", driver: "")
                return ServerProcess(child: child, ready: ready, asked: .group, said: said)
            case .wrong(let reason):
                // A server that was ended by somebody cannot echo, and that is not its fault.
                if child.hasEnded { break }
                _ = child.end(.group, within: .seconds(1))
                throw .noEcho(reason)
            case .unreachable: listen(to: child, for: pause, keeping: &said)
            }
        }
        let endedEarly = child.hasEnded
        let ended = child.end(.group, within: endedEarly ? .zero : .seconds(1), after: said)
        if endedEarly {
            throw .endedEarly(exitCode: ended.exitCode, standardError: ended.standardError)
        }
        throw .notListening(port: port, waited: timeout, standardError: ended.standardError)
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
