// swift-tools-version: 6.3
import PackageDescription

// A hop through the channel of swift-async-algorithms, for comparison with `bench.py hops`. A
// package of its own, so that Swiftlet's stays without dependencies; docs/BENCHMARKING.md says how
// to run it.
let package = Package(
    name: "hops-elsewhere",
    dependencies: [
        .package(name: "swiftlet", path: "../../.."),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.5"),
    ],
    targets: [
        .executableTarget(
            name: "hops-elsewhere",
            dependencies: [
                .product(name: "Swiftlet", package: "swiftlet"),
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
            ],
            path: ".", sources: ["main.swift"])
    ],
    swiftLanguageModes: [.v6]
)
