import Testing

@testable import Flags

@Suite struct `A command line` {
    private enum Animal: String, CaseIterable { case cat, dog }

    private let table = FlagTable(
        command: "feed",
        summary: "Feeds animals.",
        usage: ["[NAME] [options]"],
        groups: [
            FlagGroup(
                "food",
                [
                    Flag("count", "c", "N", help: "how many (5)"),
                    Flag("every", nil, "T", help: "how long between two meals (1h)"),
                    Flag("animal", "a", "KIND", help: "cat or dog"),
                    Flag("note", nil, "TEXT", isRepeatable: true, help: "said to all; repeatable"),
                    Flag("quiet", "q", help: "say nothing"),
                ]
            )
        ],
        positionalsMax: 1
    )

    private func message(_ words: String...) -> String? {
        do throws(UsageError) {
            let arguments = try table.parse(words)
            _ = try arguments.count("count", in: 1...1000)
            _ = try arguments.duration("every", in: .milliseconds(1) ... .seconds(60))
            _ = try arguments.choice("animal", Animal.self)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ["--count", "7"], ["--count=7"], ["-c", "7"], ["-c7"], ["-c=7"], ["-c1", "-c7"],
    ])
    func `a value may be apart, glued or behind an equals sign`(words: [String]) throws {
        #expect(try table.parse(words).count("count") == 7)
    }

    @Test func `flags, repeated flags and arguments mix in any order`() throws {
        let arguments = try table.parse(["--note=a=b", "rex", "-q", "--note", "-", "-a", "dog"])

        #expect(arguments.texts("note") == ["a=b", "-"])
        #expect(arguments.positionals == ["rex"])
        #expect(arguments.has("quiet"))
        #expect(try arguments.choice("animal", Animal.self) == .dog)
        #expect(try arguments.count("count") == nil)
    }

    @Test func `two dashes end the options`() throws {
        #expect(try table.parse(["--", "--quiet"]).positionals == ["--quiet"])
    }

    @Test func `help and version win over what comes after them`() throws {
        #expect(try table.parse(["-h", "--nonsense"]).help == .brief)
        #expect(try table.parse(["--version", "a", "b"]).wantsVersion)
    }

    @Test func `an unknown flag gets the nearest name`() {
        #expect(message("--cuont", "5") == "unknown option --cuont; did you mean --count?")
        #expect(message("--an=cat") == "unknown option --an; did you mean --animal?")
        #expect(message("-quiet") == "-q takes no value, but was given 'uiet'")
        #expect(message("-note") == "unknown option -note; did you mean --note?")
        #expect(message("--zzzzzz") == "unknown option --zzzzzz; feed --help lists them")
        #expect(message("-x") == "unknown option -x; feed --help lists them")
    }

    @Test func `each mistake names its flag and what would be right`() {
        #expect(message("--count") == "--count needs a value: --count N")
        #expect(message("-c", "--quiet") == "-c needs a value: -c N")
        #expect(message("--count", "-5")?.hasPrefix("--count '-5' is negative; write for") == true)
        #expect(message("--count=") == "--count '' is empty; write for example 50, 10k or 1.5m")
        #expect(message("-c2k") == "--count '2k' is out of range: give from 1 to 1,000")
        #expect(message("--every=2m") == "--every '2m' is out of range: give from 1ms to 60s")
        #expect(message("--quiet=yes") == "--quiet takes no value, but was given 'yes'")
        #expect(
            message("-a", "dgo") == "--animal 'dgo' is not one of cat, dog; did you mean dog?"
        )
        #expect(message("a", "b") == "unexpected argument 'b'; feed --help shows what it takes")
        #expect(message("--", "a", "b")?.hasPrefix("unexpected argument 'b'") == true)
        #expect(message("-=")?.hasPrefix("unknown option -=") == true)
        #expect(message("--=")?.hasPrefix("unknown option --") == true)
    }

    @Test func `the help is rendered from the table and fits eighty columns`() {
        let lines = table.help.split(separator: "\n", omittingEmptySubsequences: false)

        #expect(lines.allSatisfy { $0.count <= 80 })
        #expect(lines.contains("  -c, --count N      how many (5)"))
        #expect(lines.contains("      --every T      how long between two meals (1h)"))
        #expect(lines.contains("usage: feed [NAME] [options]"))
    }

    @Test func `advanced groups are read like others, and printed when all is asked for`() throws {
        let table = FlagTable(
            command: "feed", summary: "Feeds.", usage: ["[options]"],
            groups: [
                FlagGroup("Food:", [Flag("count", "c", "N", help: "how many")]),
                FlagGroup("Rare:", isAdvanced: true, [Flag("note", nil, "TEXT", help: "said")]),
            ])

        #expect(try table.parse(["--note=a"]).text("note") == "a")
        #expect(table.help.contains("--count"))
        #expect(!table.help.contains("--note") && !table.help.contains("Rare:"))
        #expect(table.help.contains("--help all"))
        #expect(table.help(.all).contains("--note") && table.help(.all).contains("Rare:"))
        #expect(try table.parse(["--help", "all"]).help == .all)
        #expect(try table.parse(["--help", "-c"]).help == .brief)
        #expect(!self.table.help.contains("--help all"))
    }

    @Test func `an edit is an insertion, a loss, a change or a swap`() {
        #expect(editDistance("", "abc") == 3)
        #expect(editDistance("abc", "") == 3)
        #expect(editDistance("conns", "conns") == 0)
        #expect(editDistance("duratoin", "duration") == 1)
        #expect(editDistance("kitten", "sitting") == 3)
    }
}
