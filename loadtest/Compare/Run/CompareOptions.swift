import Flags

/// What the command line of `loadtest compare` asks for, checked.
package struct CompareOptions: Sendable {
    /// Who takes part, without the baseline's second arm.
    package var contenders: [Contender]
    /// The name of the arm to compare with; nil for the usual one.
    package var baseline: String?
    /// The loads, without their rates: those depend on what the arms can do.
    package var points: [CompareRecord.Point]
    package var rounds: Int
    /// How long each load is measured.
    package var duration: Duration
    package var seed: UInt64
    package var isQuick: Bool
    package var isStrict: Bool
    package var isQuiet: Bool
    /// Files to write; "-" for the JSON is standard output.
    package var htmlPath: String?
    package var jsonPath: String?
    package var markdownPath: String?
    /// The directory for the pictures, a file each.
    package var picturesPath: String?

    /// The pictures' directory as the Markdown file links to it: relative where it is beside it.
    package var picturesLink: String? {
        guard let picturesPath, let markdownPath else { return nil }
        let folder = markdownPath.split(
            separator: "/", omittingEmptySubsequences: false
        ).dropLast().map { $0 + "/" }.joined()
        var link = picturesPath[...]
        while link.count > 1, link.hasSuffix("/") { link = link.dropLast() }
        return String(link.hasPrefix(folder) ? link.dropFirst(folder.count) : link)
    }

    /// The usual measure, and the quick one: six rounds are the fewest of which a test of signs can
    /// say anything with 95 % confidence (2 / 2⁶ = 3 %).
    static let usual = (rounds: 8, duration: Duration.seconds(2))
    static let quick = (rounds: 6, duration: Duration.milliseconds(500))
    /// The arm that the others are compared with where it runs and nobody says otherwise.
    static let usualBaseline = "coroutine-epoll"

    /// Reads what was given; `bundled` are the servers that this program has.
    package init(_ arguments: Arguments, bundled: [Contender]) throws(UsageError) {
        contenders = try Self.contenders(arguments, bundled)
        points = try Self.points(arguments)
        isQuick = arguments.has("quick")
        isStrict = arguments.has("strict")
        isQuiet = arguments.has("quiet")
        let measure = isQuick ? Self.quick : Self.usual
        rounds = try arguments.count("rounds", in: 1...1000) ?? measure.rounds
        duration =
            try arguments.duration("duration", in: .milliseconds(1) ... .seconds(3600))
            ?? measure.duration
        seed = UInt64(try arguments.count("seed") ?? 1)
        htmlPath = arguments.text("html")
        jsonPath = arguments.text("json")
        markdownPath = arguments.text("md")
        picturesPath = arguments.text("svg")
        baseline = arguments.text("baseline")
        if let baseline { try checkBaseline(baseline) }
        try checkPaths()
    }

    private static func contenders(
        _ arguments: Arguments, _ bundled: [Contender]
    ) throws(UsageError) -> [Contender] {
        var chosen =
            try arguments.value("variants") { list throws(Units.Mistake) in
                try Selection.contenders(named: list, among: bundled)
            } ?? bundled
        for text in arguments.texts("server") {
            let contender: Contender
            do throws(Units.Mistake) {
                contender = try Contender(text)
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

    private static func points(
        _ arguments: Arguments
    ) throws(UsageError) -> [CompareRecord.Point] {
        let connections = try arguments.count("conns", in: Matrix.connectionsAllowed)
        let size = try arguments.size("size", in: Matrix.sizesAllowed)
        let matrix = try arguments.value("matrix") { text throws(Units.Mistake) in
            var matrix = Matrix(connections: [connections ?? 1000], sizes: [size ?? 64])
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
