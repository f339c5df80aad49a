// The texts of `--help bash`, `--help zsh` and `--help fish`: what completes a line there.

/// A shell that completes command lines.
package enum Shell: String, CaseIterable, Sendable {
    case bash, zsh, fish
}

extension FlagTable {
    /// A script of a shell that completes the options of the command, and those of its verbs: the
    /// tables of which each has the command's name and the verb's.
    package func completions(for shell: Shell, verbs: [FlagTable] = []) -> String {
        switch shell {
        case .bash: bashCompletions(verbs)
        case .zsh: zshCompletions(verbs)
        case .fish: fishCompletions(verbs)
        }
    }

    private var verb: String { String(command.split(separator: " ").last ?? "") }

    /// What completes the value of a flag.
    private enum Value {
        case none, file, folder, unknown
    }

    private func value(of flag: Flag) -> Value {
        switch flag.placeholder {
        case nil: .none
        case "FILE": .file
        case "DIR": .folder
        default: .unknown
        }
    }

    // MARK: bash(1), "Programmable Completion"

    private func bashCompletions(_ verbs: [FlagTable]) -> String {
        let function = "_" + identifier
        var lines = [
            "\(function)() {",
            "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options",
            "    COMPREPLY=()",
            "    case ${COMP_WORDS[1]} in",
        ]
        for table in verbs { lines += table.bashCase(table.verb) }
        lines += bashCase("*")
        lines.append("    esac")
        if !verbs.isEmpty {
            let names = verbs.map(\.verb).joined(separator: " ")
            lines.append("    if [ \"$COMP_CWORD\" -eq 1 ]; then options+=' \(names)'; fi")
        }
        lines += [
            "    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))",
            "    if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- \"$word\")); fi",
            "}",
            "complete -o filenames -F \(function) \(command)",
        ]
        return lines.joined(separator: "\n")
    }

    private func bashCase(_ pattern: String) -> [String] {
        let names = flags.map { "--\($0.name)" }.joined(separator: " ")
        var lines = ["    \(pattern))", "        options='\(names)'", "        case $before in"]
        let actions: [(Value, String)] = [
            (.file, "COMPREPLY=($(compgen -f -- \"$word\")); return"),
            (.folder, "COMPREPLY=($(compgen -d -- \"$word\")); return"),
            (.unknown, "return"),
        ]
        for (kind, action) in actions {
            let spellings = flags.filter { value(of: $0) == kind }.flatMap(spellings)
            if spellings.isEmpty { continue }
            lines.append("        \(spellings.joined(separator: "|"))) \(action) ;;")
        }
        return lines + ["        esac ;;"]
    }

    private func spellings(of flag: Flag) -> [String] {
        ["--\(flag.name)"] + (flag.letter.map { ["-\($0)"] } ?? [])
    }

    // MARK: zsh, zshcompsys(1)

    private func zshCompletions(_ verbs: [FlagTable]) -> String {
        var lines = ["#compdef \(command)", "case $words[2] in"]
        for table in verbs {
            lines.append("\(table.verb)) shift words; (( CURRENT -= 1 ))")
            lines += table.zshArguments + [";;"]
        }
        lines.append("*)")
        if !verbs.isEmpty {
            let names = verbs.map { "\($0.verb):\(colonless(quoted($0.summary)))" }
            lines.append("if (( CURRENT == 2 )); then")
            lines.append("local -a verbs=(" + names.map { "'\($0)'" }.joined(separator: " ") + ")")
            lines += ["_describe verb verbs", "fi"]
        }
        return (lines + zshArguments + [";;", "esac"]).joined(separator: "\n")
    }

    private var zshArguments: [String] {
        let arguments = flags.flatMap { flag -> [String] in
            let action =
                switch value(of: flag) {
                case .none: ""
                case .file: ":\(colonless(flag.placeholder ?? "")):_files"
                case .folder: ":\(colonless(flag.placeholder ?? "")):_files -/"
                case .unknown: ":\(colonless(flag.placeholder ?? "")): "
                }
            let help = bracketless(quoted(flag.help))
            let star = flag.isRepeatable ? "*" : ""
            return spellings(of: flag).map { "'\(star)\($0)[\(help)]\(action)'" }
        }
        return ["_arguments -s \\"] + arguments.map { "    \($0) \\" } + ["    '*::_files'"]
    }

    private func colonless(_ text: String) -> String {
        text.map { $0 == ":" ? "\\:" : String($0) }.joined()
    }

    private func bracketless(_ text: String) -> String {
        text.map { $0 == "[" || $0 == "]" ? "\\\($0)" : String($0) }.joined()
    }

    // MARK: fish, complete(1)

    private func fishCompletions(_ verbs: [FlagTable]) -> String {
        let names = verbs.map(\.verb).joined(separator: " ")
        var lines: [String] = []
        for table in verbs {
            lines.append(
                "complete -c \(command) -n __fish_use_subcommand -f -a \(table.verb) "
                    + "-d '\(quoted(table.summary))'")
            let seen = "-n '__fish_seen_subcommand_from \(table.verb)' "
            lines += table.flags.map { table.fishLine($0, of: command, seen) }
        }
        let own = verbs.isEmpty ? "" : "-n 'not __fish_seen_subcommand_from \(names)' "
        lines += flags.map { fishLine($0, of: command, own) }
        return lines.joined(separator: "\n")
    }

    private func fishLine(_ flag: Flag, of command: String, _ condition: String) -> String {
        let letter = flag.letter.map { "-s \($0) " } ?? ""
        let value =
            switch value(of: flag) {
            case .none: "-f "
            case .file: "-r -F "
            case .folder: "-x -a '(__fish_complete_directories)' "
            case .unknown: "-x "
            }
        return "complete -c \(command) \(condition)\(letter)-l \(flag.name) \(value)"
            + "-d '\(quoted(flag.help))'"
    }

    // MARK: Words

    /// The command's name as that of a function.
    private var identifier: String { command.map { $0 == "-" ? "_" : String($0) }.joined() }

    /// A text between single quotes, in which no quote ends it and nothing is special.
    private func quoted(_ text: String) -> String {
        text.map { $0 == "'" ? "’" : $0 == "\\" ? "" : String($0) }.joined()
    }
}
