import Testing

/// Arrows point down: what each floor may import.
///
/// SwiftPM rejects cycles and missing modules, but it builds a floor that reaches past the one
/// below it. To let a floor import more is a decision about the design; it is made here and nowhere
/// else.
@Suite struct FloorTests {
    static let allowed: [String: Set<String>] = [
        "Sources/CLinux": [],
        "Sources/Syscalls": ["CLinux", "Glibc", "Synchronization"],
        "Sources/Drivers": ["CLinux", "Glibc", "Syscalls"],
        "Sources/Swiftlet": [
            "CLinux", "Drivers", "Glibc", "Synchronization", "Syscalls", "_Concurrency",
        ],
        "Sources/SwiftletSimulation": [
            "CLinux", "Drivers", "Glibc", "Swiftlet", "Synchronization", "Syscalls",
        ],
        "Sources/Flags": [],
        "Sources/EchoServers": ["CLinux", "Drivers", "Flags", "Glibc", "Swiftlet", "Syscalls"],
        "Sources/echo-server": ["EchoServers", "Glibc"],
        // What a user's program needs: one module.
        "Sources/echo-example": ["Swiftlet"],
        "loadtest/Statistics": ["Glibc"],
        "loadtest/Charts": [],
        // The generator measures from outside: never the runtime that it measures.
        "loadtest/Generator": [
            "CLinux", "Drivers", "Glibc", "Statistics", "Synchronization", "Syscalls",
        ],
        "loadtest/Reports": ["Charts", "Drivers", "Flags", "Generator", "Statistics", "Syscalls"],
        // Outside like the generator: it knows the echo services only as processes.
        "loadtest/Conformance": ["Drivers", "Glibc", "Syscalls"],
        "loadtest/Compare": [
            "Charts", "Conformance", "Drivers", "Flags", "Generator", "Glibc", "Reports",
            "Statistics", "Syscalls",
        ],
        // A package of its own, outside Swiftlet's: servers over other people's libraries.
        "loadtest/peers": [
            "FlyingSocks", "Foundation", "Glibc", "NIOCore", "NIOPosix", "PackageDescription",
        ],
        "loadtest/loadtest": [
            "Compare", "Drivers", "EchoServers", "Flags", "Generator", "Glibc", "Reports",
            "Statistics",
            "Synchronization", "Syscalls",
        ],
    ]

    @Test(arguments: SourceTree.product)
    func `a file imports only what its floor may`(file: SourceTree.File) throws {
        let allowed = try #require(
            FloorTests.allowed[file.floor], "\(file.floor) is a new floor: list its imports here")

        for line in file.lines {
            guard let module = importedModule(line) else { continue }
            #expect(allowed.contains(module), "\(file.path) imports \(module)")
        }
    }

    @Test func `the package has no dependency`() throws {
        let package = try #require(SourceTree.file("Package.swift"))

        #expect(!package.lines.contains { $0.contains(".package(") })
    }

    @Test func `what is beyond the standard library's documented interface is in one file`() {
        let users = SourceTree.product.filter { file in
            file.lines.contains { $0.contains(/@_[a-z]|\bimport _/) }
        }

        #expect(users.count <= 1, "\(users.map(\.path))")
    }
}
