import Drivers
import Flags
import Glibc
import Swiftlet
import Syscalls

/// What the command ends with (sysexits(3)).
private enum ExitCode {
    static let success: Int32 = 0
    static let usage = UsageError.exitCode
    /// The address cannot be listened on.
    static let unavailable: Int32 = 69
    /// A limit of the system.
    static let systemLimit: Int32 = 71
    /// What was asked for cannot be written.
    static let cannotWrite: Int32 = 73
}

/// Runs the echo server as a command and returns its exit code.
package func runEchoServer(command: String, arguments: [String]) -> Int32 {
    ignoreBrokenPipes()
    let table = EchoOptions.table(command: command)
    do throws(UsageError) {
        let arguments = try table.parse(arguments)
        if let form = arguments.help { return answer(table.help(form), command) }
        if arguments.wantsVersion { return answer("swiftlet \(packageVersion)", command) }
        return serve(try EchoOptions(arguments), command: command)
    } catch {
        return fail("\(command): \(error)", ExitCode.usage)
    }
}

/// Prints what was asked for. A reader that has gone, as in `| head -1`, has all it wanted.
private func answer(_ text: String, _ command: String) -> Int32 {
    do throws(Errno) {
        try File.write(text + "\n", to: File.standardOutput)
        return ExitCode.success
    } catch .brokenPipe {
        return ExitCode.success
    } catch {
        return fail(
            "\(command): cannot write to standard output: \(error)", ExitCode.cannotWrite)
    }
}

/// Says why the command ends, and gives the code that it ends with.
private func fail(_ message: String, _ code: Int32) -> Int32 {
    StandardError.say(message, patience: lastWordsPatience)
    return code
}

/// How long the last words of a server wait for a reader: it must end when it is told to.
private let lastWordsPatience = Duration.seconds(1)

private func serve(_ options: EchoOptions, command: String) -> Int32 {
    if let parent = options.parent { endWithParent(parent) }
    let signals = SignalSet(
        [SIGINT, SIGTERM, SIGUSR1].filter { !SignalSet.ignoredAtStart.contains($0) })
    signals.block()
    // Every connection takes a descriptor, and the soft limit is often 1,024. Where it may not be
    // raised, the service has what there is.
    _ = try? DescriptorLimit.raise()
    do {
        let service = options.model.service
        let counters = try service.run(options, stoppedBy: signals) { address in
            // A server without a reader of this line serves as well as one that has it.
            try? File.write(options.readyLine(at: address) + "\n", to: File.standardOutput)
        }
        StandardError.say(counters.json, patience: lastWordsPatience)
        return ExitCode.success
    } catch let error as IOError {
        return report(error, options: options, command: command)
    } catch {
        return fail("\(command): \(error)", ExitCode.systemLimit)
    }
}

private func report(_ error: IOError, options: EchoOptions, command: String) -> Int32 {
    // What is not about one of several addresses names the first.
    let isUnix = (error.address ?? options.services[0].address).isUnix
    let advice = advice(on: error, isUnix: isUnix, options).map { "; \($0)" } ?? ""
    let address = error.address.map { "\($0)" } ?? "\(options.services[0])"
    // Its address stands before it already.
    let error = IOError(error.operation, error.reason)
    return fail(
        "\(command): cannot serve on \(address): \(error)\(advice)",
        error.isAboutTheAddress ? ExitCode.unavailable : ExitCode.systemLimit)
}

/// What can be done about an error; nil where it says all that is known.
private func advice(on error: IOError, isUnix: Bool, _ options: EchoOptions) -> String? {
    guard case .system(let errno) = error.reason else { return nil }
    switch (error.operation, errno) {
    case (.bind, .addressInUse) where isUnix:
        return "another server listens there, or it is a file of another kind"
    case (.bind, .addressInUse):
        return "another server has the port: choose one, or 0 for a free one"
    case (.bind, .addressNotAvailable):
        return "this machine has no such address: see 'ip address'"
    case (.bind, .accessDenied) where isUnix:
        return "the directory must be one that this user may write to"
    case (.bind, .accessDenied): return "ports below 1024 need privileges"
    case (_, .tooManyOpenFiles): return "raise the limit: see 'ulimit -n'"
    case (.wait, _):
        return (options.model == .ioUring ? .ioUring : options.driver).remedy(for: errno)
    default: return nil
    }
}

extension IOError {
    /// Whether another address might do; else a limit of the system is in the way.
    fileprivate var isAboutTheAddress: Bool {
        guard case .system(let errno) = reason else { return false }
        return [.open, .bind, .listen, .address].contains(operation) && !errno.meansExhaustion
    }
}
