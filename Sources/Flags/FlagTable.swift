/// Everything a command line may say: one table that parses, checks, suggests and prints the help.
///
/// `--name value`, `--name=value`, `-n value` and `-nvalue` mean the same; `--` ends the options.
/// `--help` and `--version` belong to every table, see `HelpForm`. It does no I/O: the command
/// prints what it is given.
package struct FlagTable: Sendable {
    /// The command's name, as the user types it.
    package let command: String
    /// What the command does, in one sentence.
    package let summary: String
    /// Ways to call it, without the command's name: "[HOST:PORT] [options]".
    package let usage: [String]
    package let groups: [FlagGroup]
    /// How many arguments that are no options it takes at most.
    package let positionalsMax: Int
    /// Lines below the options in the help: units, examples, exit codes.
    package let footer: [String]

    package init(
        command: String,
        summary: String,
        usage: [String],
        groups: [FlagGroup],
        positionalsMax: Int = 0,
        footer: [String] = []
    ) {
        self.command = command
        self.summary = summary
        self.usage = usage
        self.groups = groups + [FlagTable.common(groups.contains(where: \.isAdvanced))]
        self.positionalsMax = positionalsMax
        self.footer = footer
    }

    private static func common(_ hasAdvanced: Bool) -> FlagGroup {
        let help =
            hasAdvanced ? "print this and exit; --help all tells more" : "print this and exit"
        return FlagGroup(
            "",
            [
                Flag("help", "h", help: help), Flag("version", help: "print the version and exit"),
            ]
        )
    }

    /// Reads the arguments that follow the command's name.
    ///
    /// Stops at `--help` or `--version`, which win over whatever comes after them.
    package func parse(_ words: [String]) throws(UsageError) -> Arguments {
        var arguments = Arguments()
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                arguments.positionals += rest
                rest = []
            } else if word.hasPrefix("-"), word != "-" {
                try take(word, rest: &rest, into: &arguments)
                if arguments.has("help") { arguments.help = HelpForm(rest.first) }
                if arguments.has("help") || arguments.wantsVersion { return arguments }
            } else {
                arguments.positionals.append(word)
            }
        }
        try checkPositionals(arguments.positionals)
        return arguments
    }

    private func take(
        _ word: String,
        rest: inout ArraySlice<String>,
        into arguments: inout Arguments
    ) throws(UsageError) {
        let (flag, attached) = try split(word)
        let spelling = word.hasPrefix("--") ? "--\(flag.name)" : String(word.prefix(2))
        guard let placeholder = flag.placeholder else {
            if let attached {
                throw UsageError("\(spelling) takes no value, but was given '\(attached)'")
            }
            arguments.add("", to: flag)
            return
        }
        guard let value = attached ?? FlagTable.popValue(from: &rest) else {
            throw UsageError("\(spelling) needs a value: \(spelling) \(placeholder)")
        }
        arguments.add(value, to: flag)
    }

    /// The next word, unless it is an option itself. "-" is a file name and "-5" a wrong number.
    private static func popValue(from rest: inout ArraySlice<String>) -> String? {
        guard let word = rest.first else { return nil }
        let second = word.dropFirst().first
        if word.hasPrefix("-"), let second, !second.isNumber { return nil }
        return rest.popFirst()
    }

    /// The flag that a word names, and the value that is glued to it.
    private func split(_ word: String) throws(UsageError) -> (Flag, attached: String?) {
        if word.hasPrefix("--") {
            let parts = word.dropFirst(2).split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let name = String(parts[0])
            guard let flag = flags.first(where: { $0.name == name }) else { throw unknown(name) }
            return (flag, parts.count == 2 ? String(parts[1]) : nil)
        }
        let body = word.dropFirst()
        guard let flag = flags.first(where: { $0.letter == body.first }) else {
            throw unknownLetter(word)
        }
        var value = body.dropFirst()
        if value.hasPrefix("=") { value = value.dropFirst() }
        return (flag, body.count > 1 ? String(value) : nil)
    }

    var flags: [Flag] { groups.flatMap(\.flags) }

    private func unknown(_ name: String) -> UsageError {
        let suggestion = nearest(to: name, among: flags.map(\.name)).map {
            "; did you mean --\($0)?"
        }
        return UsageError(
            "unknown option --\(name)" + (suggestion ?? "; \(command) --help lists them")
        )
    }

    /// A word like "-conns" has lost a dash; say so rather than complain about "-c" or the letter.
    private func unknownLetter(_ word: String) -> UsageError {
        let name = String(word.dropFirst())
        if name.count > 1, let close = nearest(to: name, among: flags.map(\.name)) {
            return UsageError("unknown option \(word); did you mean --\(close)?")
        }
        return UsageError("unknown option \(word); \(command) --help lists them")
    }

    private func checkPositionals(_ words: [String]) throws(UsageError) {
        guard words.count > positionalsMax else { return }
        let surplus = words[positionalsMax]
        throw UsageError("unexpected argument '\(surplus)'; \(command) --help shows what it takes")
    }
}

/// What `--help` prints, by the word that follows it.
package enum HelpForm: Equatable, Sendable {
    /// What most users need.
    case brief
    /// `--help all`: the advanced groups, too.
    case all
    /// `--help man`: a page for man(1).
    case man
    /// `--help bash`, `zsh` or `fish`: what completes the command's options there.
    case completions(Shell)

    init(_ word: String?) {
        switch word {
        case "all": self = .all
        case "man": self = .man
        default: self = word.flatMap(Shell.init).map(HelpForm.completions) ?? .brief
        }
    }
}

// The text that `--help` prints: at most 80 columns wide.

extension FlagTable {
    /// The text of a form of the help; `verbs` are the tables of the command's verbs.
    package func help(_ form: HelpForm, verbs: [FlagTable] = []) -> String {
        switch form {
        case .brief: help
        case .all: helpForAll
        case .man: manPage
        case .completions(let shell): completions(for: shell, verbs: verbs)
        }
    }

    private static let width = 80
    /// A flag whose left column is longer than this has its help on the next line.
    private static let leftMax = 26

    /// The text that `--help` prints, without a line feed at its end.
    package var help: String { text(of: groups.filter { !$0.isAdvanced }) }

    /// The text that `--help all` prints: every group.
    var helpForAll: String { text(of: groups) }

    private func text(of groups: [FlagGroup]) -> String {
        var lines = [summary, ""]
        for (index, form) in usage.enumerated() {
            lines.append((index == 0 ? "usage: " : "       ") + "\(command) \(form)")
        }
        let left = groups.flatMap(\.flags).map { FlagTable.left(of: $0).count }
        let column = min(left.max() ?? 0, FlagTable.leftMax) + 2
        for group in groups {
            // The common flags close the last group instead of opening one.
            if !group.heading.isEmpty { lines += ["", group.heading] }
            lines += group.flags.flatMap { FlagTable.lines(of: $0, column: column) }
        }
        if !footer.isEmpty { lines += [""] + footer }
        return lines.joined(separator: "\n")
    }

    private static func left(of flag: Flag) -> String {
        let letter = flag.letter.map { "-\($0), " } ?? "    "
        return "  \(letter)--\(flag.name)" + (flag.placeholder.map { " \($0)" } ?? "")
    }

    private static func lines(of flag: Flag, column: Int) -> [String] {
        let left = left(of: flag)
        var texts = wrap(flag.help, to: width - column)
        let indent = String(repeating: " ", count: column)
        guard left.count <= column - 2 else { return [left] + texts.map { indent + $0 } }
        let gap = String(repeating: " ", count: column - left.count)
        let first = texts.isEmpty ? "" : texts.removeFirst()
        return [left + gap + first] + texts.map { indent + $0 }
    }

    private static func wrap(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }
}

/// The version of this package, which all of its commands print.
package let packageVersion = "0.1.0"

/// One option of a command: how it is written, what it takes and what the help says about it.
package struct Flag: Sendable {
    /// The name without its dashes: "conns".
    package let name: String
    /// The letter after a single dash, if it has one.
    package let letter: Character?
    /// What stands for the value in the help, "N" or "FILE"; nil for a switch, which takes none.
    package let placeholder: String?
    /// One sentence without a full stop, its default in brackets at the end.
    package let help: String
    /// Whether each use adds a value; otherwise the last use wins, so that a script can be
    /// overridden.
    package let isRepeatable: Bool

    package init(
        _ name: String,
        _ letter: Character? = nil,
        _ placeholder: String? = nil,
        isRepeatable: Bool = false,
        help: String
    ) {
        self.name = name
        self.letter = letter
        self.placeholder = placeholder
        self.isRepeatable = isRepeatable
        self.help = help
    }
}

/// Options that stand together in the help, under a heading.
package struct FlagGroup: Sendable {
    package let heading: String
    package let flags: [Flag]
    /// Whether only `--help all` prints them.
    package let isAdvanced: Bool

    package init(_ heading: String, isAdvanced: Bool = false, _ flags: [Flag]) {
        self.heading = heading
        self.flags = flags
        self.isAdvanced = isAdvanced
    }
}
