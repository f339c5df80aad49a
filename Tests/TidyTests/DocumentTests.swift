import Foundation
import Testing

/// Documents say what is true: links lead somewhere, and the example is a file that is compiled.
@Suite struct DocumentTests {
    static let example = "Sources/echo-example/main.swift"

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
    @Test(arguments: ["README.md", "docs/guide.md", "docs/TESTING.md"])
    func `each Swift sample stands in a file that is compiled`(path: String) throws {
        let document = try #require(SourceTree.file(path))
        let files = SourceTree.swift.map { $0.lines.map(withoutIndentation) }

        for block in codeBlocks(in: document, language: "swift") {
            let sample = block.map(withoutIndentation)
            let isCompiled = files.contains { $0.contains(sample) }
            #expect(isCompiled, "\(path) shows what no file has:\n\(block.joined(separator: "\n"))")
        }
    }

    @Test(arguments: SourceTree.documents)
    func `a link leads to a file`(document: SourceTree.File) {
        let folder = document.path.split(separator: "/").dropLast().joined(separator: "/")
        for line in document.lines {
            for match in line.matches(of: /\]\(([^)\s]+)\)/) {
                let target = match.1.prefix { $0 != "#" }
                if target.isEmpty || target.contains("://") || target.hasPrefix("mailto:") {
                    continue
                }
                let path = folder.isEmpty ? String(target) : "\(folder)/\(target)"
                #expect(SourceTree.exists(path), "\(document.path) links to \(target)")
            }
        }
    }

    @Test(arguments: SourceTree.documents)
    func `a link to a heading of the same document finds it`(document: SourceTree.File) {
        let headings = Set(document.lines.filter { $0.hasPrefix("#") }.map(anchor))
        for line in document.lines {
            for match in line.matches(of: /\]\(#([^)\s]+)\)/) {
                #expect(headings.contains(String(match.1)), "\(document.path): #\(match.1)")
            }
        }
    }

    @Test func `a server of other people that is measured has its row in the README`() throws {
        let servers = try #require(SourceTree.file("loadtest/peers/servers.txt"))
        let readme = try #require(SourceTree.file("loadtest/peers/README.md"))

        let measured = servers.lines.map { String($0.prefix { $0 != "=" }) }
        let described = readme.lines.compactMap { $0.prefixMatch(of: /\| `([^`]+)`/)?.1 }

        #expect(measured == described.map(String.init))
    }

    @Test func `a test that TESTING names is there`() throws {
        let page = try #require(SourceTree.file("docs/TESTING.md"))
        for line in page.lines where line.hasPrefix("|") {
            for match in line.matches(of: /`(\w+)`: ([^;|]+)/) {
                let sentence = match.2.trimmingCharacters(in: .whitespaces)
                let isThere = SourceTree.swift.contains { file in
                    file.path.hasSuffix("/\(match.1).swift")
                        && file.lines.contains { $0.contains("func `\(sentence)`") }
                }
                #expect(isThere, "\(match.1) has no test '\(sentence)'")
            }
        }
    }
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
