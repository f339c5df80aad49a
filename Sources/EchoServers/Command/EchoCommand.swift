import Drivers
import Flags
import Glibc
import Swiftlet
import Syscalls

/// Runs the echo server as a command and returns its exit code.
///
/// 0 is an orderly stop, 64 bad usage, 69 an address that cannot be listened on, 71 a limit of the
/// system.
package func runEchoServer(command: String, arguments: [String]) -> Int32 {
    let table = EchoOptions.table(command: command)
    do throws(UsageError) {
        let arguments = try table.parse(arguments)
        if arguments.wantsHelp {
            say(table.help, on: STDOUT_FILENO)
            return 0
        }
        if arguments.wantsVersion {
            say("swiftlet \(packageVersion)", on: STDOUT_FILENO)
            return 0
        }
        return serve(try EchoOptions(arguments), command: command)
    } catch {
        say("\(command): \(error)", on: STDERR_FILENO)
        return 64
    }
}

private func serve(_ options: EchoOptions, command: String) -> Int32 {
    ignoreBrokenPipes()
    if let parent = options.parent { endWithParent(parent) }
    // Only event loops can be asked what waits; elsewhere SIGUSR1 does what it always does.
    let questions = options.model == .coroutine ? [SIGUSR1] : []
    let signals = SignalSet([SIGINT, SIGTERM] + questions)
    signals.block()
    do {
        // Every connection takes a descriptor; the soft limit is often 1,024.
        _ = try DescriptorLimit.raise()
        let service = options.model.service
        let counters = try service.run(options, stoppedBy: signals) { address in
            say(options.readyLine(at: address), on: STDOUT_FILENO)
        }
        say(counters.json, on: STDERR_FILENO)
        return 0
    } catch let error as IOError {
        return report(error, options: options, command: command)
    } catch {
        say("\(command): \(error)", on: STDERR_FILENO)
        return 71
    }
}

private func report(_ error: IOError, options: EchoOptions, command: String) -> Int32 {
    var advice = ""
    if case .system(let errno) = error.reason {
        switch errno {
        case .addressInUse:
            advice = "; another server has the port: choose one, or 0 for a free one"
        case .addressNotAvailable: advice = "; this machine has no such address: see 'ip address'"
        case .accessDenied: advice = "; ports below 1024 need privileges"
        default: break
        }
        let driver = options.model == .ioUring ? .ioUring : options.driver
        if error.operation == .wait, let remedy = driver.remedy(for: errno) {
            advice = "; \(remedy)"
        }
    }
    say("\(command): cannot serve on \(options.address): \(error)\(advice)", on: STDERR_FILENO)
    let isAboutTheAddress = [.open, .bind, .listen, .address].contains(error.operation)
    return isAboutTheAddress ? 69 : 71
}

/// Writes a line on standard error while the service goes on.
func sayAside(_ line: String) { say(line, on: STDERR_FILENO) }

/// Writes a line at once. A reader that has gone away is no reason to stop serving.
private func say(_ line: String, on descriptor: CInt) {
    var bytes = Array((line + "\n").utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { memory in
            // Nobody reads any more: the line is lost, and nothing else.
            (try? RawDescriptor(descriptor).write(memory)) ?? memory.count
        }
        bytes = bytes.dropFirst(count)
    }
}
