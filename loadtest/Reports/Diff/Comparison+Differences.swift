import Generator

// Runs that were asked for differently answer another question; both sides are shown.

extension Comparison {
    /// Where a run was made is no part of what it was asked for.
    private static let ignored: Set = ["target", "server_pid"]

    /// What differs between the first runs of the sides, or between two of one side.
    static func differences(_ old: [RunRecord], _ new: [RunRecord]) -> [Difference] {
        guard let first = old.first, let other = new.first else { return [] }
        let pairs =
            [(first, other)]
            + [old, new].flatMap { side in
                side.dropFirst().compactMap { run in side.first.map { ($0, run) } }
            }
        var found: [Difference] = []
        for (one, another) in pairs {
            for (old, new) in zip(settings(of: one), settings(of: another))
            where old.1 != new.1 && !found.contains(where: { $0.name == old.0 }) {
                found.append(Difference(name: old.0, old: old.1, new: new.1))
            }
        }
        return found
    }

    /// Every setting as a text; in the same order for every run.
    private static func settings(of record: RunRecord) -> [(String, String)] {
        var settings: [(String, String)] = []
        if case .object(let members) = record.plan.document {
            settings = members.filter { !ignored.contains($0.0) }.map { ($0.0, $0.1.plain) }
        }
        let environment = record.environment
        return settings + [
            ("server", record.server.map { "\($0.model), \($0.driver)" } ?? "not ours"),
            ("CPU", environment.cpuModel), ("cores", "\(environment.cores)"),
            ("kernel", environment.kernel), ("version", environment.version),
            ("build", environment.isDebugBuild ? "debug" : "release"),
        ]
    }

    /// The runs of a side that say of themselves that they are not to be trusted.
    static func doubts(_ side: String, _ runs: [RunRecord]) -> [String] {
        runs.enumerated().compactMap { index, run in
            let verdict = run.verdict
            guard verdict.level != .valid else { return nil }
            let codes = verdict.findings.filter { $0.level > .note }.map(\.code)
            let name = runs.count > 1 ? "run \(index + 1) of \(side)" : side
            return "\(name) is \(verdict.level.rawValue) (\(codes.joined(separator: ", ")))"
        }
    }
}

extension JSONValue {
    /// The value on one line, texts without their quotes.
    fileprivate var plain: String {
        if case .text(let text) = self { return text }
        return serialized.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
