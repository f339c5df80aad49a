import Testing

/// Arrows point down: a floor imports what Package.swift says that it stands on, and nothing else.
///
/// SwiftPM rejects cycles and missing modules, but it builds a floor that imports what its target
/// does not declare. To let a floor import more is a decision about the design; it is made in the
/// manifest and nowhere else.
@Suite struct FloorTests {
    /// What comes with Swift and every floor may import.
    static let toolchain: Set = ["Glibc", "Synchronization"]
    /// What comes with Swift and these floors alone may import.
    static let toolchainOfFew: [String: Set<String>] = [
        "_Concurrency": ["Sources/Swiftlet"],
        "FoundationEssentials": ["loadtest/Reports", "loadtest/Compare", "loadtest/loadtest"],
    ]
    /// What comes with Swift and tests alone may import.
    static let toolchainOfTests: Set = ["Foundation", "FoundationXML", "Testing", "XCTest"]

    /// A nested package stands on other people's libraries, which its own manifest declares.
    static let files = SourceTree.swift.filter {
        $0.floor != "loadtest/peers" && $0.floor != "Tests/Integrations"
    }

    @Test(arguments: files)
    func `a file imports only what its floor declares`(file: SourceTree.File) throws {
        let floor = try #require(
            Floor.all.first { $0.folder == file.floor }, "Package.swift has no target there")

        for module in file.imports {
            let isOfToolchain =
                FloorTests.toolchain.contains(module)
                || FloorTests.toolchainOfFew[module, default: []].contains(floor.folder)
                || file.isTest && FloorTests.toolchainOfTests.contains(module)
            #expect(
                isOfToolchain || floor.declared.contains(module), "\(file.path) imports \(module)")
        }
    }

    @Test(arguments: Floor.all)
    func `a floor declares only what it imports`(floor: Floor) {
        let files = FloorTests.files.filter { $0.floor == floor.folder }
        let imported = Set(files.flatMap { $0.imports })
        // Tests of a command do not import it: they need it to be built.
        let commands = Floor.all.filter(\.isCommand).map(\.name)

        #expect(floor.declared.subtracting(imported).subtracting(commands) == [])
    }

    @Test func `what measures never stands on the runtime that it measures`() throws {
        for name in ["Processes", "Generator", "Conformance", "Reports", "Compare"] {
            var below: Set<String> = []
            var next: Set = [name]
            while !next.isEmpty {
                below.formUnion(next)
                let floors = Floor.all.filter { next.contains($0.name) }
                next = Set(floors.flatMap(\.declared)).subtracting(below)
            }
            #expect(below.contains("Syscalls"), "\(name) was not found")
            #expect(below.isDisjoint(with: ["Swiftlet", "EchoServers"]), "\(name)")
        }
    }

    @Test func `the package has no dependency`() throws {
        let package = try #require(SourceTree.file("Package.swift"))

        #expect(!package.lines.contains { $0.contains(".package(") })
    }

    @Test func `what is beyond the standard library's documented interface is in one file`() {
        let users = SourceTree.product.filter { file in
            !places(in: [file], with: ["@_", "import _"], /@_[a-z]|\bimport _/).isEmpty
        }

        #expect(users.count <= 1, "\(users.map(\.path))")
    }
}

/// A target of Package.swift: where its files are, and what it declares to stand on.
struct Floor: Sendable, CustomTestStringConvertible {
    let name: String
    let folder: String
    let declared: Set<String>
    let isCommand: Bool

    var testDescription: String { name }

    /// Every target, in the order of the manifest.
    static let all: [Floor] = {
        let manifest = SourceTree.file("Package.swift")?.lines.joined(separator: "\n") ?? ""
        let call = /(?ms)^ {8}(floor|command|tests|\.testTarget|\.systemLibrary)\((.*?)\),?$/
        return manifest.matches(of: call).compactMap { Floor($0.1, $0.2) }
    }()

    /// Reads the arguments of one of the functions that the manifest makes targets with.
    private init?(_ function: Substring, _ arguments: Substring) {
        guard let first = arguments.firstMatch(of: /"([^"]+)"/)?.1 else { return nil }
        let isOfTests = function == "tests"
        name = isOfTests ? first + "Tests" : String(first)
        let path = arguments.firstMatch(of: /path: "([^"]+)"/)?.1
        let isTest = isOfTests || function == ".testTarget"
        folder = path.map(String.init) ?? (isTest ? "Tests/" : "Sources/") + name
        let list = arguments.firstMatch(of: /(?s)(?:on|dependencies): \[(.*?)\]/)?.1 ?? ""
        let tested = isOfTests ? [String(first)] : []
        declared = Set(list.matches(of: /"([^"]+)"/).map { String($0.1) } + tested)
        isCommand = function == "command"
    }
}
