import Foundation
import Testing

/// The files of this repository, as the tests that read them need them.
struct SourceTree {
    /// A file, by its path from the root, with its lines.
    struct File: Sendable, CustomTestStringConvertible {
        let path: String
        let lines: [String]

        var testDescription: String { path }
        /// The folder that is a floor: "Sources/Drivers".
        var floor: String { path.split(separator: "/").prefix(2).joined(separator: "/") }
        var isTest: Bool { path.hasPrefix("Tests/") }
        /// The modules that it imports.
        var imports: [String] { lines.compactMap(importedModule) }
        /// Names a line the way compilers do, so that an editor can jump to it.
        func place(_ index: Int) -> String { "\(path):\(index + 1): \(lines[index])" }
    }

    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every Swift file of the package, tests included.
    static let swift: [File] = files(in: ["Sources", "Tests", "loadtest"], endingIn: [".swift"])
    /// What is compiled into the library and the commands.
    static let product: [File] = swift.filter { !$0.isTest }
    /// Everything that somebody wrote in a language of instructions.
    static let written: [File] = files(
        in: ["Sources", "Tests", "loadtest"], endingIn: [".swift", ".h", ".c", ".py", ".sh"])
    static let documents: [File] =
        files(in: ["docs", "loadtest", "Sources", "Tests"], endingIn: [".md"])
        + ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].compactMap(file)

    /// A file by its path, or nil if it is not there.
    static func file(_ path: String) -> File? {
        guard let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) else {
            return nil
        }
        var lines = text.components(separatedBy: "\n")
        if lines.last == "" { lines.removeLast() }
        return File(path: path, lines: lines)
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    private static func files(in folders: [String], endingIn endings: [String]) -> [File] {
        folders.flatMap { folder -> [File] in
            let paths = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
            return (paths?.allObjects as? [String] ?? [])
                .filter { path in endings.contains { path.hasSuffix($0) } }
                // A nested package keeps its products in a folder of its own.
                .filter { !$0.split(separator: "/").contains { $0.hasPrefix(".build") } }
                .sorted()
                .compactMap { file("\(folder)/\($0)") }
        }
    }
}

/// Where in the files a pattern matches, leaving out the folder that holds the patterns themselves.
///
/// What it matches contains one of the words: looking for those first takes a tenth of the time.
func places(
    in files: [SourceTree.File], with words: [String], _ pattern: Regex<Substring>
) -> [String] {
    files.filter { !$0.path.hasPrefix("Tests/TidyTests/") }.flatMap { file in
        file.lines.indices.filter { index in
            let line = file.lines[index]
            return words.contains(where: line.contains) && line.contains(pattern)
        }.map(file.place)
    }
}

/// The module that a line imports, if it does.
func importedModule(_ line: String) -> String? {
    guard line.contains("import ") else { return nil }
    return line.firstMatch(of: /^\s*(?:@\S+\s+|package |public )*import (\S+)/).map { String($0.1) }
}
