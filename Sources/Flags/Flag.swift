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
