// The text of `--help man`: a page for man(1), in the macros of man(7).

extension FlagTable {
    /// A manual page of the command, with every group, without a line feed at its end.
    package var manPage: String {
        let name = command.split(separator: " ").joined(separator: "-")
        var lines = [
            ".TH \(name.uppercased()) 1 \"\" \"Swiftlet \(packageVersion)\"",
            ".SH NAME", "\(plain(name)) \\- \(plain(summary))",
            ".SH SYNOPSIS",
        ]
        for form in usage { lines += [".B \(plain(command))", plain(form), ".br"] }
        lines.append(".SH OPTIONS")
        for group in groups {
            if !group.heading.isEmpty { lines.append(".SS \(plain(group.heading))") }
            for flag in group.flags { lines += entry(of: flag) }
        }
        if !footer.isEmpty {
            lines += [".SH NOTES", ".nf"] + footer.map(plain) + [".fi"]
        }
        return lines.joined(separator: "\n")
    }

    private func entry(of flag: Flag) -> [String] {
        let letter = flag.letter.map { "\\fB\\-\($0)\\fR, " } ?? ""
        let value = flag.placeholder.map { " \\fI\(plain($0))\\fR" } ?? ""
        return [".TP", "\(letter)\\fB\\-\\-\(plain(flag.name))\\fR\(value)", plain(flag.help)]
    }

    /// A line of text in which nothing means something to troff(1): a dash is the one that is
    /// typed, and a point or an apostrophe begins no request.
    private func plain(_ text: String) -> String {
        var line = ""
        for character in text {
            switch character {
            case "\\": line += "\\e"
            case "-": line += "\\-"
            default: line.append(character)
            }
        }
        return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
    }
}
