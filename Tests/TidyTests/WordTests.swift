import Testing

/// Words that this code does not use, and claims that must carry their reason.
@Suite struct WordTests {
    /// Uses of `nonisolated(unsafe)` by file. Each has its proof beside it; the table may only
    /// shrink.
    static let unsafeIsolation: [String: Int] = [
        "Sources/Swiftlet/Coordination/Shared.swift": 2,
        "Sources/Swiftlet/Coordination/WaitList.swift": 1,
        "Sources/Swiftlet/Parking/Timeout.swift": 2,
        "Sources/Swiftlet/Socket/Bytes.swift": 1,
        "Sources/Swiftlet/Socket/Socket+Writing.swift": 1,
    ]

    @Test func `nothing is left for later`() {
        let found = places(
            in: SourceTree.written, with: ["TODO", "FIXME", "XXX"], /\b(?:TODO|FIXME|XXX)\b/)

        #expect(found.isEmpty, "\(found)")
    }

    @Test func `no name hides what a thing is for`() {
        let found = places(
            in: SourceTree.swift, with: ["Manager", "Helper", "Util", "Impl"],
            /\b(?:class|struct|enum|func|var|let) \w*(?:Manager|Helper|Util|Impl)(?:[A-Z_s]|\b)/
        )

        #expect(found.isEmpty, "\(found)")
    }

    @Test func `one class is Sendable on its own word`() {
        let found = places(
            in: SourceTree.product, with: ["@unchecked"], /@unchecked Sendable/)

        #expect(found.count == 1, "\(found)")
    }

    @Test func `state without isolation is counted`() {
        for file in SourceTree.product {
            let found = places(in: [file], with: ["unsafe"], /nonisolated\(unsafe\)/)
            let expected = WordTests.unsafeIsolation[file.path, default: 0]
            #expect(found.count == expected, "\(file.path), in the table \(expected): \(found)")
        }
    }

    @Test func `no thread waits for a semaphore`() {
        let found = places(
            in: SourceTree.written, with: ["DispatchSemaphore", "sem_"],
            /DispatchSemaphore\(|\bsem_(?:init|wait|post)\b/)

        #expect(found.isEmpty, "\(found)")
    }

    @Test func `no test sleeps`() {
        let found = places(
            in: SourceTree.swift, with: ["sleep"],
            /\busleep\(|\bnanosleep\(|Thread\.sleep|Glibc\.sleep|\bsleep\(\d/)
        // Only where sleeping tasks are what is tested, or the clock is simulated.
        let floors = [
            "SwiftletTests", "MainActorProgram", "SwiftletSimulationTests", "EchoSweep", "Sweep",
            "Integrations", "ExamplesTests",
        ]
        .map { "Tests/\($0)" }
        let others = SourceTree.swift.filter { $0.isTest && !floors.contains($0.floor) }
        let asleep = places(
            in: others, with: ["sleep"], /Task\.sleep|\bsleep\((?:for|until|nanoseconds):/)

        #expect(found + asleep == [])
    }

    @Test(arguments: SourceTree.product)
    func `an error is dropped only with a reason`(file: SourceTree.File) {
        for (index, line) in file.lines.enumerated() {
            guard line.contains("try?") || line.contains("catch") else { continue }
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
