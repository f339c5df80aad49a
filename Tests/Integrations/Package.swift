// swift-tools-version: 6.3
import PackageDescription

// A program with swift-log and swift-metrics, as the guide shows it. A package of its own, so that
// Swiftlet's stays without dependencies. Its modules `Logging` and `Metrics` are stand-ins with the
// signatures of the real ones, which the build machine cannot always fetch:
// `SWIFTLET_REAL_PACKAGES=1 swift run` takes the real ones.
let takesRealPackages = Context.environment["SWIFTLET_REAL_PACKAGES"] != nil

let package = Package(
    name: "integrations",
    dependencies: [.package(name: "swiftlet", path: "../..")]
        + (takesRealPackages
            ? [
                .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
                .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
            ] : []),
    targets: [
        .executableTarget(
            name: "integrations",
            dependencies: [.product(name: "Swiftlet", package: "swiftlet")]
                + (takesRealPackages
                    ? [
                        .product(name: "Logging", package: "swift-log"),
                        .product(name: "Metrics", package: "swift-metrics"),
                    ] : ["Logging", "Metrics"]))
    ] + (takesRealPackages ? [] : [.target(name: "Logging"), .target(name: "Metrics")]),
    swiftLanguageModes: [.v6]
)
