import Flags
import Generator
import Reports

/// What the command line of `loadtest compare` asks for, checked.
package struct CompareOptions: Sendable {
    /// The servers that take part, without the baseline's second arm.
    package var contenders: [Contender]
    /// The name of the arm to compare with; nil for the usual one.
    package var baseline: String?
    /// What the servers are reached over.
    package var transport: Transport
    /// The loads, without their rates: those depend on what the arms can do.
    package var points: [CompareRecord.Point]
    /// Rounds of slices; nil to go by precision and time.
    package var rounds: Int?
    package var timing: Timing
    /// How wide the interval of a ratio may be when no more rounds are made, as a share.
    package var precision: Double
    package var seed: UInt64
    /// How long another program may take until it serves.
    package var startTimeout: Duration
    /// What reports call it.
    package var labels: Labels
    package var isStrict: Bool
    package var isQuiet: Bool
    /// Files to write; "-" for the JSON is standard output.
    package var htmlPath: String?
    package var jsonPath: String?
    package var markdownPath: String?
    /// The directory for the pictures, a file each.
    package var picturesPath: String?

    /// The pictures' directory as the Markdown file links to it.
    package var picturesLink: String? {
        guard let picturesPath, let markdownPath else { return nil }
        return CompareMarkdown.link(from: markdownPath, to: picturesPath)
    }

    /// The usual measure.
    static let usual = (slice: Duration.milliseconds(50), time: Duration.seconds(60))
    /// The arm that the others are compared with where it runs and `--baseline` names no other.
    static let usualBaseline = "coroutine-epoll"

    /// Reads what was given; `bundled` are the servers that this program has.
    package init(_ arguments: Arguments, bundled: [Contender]) throws(UsageError) {
        transport = try arguments.choice("over") ?? .tcp
        let over = transport
        contenders = try Self.contenders(
            arguments, bundled.filter { $0.serves(over: over) }, over: over)
        points = try Self.points(arguments)
        labels = try Labels(arguments)
        isStrict = arguments.has("strict")
        isQuiet = arguments.has("quiet")
        rounds = try arguments.count("rounds", in: 1...10_000)
        timing = Timing(
            slice: try arguments.duration("slice", in: .milliseconds(1) ... .seconds(10))
                ?? Self.usual.slice,
            time: try arguments.duration("time", in: .milliseconds(1) ... .seconds(86_400))
                ?? Self.usual.time)
        if transport == .udp, let size = points.map(\.size).first(where: Self.isNoDatagram) {
            let allowed = LoadPlan.datagramSizes
            throw UsageError(
                "\(Units.text(size)) bytes are no datagram of a load: give \(allowed.lowerBound) "
                    + "to \(Units.text(allowed.upperBound))")
        }
        precision = try arguments.value("precision", by: Units.percent) ?? 0.03
        seed = UInt64(try arguments.count("seed") ?? 1)
        startTimeout =
            try arguments.duration("start-timeout", in: .milliseconds(1) ... .seconds(3600))
            ?? .seconds(60)
        htmlPath = arguments.text("html")
        jsonPath = arguments.text("json")
        markdownPath = arguments.text("md")
        picturesPath = arguments.text("svg")
        baseline = arguments.text("baseline")
        if let baseline { try checkBaseline(baseline) }
        try checkPaths()
    }

    private static func contenders(
        _ arguments: Arguments, _ bundled: [Contender], over transport: Transport
    ) throws(UsageError) -> [Contender] {
        let named = try arguments.value("variants") { list throws(Units.Mistake) in
            try Contender.named(list, among: bundled)
        }
        var chosen = named ?? usual(beside: arguments.texts("server").count, bundled)
        for text in arguments.texts("server") {
            let contender: Contender
            do throws(Units.Mistake) {
                contender = try Contender(text, over: transport)
            } catch {
                throw UsageError("--server '\(text)' \(error)")
            }
            let isTaken = (chosen + bundled).contains { $0.name == contender.name }
            if isTaken {
                throw UsageError("--server '\(text)' has the name of another arm: give it its own")
            }
            chosen.append(contender)
        }
        return chosen
    }

    /// The bundled servers that take part where none is named: all of them by themselves, the usual
    /// baseline beside one other server, and none beside several, which have each other.
    private static func usual(beside others: Int, _ bundled: [Contender]) -> [Contender] {
        switch others {
        case 0: bundled
        case 1: bundled.filter { $0.name == usualBaseline }
        default: []
        }
    }

    private static func points(
        _ arguments: Arguments
    ) throws(UsageError) -> [CompareRecord.Point] {
        let connections = try arguments.count("conns", in: LoadMatrix.connectionsAllowed)
        let size = try arguments.size("size", in: LoadMatrix.sizesAllowed)
        let matrix = try arguments.value("matrix") { text throws(Units.Mistake) in
            var matrix = LoadMatrix(connections: [connections ?? 1000], sizes: [size ?? 64])
            try matrix.read(text)
            return matrix
        }
        guard let matrix else {
            return [CompareRecord.Point(connections: connections ?? 1000, size: size ?? 64)]
        }
        if let connections, matrix.connections != [connections] {
            throw UsageError("--matrix has conns already: leave out --conns \(connections)")
        }
        if let size, matrix.sizes != [size] {
            throw UsageError("--matrix has size already: leave out --size \(size)")
        }
        return matrix.points
    }

    private static func isNoDatagram(_ size: Int) -> Bool {
        !LoadPlan.datagramSizes.contains(size)
    }

    private func checkBaseline(_ name: String) throws(UsageError) {
        let names = contenders.map(\.name)
        if names.contains(name) { return }
        let meant = nearest(to: name, among: names).map { "did you mean \($0)?" }
        throw UsageError(
            "--baseline '\(name)' takes no part; "
                + (meant ?? "the arms are \(names.joined(separator: ", "))"))
    }

    private func checkPaths() throws(UsageError) {
        let paths = [htmlPath, markdownPath, jsonPath].compactMap { $0 }
        guard Set(paths).count == paths.count else {
            throw UsageError("two reports cannot go to one file: give each a name of its own")
        }
        let named = [
            ("html", htmlPath), ("md", markdownPath), ("svg", picturesPath), ("json", jsonPath),
        ]
        for (option, path) in named where path == "" || path == "-" && option != "json" {
            throw UsageError(
                "--\(option) '\(path ?? "")' is no file: give a name, or '-' to --json for "
                    + "standard output"
            )
        }
    }
}

/// The table of options that `loadtest compare` parses and prints as its help, on one screen.
extension CompareOptions {
    package static let table = FlagTable(
        command: "loadtest compare",
        summary: "Runs echo servers against each other and says what they differ by.",
        usage: [
            "[--variants LIST] [options]",
            "--server old='COMMAND {port}' --server new='…' [options]",
        ],
        groups: [arms, load, reports, names],
        footer: [
            "All servers live at once, and one is loaded at a time, for slices of 50 ms in a",
            "random order; ratios are taken within a round. The baseline runs twice: what it",
            "differs by from itself, nothing differs by. Ctrl-C keeps what there is.",
            "Units: times 250us 5ms 1m30s, counts 10k, sizes 64k; a bare number is seconds.",
            "Exit:  0 done, 64 bad usage, 69 no arm could be measured, 71 system limit,",
            "       73 cannot write, 98 --strict, 130 interrupted.",
        ])

    private static let arms = FlagGroup(
        "Arms:",
        [
            Flag(
                "variants", "v", "LIST",
                help: "bundled servers: 'threads,coroutine-epoll', 'coroutine' (all)"),
            Flag(
                "server", nil, "NAME=COMMAND", isRepeatable: true,
                help: "another program; {listen} is where it listens"),
            Flag("start-timeout", nil, "T", help: "for such a server to serve (60s)"),
            Flag(
                "baseline", nil, "NAME",
                help: "compare with this arm (\(usualBaseline), or the first)"),
        ])

    private static let load = FlagGroup(
        "Load:",
        [
            Flag("over", nil, "WAY", help: "tcp, unix or udp (tcp)"),
            Flag("conns", "c", "N", help: "connections held open together (1000)"),
            Flag("size", "s", "BYTES", help: "of a request (64)"),
            Flag("matrix", nil, "LISTS", help: "several loads: 'conns=10,1k,9k size=64,4k'"),
            Flag("slice", nil, "T", help: "how long one is loaded at a time (50ms)"),
            Flag("time", "t", "T", help: "of the slices of a load, at most (60s)"),
            Flag("precision", nil, "P", help: "end when every interval is below it (3%)"),
            Flag("rounds", nil, "N", help: "end after so many rounds instead"),
            Flag("seed", nil, "N", help: "what the order of the arms derives from (1)"),
        ])

    private static let names = FlagGroup("Names:", isAdvanced: true, Labels.flags)

    private static let reports = FlagGroup(
        "Reports:",
        [
            Flag("json", nil, "FILE", help: "write every figure; - is standard output"),
            Flag("html", nil, "FILE", help: "write a page with pictures"),
            Flag("md", nil, "FILE", help: "write the tables as Markdown"),
            Flag("svg", nil, "DIR", help: "write each picture into it; DIR must exist"),
            Flag("quiet", "q", help: "no progress"),
            Flag("strict", help: "exit with 98 if an arm has no figures or doubtful ones"),
        ])
}

/// The loads to compare under: every combination of connections and sizes.
///
///     conns=10,1k,9k size=64,4k    →    10 × 64 B, 10 × 4 KiB, 1,000 × 64 B, …
package struct LoadMatrix: Sendable, Equatable {
    package var connections: [Int]
    package var sizes: [Int]

    /// Connections that a comparison opens from one address: more would leave no ports to choose
    /// from when they are opened for the next load.
    static let connectionsAllowed = 1...20_000
    static let sizesAllowed = 1...(16 << 20)
    /// More loads than that are days.
    private static let pointsMax = 64

    package init(connections: [Int], sizes: [Int]) {
        self.connections = connections
        self.sizes = sizes
    }

    /// Reads `conns=… size=…`, of which one may be left out; `self` has what was said elsewhere.
    package mutating func read(_ text: String) throws(Units.Mistake) {
        let example = "; write for example 'conns=10,1k,9k size=64,4k'"
        var seen: Set<Substring> = []
        for part in text.split(whereSeparator: \.isWhitespace) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else {
                throw Units.Mistake("has '\(part)', which is no list" + example)
            }
            guard seen.insert(sides[0]).inserted else {
                throw Units.Mistake("has \(sides[0]) twice" + example)
            }
            switch sides[0] {
            case "conns":
                connections = try Self.list(sides[1], Self.connectionsAllowed, Units.count)
            case "size": sizes = try Self.list(sides[1], Self.sizesAllowed, Units.size)
            default:
                throw Units.Mistake("has '\(sides[0])', which is neither conns nor size" + example)
            }
        }
        if seen.isEmpty { throw Units.Mistake("is empty" + example) }
        let count = connections.count * sizes.count
        guard count <= Self.pointsMax else {
            throw Units.Mistake("has \(count) loads: give at most \(Self.pointsMax)")
        }
    }

    private static func list(
        _ text: Substring, _ allowed: ClosedRange<Int>,
        _ read: (String) throws(Units.Mistake) -> Int
    ) throws(Units.Mistake) -> [Int] {
        let numbers = try Units.list(String(text)) { item throws(Units.Mistake) in
            let number = try read(item)
            guard allowed.contains(number) else {
                let (low, high) = (Units.text(allowed.lowerBound), Units.text(allowed.upperBound))
                throw Units.Mistake(
                    "has '\(item)', which is out of range: give from \(low) to \(high)")
            }
            return number
        }
        guard Set(numbers).count == numbers.count else {
            throw Units.Mistake("has a number twice in '\(text)'")
        }
        return numbers
    }

    package var points: [CompareRecord.Point] {
        connections.flatMap { connections in
            sizes.map { CompareRecord.Point(connections: connections, size: $0) }
        }
    }
}
