import Flags
import Reports
import Syscalls

/// The files that a command is to write: found out before it runs whether they can be, and written
/// whole or not at all, but for a log, which grows while the command runs.
struct OutputFiles {
    /// By the option that names each, in the order in which they are written; "-" is standard
    /// output.
    private let paths: [(option: String, path: String)]

    /// Takes what the options name; an option that was not given has no file.
    init(_ named: KeyValuePairs<String, String?>) {
        paths = named.compactMap { option, path in path.map { (option, $0) } }
    }

    /// Throws for the first file that cannot be written, or that is an input or another output too.
    func check(inputs: [String] = []) throws(Stop) {
        for (index, (option, path)) in paths.enumerated() {
            if path != "-", let input = inputs.first(where: { File.isSame(path, as: $0) }) {
                throw OutputFiles.usage(option, path, "\(input) is read: give another file")
            }
            if let other = paths[..<index].first(where: { File.isSame(path, as: $0.path) }) {
                throw OutputFiles.usage(
                    option, path, "--\(other.option) writes there too: give two files")
            }
        }
        for (option, path) in paths where path != "-" {
            do throws(Errno) {
                try File.checkReplacing(path)
            } catch {
                throw OutputFiles.stop(option, path, "\(error); nothing was run")
            }
        }
    }

    /// Opens the file of an option for what is written while the command runs.
    func open(_ option: String, _ path: String) throws(Stop) -> Descriptor {
        do throws(Errno) {
            return try File.openEmptied(path)
        } catch {
            throw OutputFiles.stop(option, path, "\(error); nothing was run")
        }
    }

    /// Throws when a directory that an option names is not there.
    static func check(directory path: String, _ option: String) throws(Stop) {
        if File.isDirectory(path) { return }
        throw stop(option, path, "there is no such directory; nothing was run")
    }

    /// Whether no file was asked for.
    var isEmpty: Bool { paths.isEmpty }

    /// Writes the file of an option, if one was asked for.
    func write(_ option: String, _ text: @autoclosure () -> String) throws(Stop) {
        guard let path = paths.first(where: { $0.option == option })?.path else { return }
        try OutputFiles.write(text(), to: path, option)
    }

    /// The same; false when it could not be written, which has been said then.
    func write(_ option: String, _ text: () -> String) -> Bool {
        do throws(Stop) {
            try write(option, text())
            return true
        } catch {
            _ = Output.complain(error.message, exit: error.exitCode)
            return false
        }
    }

    /// Writes a text to the file that an option names.
    static func write(_ text: String, to path: String, _ option: String) throws(Stop) {
        do throws(Errno) {
            guard path == "-" else { return try File.replace(path, with: text) }
            try File.write(text, to: File.standardOutput)
        } catch .brokenPipe {
            // A reader that has gone, as in `| head -1`, has all it wanted.
        } catch {
            throw stop(option, path, "\(error)")
        }
    }

    private static func usage(_ option: String, _ path: String, _ reason: String) -> Stop {
        Stop(message: "--\(option) \(path): \(reason)", exitCode: UsageError.exitCode)
    }

    private static func stop(_ option: String, _ path: String, _ reason: String) -> Stop {
        Stop(
            message: "cannot write --\(option) \(path): \(reason)", exitCode: ExitCode.cannotWrite)
    }
}
