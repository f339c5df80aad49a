import Testing

/// Words that this code does not use, and claims that must carry their reason.
@Suite struct WordTests {
    /// Uses of `nonisolated(unsafe)` by file. Each has its proof beside it; the table may only
    /// shrink.
    static let unsafeIsolation: [String: Int] = [
        "Sources/Swiftlet/Socket/Bytes.swift": 1,
        "Sources/Swiftlet/Stream/TCPConnection+Writing.swift": 1,
        "Sources/Swiftlet/Stream/TCPConnection.swift": 1,
    ]

    @Test func `nothing is left for later`() {
        let found = places(in: SourceTree.written, /\b(?:TODO|FIXME|XXX)\b/)

        #expect(found.isEmpty, "\(found)")
    }

    @Test func `no name hides what a thing is for`() {
        let found = places(
            in: SourceTree.swift,
            /\b(?:class|struct|enum|func|var|let) \w*(?:Manager|Helper|Util|Impl)(?:[A-Z_s]|\b)/
        )

        #expect(found.isEmpty, "\(found)")
    }

    @Test func `one class is Sendable on its own word`() {
        let found = places(in: SourceTree.product, /@unchecked Sendable/)

        #expect(found.count == 1, "\(found)")
    }

    @Test func `state without isolation is counted`() {
        expectCounts(of: /nonisolated\(unsafe\)/, in: SourceTree.product, WordTests.unsafeIsolation)
    }

    @Test func `nobody waits for a semaphore`() {
        let found = places(in: SourceTree.written, /[sS]emaphore\(|\bsem_(?:init|wait|post)\b/)

        #expect(found.isEmpty, "\(found)")
    }

    @Test func `no test sleeps`() {
        let found = places(
            in: SourceTree.swift, /\busleep\(|\bnanosleep\(|Thread\.sleep|Glibc\.sleep|\bsleep\(\d/)
        // Only where sleeping tasks are what is tested, or the clock is simulated.
        let floors = ["SwiftletTests", "SwiftletSimulationTests", "EchoSweep", "Sweep"]
            .map { "Tests/\($0)" }
        let others = SourceTree.swift.filter { $0.isTest && !floors.contains($0.floor) }
        let asleep = places(in: others, /Task\.sleep|\bsleep\((?:for|until|nanoseconds):/)

        #expect(found + asleep == [])
    }

    @Test(arguments: SourceTree.product)
    func `an error is dropped only with a reason`(file: SourceTree.File) {
        for (index, line) in file.lines.enumerated() {
            let isEmptyCatch =
                line.contains(/\bcatch\b.*\{\s*\}/)
                || line.contains(/\bcatch\b.*\{$/) && file.lines[index + 1].contains(/^\s*\}/)
            guard isEmptyCatch || line.contains(/\btry\?/) else { continue }
            // On the line, or above the statement that it is part of.
            let nearby = file.lines[max(0, index - 3)...index]
            #expect(nearby.contains { $0.contains("//") }, "\(file.place(index))")
        }
    }

    @Test(arguments: SourceTree.product)
    func `a file opens by saying what it is for`(file: SourceTree.File) throws {
        let first = file.lines.first { line in
            !line.isEmpty && !line.hasPrefix("#") && importedModule(line) == nil
        }

        #expect(try #require(first).hasPrefix("//"), "\(file.path) begins with: \(first ?? "")")
    }
}

/// Fails where a pattern stands more often than the table says, or less often.
private func expectCounts(
    of pattern: Regex<Substring>, in files: [SourceTree.File], _ table: [String: Int]
) {
    for file in files {
        let found = places(in: [file], pattern)
        let expected = table[file.path, default: 0]
        #expect(found.count == expected, "\(file.path), in the table \(expected): \(found)")
    }
}
