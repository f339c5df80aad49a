import Flags
import Testing

/// Pages and scripts that are made from a table. That shells and man(1) take those of the commands
/// is shown by `.ci/dist`, which has them.
@Suite struct HelpFormTests {
    private let table = FlagTable(
        command: "feed", summary: "Feeds it's all-knowing animal.", usage: ["[NAME] [options]"],
        groups: [
            FlagGroup(
                "Food:",
                [
                    Flag("count", "c", "N", help: "how many [of them]: a 'few'"),
                    Flag("list", nil, "FILE", isRepeatable: true, help: "from C:\\food"),
                    Flag("store", nil, "DIR", help: "where it is"),
                    Flag("quiet", "q", help: "say nothing"),
                ])
        ],
        footer: [".5 is a half", "'quoted'"])
    private let verb = FlagTable(
        command: "feed later", summary: "Feeds at noon: not now.", usage: ["[options]"],
        groups: [FlagGroup("When:", [Flag("at", nil, "T", help: "the time")])])

    @Test(arguments: [
        ("man", HelpForm.man), ("bash", .completions(.bash)), ("zsh", .completions(.zsh)),
        ("fish", .completions(.fish)), ("all", .all), ("me", .brief),
    ])
    func `the word after --help says the form`(word: String, form: HelpForm) throws {
        #expect(try table.parse(["--help", word]).help == form)
        #expect(try table.parse([]).help == nil)
    }

    @Test func `a manual page has a line for each option, and no text that is a request`() {
        let lines = table.help(.man).split(separator: "\n")

        #expect(lines.first == ".TH FEED 1 \"\" \"Swiftlet \(packageVersion)\"")
        #expect(lines.contains("feed \\- Feeds it's all\\-knowing animal."))
        #expect(lines.contains("\\fB\\-c\\fR, \\fB\\-\\-count\\fR \\fIN\\fR"))
        #expect(lines.contains("from C:\\efood"))
        #expect(lines.contains("\\&.5 is a half") && lines.contains("\\&'quoted'"))
        let requests = Set(
            lines.filter { $0.hasPrefix(".") }.map { $0.prefix { $0 != " " } })
        #expect(requests == [".TH", ".SH", ".SS", ".B", ".br", ".TP", ".nf", ".fi"])
        #expect(verb.help(.man).hasPrefix(".TH FEED-LATER 1"))
    }

    @Test func `bash completes options, files and verbs`() {
        let script = table.help(.completions(.bash), verbs: [verb])

        #expect(script.contains("complete -o filenames -F _feed feed"))
        #expect(script.contains("--count --list --store --quiet --help --version"))
        #expect(script.contains("        --list) COMPREPLY=($(compgen -f"))
        #expect(script.contains("        --store) COMPREPLY=($(compgen -d"))
        #expect(script.contains("        --count|-c) return"))
        #expect(script.contains("    later)\n        options='--at --help --version'"))
    }

    @Test func `zsh says what each option does`() {
        let script = table.help(.completions(.zsh), verbs: [verb])

        #expect(script.hasPrefix("#compdef feed\n"))
        #expect(script.contains("    '--count[how many \\[of them\\]: a ’few’]:N: ' \\"))
        #expect(script.contains("    '*--list[from C:food]:FILE:_files' \\"))
        #expect(script.contains("'later:Feeds at noon\\: not now.'"))
    }

    @Test func `fish says what each option does`() {
        let lines = table.help(.completions(.fish), verbs: [verb]).split(separator: "\n")
        let own = "complete -c feed -n 'not __fish_seen_subcommand_from later' "

        #expect(lines.contains("\(own)-s c -l count -x -d 'how many [of them]: a ’few’'"))
        #expect(lines.contains("\(own)-l list -r -F -d 'from C:food'"))
        #expect(lines.contains("\(own)-s q -l quiet -f -d 'say nothing'"))
        #expect(
            lines.contains(
                "complete -c feed -n '__fish_seen_subcommand_from later' -l at -x -d 'the time'"))
    }
}
