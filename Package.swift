// swift-tools-version: 6.3
import PackageDescription

// Warnings are errors in CI, where the toolchain is the one this package is written for; a newer
// compiler's new warning must not stop a user's build.
let isStrict = Context.environment["CI"] != nil
// Builds the runtime without the standard library's SPI, as on a toolchain that has none.
let usesPublicAPIOnly = Context.environment["SWIFTLET_PUBLIC_API_ONLY"] != nil

let settings: [SwiftSetting] =
    (isStrict ? [.treatAllWarnings(as: .error)] : [])
    + (usesPublicAPIOnly ? [.define("SWIFTLET_PUBLIC_API_ONLY")] : [])

// One target is one floor; arrows point down. Tests/TidyTests holds every floor to this list.
let package = Package(
    name: "swiftlet",
    products: [
        .library(name: "Swiftlet", targets: ["Swiftlet"]),
        .library(name: "SwiftletSimulation", targets: ["SwiftletSimulation"]),
        .executable(name: "echo-server", targets: ["echo-server"]),
        .executable(name: "loadtest", targets: ["loadtest"]),
    ],
    targets: [
        .target(name: "CLinux", publicHeadersPath: "include"),
        floor("Syscalls", on: ["CLinux"]),
        floor("Drivers", on: ["CLinux", "Syscalls"]),
        // A call runs where its caller is, on an actor or on the main one, if it does not say so.
        floor(
            "Swiftlet", on: ["CLinux", "Drivers", "Syscalls"],
            with: [
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
                .enableExperimentalFeature("Lifetimes"),
            ]),
        // A world for tests: hosts, a network and a clock that are values, and loops over them.
        floor("SwiftletSimulation", on: ["Swiftlet", "CLinux", "Drivers", "Syscalls"]),
        // The command lines of every command, read and explained from tables; imports nothing.
        floor("Flags", on: []),
        floor("EchoServers", on: ["Swiftlet", "Flags", "Drivers", "CLinux", "Syscalls"]),
        command("echo-server", on: ["EchoServers", "Syscalls"]),
        // The server that the README shows, so that it compiles.
        command("echo-example", on: ["Swiftlet"]),

        // The programs that everybody writes with sockets, on the library alone; only what runs
        // them knows the lower floors.
        floor("Examples", on: ["Swiftlet", "Flags", "Syscalls"]),
        command("example", on: ["Examples", "Syscalls"]),

        // What waiting for one another costs: `loadtest/bench/bench.py hops`.
        command("hops", on: ["Swiftlet"], path: "loadtest/hops"),

        // Other people's processes: started, measured and ended.
        floor("Processes", on: ["CLinux", "Syscalls"], path: "loadtest/Processes"),
        // Plain values: histograms and their file formats, quantiles, tests of distributions.
        floor("Statistics", on: [], path: "loadtest/Statistics"),
        // Pictures as SVG text; knows nothing of runs.
        floor("Charts", on: [], path: "loadtest/Charts"),
        // The load generator measures from outside: it stands on the drivers, not on the runtime.
        floor(
            "Generator", on: ["Processes", "Statistics", "Flags", "Drivers", "Syscalls"],
            path: "loadtest/Generator"),
        floor(
            "Reports", on: ["Generator", "Statistics", "Charts", "Flags", "Syscalls"],
            path: "loadtest/Reports"),
        // What every echo service must do, asked of a running one.
        floor("Conformance", on: ["Processes", "Syscalls"], path: "loadtest/Conformance"),
        // Servers side by side: arms, rounds, what they differ by, and its reports.
        floor(
            "Compare",
            on: [
                "Conformance", "Reports", "Generator", "Processes", "Statistics", "Charts", "Flags",
                "Syscalls",
            ],
            path: "loadtest/Compare"),
        command(
            "loadtest",
            on: [
                "Compare", "Generator", "Processes", "Reports", "Statistics", "EchoServers",
                "Flags", "Drivers", "Syscalls",
            ],
            path: "loadtest/loadtest"),

        tests(of: "Flags", on: []),
        tests(of: "Syscalls", on: ["CLinux"]),
        tests(of: "Drivers", on: ["SwiftletSimulation", "Syscalls", "TestServers"]),
        tests(
            of: "Swiftlet",
            on: [
                "SwiftletSimulation", "Drivers", "Syscalls", "main-actor-program", "SchemaChecks",
            ]),
        // Programs whose code is the main actor's by default; for tests only.
        command(
            "main-actor-program", on: ["Swiftlet"], path: "Tests/MainActorProgram",
            with: [.defaultIsolation(MainActor.self)]),
        // Talks to other people's echo servers: `.ci/run peers`; for tests only.
        command("peer-program", on: ["Swiftlet"], path: "Tests/PeerProgram"),
        tests(of: "SwiftletSimulation", on: ["EchoSweep", "Swiftlet", "Drivers", "Syscalls"]),
        tests(of: "EchoServers", on: ["Flags", "Syscalls"]),
        tests(of: "Examples", on: ["SwiftletSimulation", "Swiftlet", "Flags", "Syscalls"]),
        tests(of: "Processes", on: ["Syscalls"]),
        tests(of: "Statistics", on: []),
        tests(of: "Charts", on: ["Statistics", "MarkupChecks"]),
        tests(
            of: "Generator",
            on: ["Processes", "Statistics", "Drivers", "Syscalls", "TestServers"]),
        tests(
            of: "Reports",
            on: [
                "Generator", "Statistics", "Charts", "Flags", "Drivers", "Syscalls", "MarkupChecks",
                "SchemaChecks",
            ], exclude: ["Formats/golden"]),
        tests(of: "Conformance", on: ["Syscalls", "TestServers"]),
        tests(
            of: "Compare",
            on: [
                "Generator", "Processes", "Reports", "Statistics", "Flags", "Syscalls",
                "MarkupChecks", "SchemaChecks",
            ]),
        // Holds JSON against the schemas in docs; for tests only.
        floor("SchemaChecks", on: [], path: "Tests/SchemaChecks"),
        // Reads pages and pictures as XML; for tests only.
        floor("MarkupChecks", on: [], path: "Tests/MarkupChecks"),
        // Servers that echo and servers that lie; for tests only.
        floor("TestServers", on: ["Generator", "Syscalls"], path: "Tests/TestServers"),
        // An echo service in a world that a seed decides, and what must hold there; for tests only.
        floor("EchoSweep", on: ["SwiftletSimulation", "Swiftlet"], path: "Tests/EchoSweep"),
        // Runs it for thousands of seeds: `make sweep`.
        command(
            "sweep",
            on: [
                "EchoSweep", "SwiftletSimulation", "Swiftlet", "Processes", "Flags", "Syscalls",
            ],
            path: "Tests/Sweep"),
        // Runs the built commands as processes, the way a user does.
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "echo-server", "loadtest", "Compare", "Conformance", "EchoServers",
                "MarkupChecks", "SchemaChecks", "Flags", "Generator", "Processes", "Reports",
                "Statistics", "Drivers", "CLinux", "Syscalls", "TestServers",
            ],
            swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

func floor(
    _ name: String, on floors: [Target.Dependency], path: String? = nil,
    with features: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: floors, path: path, swiftSettings: settings + features)
}

func command(
    _ name: String, on floors: [Target.Dependency], path: String? = nil,
    with features: [SwiftSetting] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: floors, path: path, swiftSettings: settings + features)
}

func tests(
    of name: String, on floors: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name)] + floors, exclude: exclude,
        swiftSettings: settings)
}
