// swift-tools-version: 6.3
import PackageDescription

// Echo servers over other people's Swift libraries. A package of its own, so that Swiftlet's stays
// without dependencies; `../install.sh` builds it outside the tree.
let nio: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let sockets: Target.Dependency = .product(name: "FlyingSocks", package: "FlyingFox")

let package = Package(
    name: "peers",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", .upToNextMinor(from: "0.27.1")),
    ],
    targets: [
        .executableTarget(name: "nio-handlers", dependencies: [nio, nioCore]),
        .executableTarget(name: "nio-async", dependencies: [nio, nioCore]),
        .executableTarget(name: "flying-socks", dependencies: [sockets]),
    ],
    swiftLanguageModes: [.v6]
)
