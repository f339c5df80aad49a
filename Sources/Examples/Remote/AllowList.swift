import Swiftlet

/// The commands that clients may run, by the names that they call them by: a file with lines of
///
///     NAME PROGRAM [ARGUMENT...] [*]
///
/// A list of what is allowed, because no list of what is forbidden is ever complete. The arguments
/// are those of the line; only behind a `*` may a client add its own, and a program for which that
/// is harmless is harder to find than one thinks: `tar`, `find`, `git` and `ssh` all run others.
struct AllowList: Sendable {
    struct Command: Equatable, Sendable {
        let program: String
        let arguments: [String]
        let takesMore: Bool
    }

    private static let sizeMax = 1 << 20
    private var commands: [String: Command] = [:]

    var names: [String] { commands.keys.sorted() }

    /// Reads lines; those that are empty or begin with # are passed over.
    init(_ text: String, from path: String) throws(Failure) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            let takesMore = words.count > 2 && words.last == "*"
            if takesMore { words.removeLast() }
            // Looked for in PATH, it would be another program where PATH is another one.
            guard words.count > 1, words[1].hasPrefix("/"), !words[1].utf8.contains(0) else {
                throw Failure(.data, "\(path):\(index + 1): not a name and a program by its path")
            }
            let command = Command(
                program: words[1], arguments: Array(words.dropFirst(2)), takesMore: takesMore)
            guard commands.updateValue(command, forKey: name) == nil else {
                throw Failure(.data, "\(path):\(index + 1): '\(name)' is there already")
            }
        }
        if commands.isEmpty { throw Failure(.data, "\(path): it allows no command") }
    }

    static func read(_ path: String) async throws -> AllowList {
        try AllowList(await textOfFile(path, limit: sizeMax), from: path)
    }

    /// The command of a name with a client's arguments, which are separated by zero bytes.
    func command(_ name: String, adding bytes: [UInt8]) throws(Failure) -> Command {
        guard let command = commands[name] else {
            throw Failure(.notAllowed, "'\(name)' is not one of \(names.joined(separator: ", "))")
        }
        if bytes.isEmpty { return command }
        guard command.takesMore else {
            throw Failure(.notAllowed, "'\(name)' takes no arguments")
        }
        // A zero byte cannot be within an argument, for C takes it for the end.
        let more = bytes.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(validating: $0, as: UTF8.self) }
        guard more.count <= 100, !more.contains(nil) else {
            throw Failure(.data, "more than 100 arguments, or some that are not UTF-8")
        }
        return Command(
            program: command.program, arguments: command.arguments + more.compactMap(\.self),
            takesMore: true)
    }
}
