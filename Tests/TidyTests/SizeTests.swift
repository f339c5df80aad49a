import Testing

/// Sizes: a line at most 100 columns, a file at most 500 lines, a function at most 40.
///
/// The tables hold what is longer, with its present size. They are a ratchet: an entry may only
/// shrink, and goes when it is no longer needed. Whoever adds one says why in the file.
@Suite struct SizeTests {
    /// Files of more than 500 lines.
    static let longFiles: [String: Int] = [:]
    /// Functions of more than 40 lines, as "path: name".
    static let longFunctions: [String: Int] = [:]

    @Test func `a line has at most 100 columns`() {
        let long = SourceTree.written.flatMap { file in
            file.lines.indices.filter { file.lines[$0].count > 100 }.map(file.place)
        }

        #expect(long.isEmpty, "\(long.count) lines:\n\(long.joined(separator: "\n"))")
    }

    @Test func `a file has at most 500 lines`() {
        let sizes = SourceTree.swift.map { ($0.path, $0.lines.count) }

        expectRatchet(sizes.filter { $0.1 > 500 }, SizeTests.longFiles)
    }

    @Test func `a function has at most 40 lines`() {
        let sizes = SourceTree.swift.flatMap { file in
            functions(in: file.lines).map { ("\(file.path): \($0.name)", $0.length) }
        }
        #expect(sizes.count > 200, "the functions were not found")

        expectRatchet(sizes.filter { $0.1 > 40 }, SizeTests.longFunctions)
    }

    @Test func `the length of a function is counted from its name to its last brace`() {
        let lines = """
            func short() { 1 }
            func next(
                _ a: Int
            ) -> Int {
                if a > 1 {
                }
                return a
            }
            protocol P {
                func required()
                var x: Int { get }
            }
                var y: Int {
                    1
                }
            """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

        let found = functions(in: lines)

        #expect(found.map(\.name) == ["short", "next", "required", "x", "y"])
        #expect(found.map(\.length) == [1, 7, 1, 1, 3])
    }

    @Test func `the Makefile has at most twelve targets`() throws {
        let makefile = try #require(SourceTree.file("Makefile"))
        let targets = makefile.lines.filter { $0.contains(/^[a-z][a-z-]*:/) }

        #expect((1...12).contains(targets.count))
    }
}

/// Fails for everything too long that the table does not name, that has grown, or that has shrunk.
private func expectRatchet(_ found: [(String, Int)], _ table: [String: Int]) {
    for (name, size) in found {
        #expect(size <= table[name, default: 0], "\(name) has \(size) lines")
    }
    for (name, size) in table {
        let now = found.first { $0.0 == name }?.1
        #expect(now == size, "\(name) has \(now.map(String.init) ?? "few") lines: change the table")
    }
}

/// The functions and computed properties of a file whose indentation `swift format` has made.
private func functions(in lines: [String]) -> [(name: String, length: Int)] {
    let start =
        /^(\s*)(?:[@a-z]\S* )*(?:func\s+(`[^`]+`|[^\s(<]+)|(init|deinit)\b|var\s+(\w+)\b[^=]*\{)/
    return lines.indices.compactMap { index in
        guard let match = lines[index].firstMatch(of: start) else { return nil }
        let name = match.2 ?? match.3 ?? match.4 ?? ""
        return (String(name), length(from: index, indentation: match.1, in: lines))
    }
}

/// Lines from a declaration to the brace that closes it, which stands below its first letter.
private func length(from first: Int, indentation: Substring, in lines: [String]) -> Int {
    var hasBody = false
    for index in first..<lines.count {
        let line = lines[index]
        if line.hasSuffix("{") {
            hasBody = true
        } else if !hasBody, index == first || line.hasPrefix(indentation + ")") {
            // The signature ends on this line, and so does the body, if there is one.
            if !line.hasSuffix("("), !line.hasSuffix(",") { return index - first + 1 }
        } else if hasBody, line.hasPrefix(indentation + "}") {
            return index - first + 1
        }
    }
    return lines.count - first
}
