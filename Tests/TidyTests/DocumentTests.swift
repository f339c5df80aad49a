import Foundation
import Testing

/// Documents say what is true: links lead somewhere, and the example is a file that is compiled.
@Suite struct DocumentTests {
    static let example = "Sources/echo-example/main.swift"
    /// What the architecture names and no source file of ours declares.
    static let foreign: Set<Substring> = [
        "AsyncStream", "EINTR", "EMFILE", "SchedulingExecutor", "Sendable", "SerialExecutor",
        "Package.swift", "Task", "TaskExecutor",
    ]

    @Test(.enabled(if: SourceTree.exists(example), "there is no example yet"))
    func `the server in the README is the file that is compiled`() throws {
        let readme = try #require(SourceTree.file("README.md"))
        let example = try #require(SourceTree.file(DocumentTests.example))
        let block = try #require(
            codeBlocks(in: readme, language: "swift").first { $0.first == "import Swiftlet" },
            "README.md has no Swift block that begins with 'import Swiftlet'")

        // A comment that says what the file is for may stand above the code.
        let code = example.lines.drop { !$0.hasPrefix("import ") }
        #expect(block == Array(code))
    }

    /// Samples are parts of files that are compiled, whatever their indentation there.
    @Test(arguments: SourceTree.documents)
    func `each Swift sample stands in a file that is compiled`(document: SourceTree.File) {
        let samples = codeBlocks(in: document, language: "swift")
        if samples.isEmpty { return }
        let files = SourceTree.swift.map { $0.lines.map(withoutIndentation) }

        for block in samples {
            let sample = block.map(withoutIndentation)
            let isCompiled = files.contains { $0.contains(sample) }
            let text = block.joined(separator: "\n")
            #expect(isCompiled, "\(document.path) shows what no file has:\n\(text)")
        }
    }

    @Test(arguments: SourceTree.documents)
    func `a link leads to a file and to a heading`(document: SourceTree.File) throws {
        for line in document.lines {
            for match in line.matches(of: /\]\(([^)\s]+)\)/) {
                let link = String(match.1)
                if link.contains("://") || link.hasPrefix("mailto:") { continue }
                let parts = link.split(separator: "#", omittingEmptySubsequences: false)
                let path = destination(of: parts[0], in: document)
                #expect(SourceTree.exists(path), "\(document.path) links to \(link)")
                guard parts.count > 1, path.hasSuffix(".md") else { continue }
                let headings = try #require(SourceTree.file(path)).lines
                    .filter { $0.hasPrefix("#") }.map(anchor)
                #expect(headings.contains(String(parts[1])), "\(document.path) links to \(link)")
            }
        }
    }

    @Test func `what the architecture names is there`() throws {
        let page = try #require(SourceTree.file("docs/ARCHITECTURE.md"))
        let files = SourceTree.product
        let types = files.flatMap(\.lines).compactMap { line in
            // Types of the first two levels are those that a page names.
            line.hasPrefix("        ")
                ? nil
                : line.firstMatch(of: /\b(?:struct|class|enum|protocol|actor|typealias) (\w+)/)?.1
        }
        let places = files.flatMap { $0.path.split(separator: "/") }
        let known = DocumentTests.foreign.union(types).union(places)

        let names = page.lines.flatMap { $0.matches(of: /`([A-Z][\w+]*(?:\.swift)?)[.\w]*`/) }
        #expect(names.count > 50, "the page names things in another way")
        for name in names {
            let isThere = known.contains(name.1)
            #expect(isThere, "docs/ARCHITECTURE.md names \(name.1)")
        }
    }

    @Test func `a floor and a suite have their rows`() throws {
        let architecture = try #require(SourceTree.file("docs/ARCHITECTURE.md"))
        let tests = try #require(SourceTree.file("Tests/README.md"))
        let rows = (architecture.lines + tests.lines).filter { $0.hasPrefix("| `") }
        // A command is its main function, and the peers are a package of their own.
        let others: Set = [
            "Sources/echo-server", "Sources/echo-example", "Sources/example", "loadtest/peers",
        ]
        let floors = Set(SourceTree.swift.map(\.floor)).subtracting(others).filter {
            !$0.hasPrefix("Tests/") || $0.hasSuffix("Tests")
        }

        for floor in floors {
            #expect(rows.contains { $0.hasPrefix("| `\(floor)` |") }, "\(floor) has no row")
        }
    }

    @Test func `a server of other people that is measured has its row in the README`() throws {
        let servers = try #require(SourceTree.file("loadtest/peers/servers.txt"))
        let readme = try #require(SourceTree.file("loadtest/peers/README.md"))

        let measured = servers.lines.map { String($0.prefix { $0 != "=" }) }
        let described = readme.lines.compactMap { $0.prefixMatch(of: /\| `([^`]+)`/)?.1 }

        #expect(measured == described.map(String.init))
    }

    @Test func `a test that the page about tests names is there`() throws {
        let page = try #require(SourceTree.file("Tests/README.md"))
        let rows = page.lines.filter { $0.hasPrefix("|") }
        let names = rows.flatMap { $0.matches(of: /`(\w+)`: ([^;|]+)/) }
        #expect(names.count > 30, "the page names its tests in another way")
        for name in names {
            let sentence = name.2.trimmingCharacters(in: .whitespaces)
            let isThere = SourceTree.swift.contains { file in
                file.path.hasSuffix("/\(name.1).swift")
                    && file.lines.contains { $0.contains("func `\(sentence)`") }
            }
            #expect(isThere, "\(name.1) has no test '\(sentence)'")
        }
    }
}

/// Where a link of a document leads, as a path from the root; an empty one is the document's own.
private func destination(of link: Substring, in document: SourceTree.File) -> String {
    if link.isEmpty { return document.path }
    var parts = document.path.split(separator: "/").dropLast()
    for part in link.split(separator: "/") {
        if part == ".." { parts = parts.dropLast() } else { parts.append(part) }
    }
    return parts.joined(separator: "/")
}

/// The fenced blocks of a language, as lines.
private func codeBlocks(in document: SourceTree.File, language: String) -> [[String]] {
    var blocks: [[String]] = []
    var isOpen = false
    for line in document.lines {
        if line == "```\(language)" {
            isOpen = true
            blocks.append([])
        } else if line.hasPrefix("```") {
            isOpen = false
        } else if isOpen {
            blocks[blocks.count - 1].append(line)
        }
    }
    return blocks
}

private func withoutIndentation(_ line: String) -> String { String(line.drop { $0 == " " }) }

/// What a heading is called in a link, as hosts of Markdown make it.
private func anchor(of heading: String) -> String {
    heading.drop { $0 == "#" || $0 == " " }.lowercased()
        .filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
        .replacing(" ", with: "-")
}
