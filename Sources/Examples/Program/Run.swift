import Flags
import Glibc
import Swiftlet
import Syscalls

// `example NAME …`: finds the program, reads its command line, runs it on a loop, and says why it
// ended.

/// Runs the command `example` and returns its exit code.
package func runExample(arguments: [String]) -> Int32 {
    ignoreBrokenPipes()
    guard let name = arguments.first, !["help", "--help", "-h"].contains(name) else {
        return answer(Program.list)
    }
    if name == "--version" { return answer("swiftlet \(packageVersion)") }
    do throws(UsageError) {
        let program = try Program.named(name)
        let arguments = try program.table.parse(Array(arguments.dropFirst()))
        if let form = arguments.help { return answer(program.table.help(form)) }
        if arguments.wantsVersion { return answer("swiftlet \(packageVersion)") }
        return run(program, arguments)
    } catch {
        return fail("example: \(error)", UsageError.exitCode)
    }
}

extension Program {
    /// What `example` alone prints: a line for each program.
    static var list: String {
        let width = all.map(\.name.count).max() ?? 0
        let lines = all.map { program in
            let gap = String(repeating: " ", count: width - program.name.count + 2)
            return "  \(program.name)\(gap)\(program.table.summary)"
        }
        return ["usage: example NAME [options]; example NAME --help tells more", ""]
            .joined(separator: "\n") + "\n" + lines.joined(separator: "\n")
    }

    static func named(_ name: String) throws(UsageError) -> Program {
        if let program = all.first(where: { $0.name == name }) { return program }
        let close = nearest(to: name, among: all.map(\.name)).map { "did you mean \($0)?" }
        throw UsageError("no program '\(name)'; \(close ?? "example --help lists them")")
    }
}

private func run(_ program: Program, _ arguments: Arguments) -> Int32 {
    do {
        try EventLoop.run(driver: .epoll) { try await program.body(arguments) }
        return 0
    } catch let ending as ExitCode {
        return ending.code
    } catch {
        return fail("example \(program.name): \(error)", exitCode(of: error))
    }
}

/// What a program ends with that throws `error`.
private func exitCode(of error: any Error) -> Int32 {
    switch error {
    case is UsageError, is SocketAddress.ParseError: UsageError.exitCode
    case let failure as Failure: failure.code.rawValue
    case is BrokenFrame: Failure.Code.data.rawValue
    case let error as IOError where error.isAboutTheAddress: Failure.Code.unavailable.rawValue
    default: Failure.Code.io.rawValue
    }
}

extension IOError {
    fileprivate var isAboutTheAddress: Bool {
        [.open, .bind, .listen, .connect, .address, .resolve].contains(operation)
    }
}

/// Prints what was asked for. A reader that has gone, as in `| head -1`, has all it wanted.
private func answer(_ text: String) -> Int32 {
    do throws(Errno) {
        try File.write(text + "\n", to: File.standardOutput)
        return 0
    } catch .brokenPipe {
        return 0
    } catch {
        return fail("example: cannot write to standard output: \(error)", Failure.Code.io.rawValue)
    }
}

private func fail(_ message: String, _ code: Int32) -> Int32 {
    // It may have words of the other side, and a terminal obeys some.
    StandardError.say(printable(message), patience: .seconds(1))
    return code
}
