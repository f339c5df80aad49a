import Statistics

/// What the instrument says about itself: whether a run's figures can be trusted, and why not.
package struct Verdict: Record, Equatable {
    /// From good to bad.
    package enum Level: String, Sendable, CaseIterable, Comparable {
        case valid = "VALID"
        /// Worth knowing, and nothing wrong: it leaves a verdict valid.
        case note = "NOTE"
        case suspect = "SUSPECT"
        case invalid = "INVALID"

        package static func < (left: Level, right: Level) -> Bool {
            left.rank < right.rank
        }

        private var rank: Int {
            switch self {
            case .valid: 0
            case .note: 1
            case .suspect: 2
            case .invalid: 3
            }
        }
    }

    /// One thing that is wrong, or nearly.
    package struct Finding: Record, Equatable {
        /// "G-CPU": stable, for scripts.
        package var code = ""
        package var level = Level.suspect
        /// The figure, and the limit that it crossed, or of a note the one that it keeps.
        package var value = Double.infinity
        package var limit = Double.infinity
        /// What both of them are.
        package var unit = Unit.share
        /// What was seen, in a sentence with the figure and the limit, in the words of `unit`.
        package var text = ""
        /// What to do about it.
        package var remedy = ""

        package init() {}

        package init(
            code: String, level: Level, value: Double, limit: Double, _ unit: Unit = .share,
            text: String, remedy: String
        ) {
            self.code = code
            self.level = level
            self.value = value
            self.limit = limit
            self.unit = unit
            self.text = text
            self.remedy = remedy
        }

        /// What is no number in a document was infinite.
        package static let fields: [Field<Self>] = [
            Field("code", \.code, .text), Field("level", \.level, .choice),
            Field("value", \.value, .number(null: .infinity)),
            Field("limit", \.limit, .number(null: .infinity)),
            Field("unit", \.unit, .choice),
            Field("text", \.text, .text), Field("remedy", \.remedy, .text),
        ]
    }

    /// What a figure of a finding is.
    package enum Unit: String, Sendable, CaseIterable {
        /// Of one.
        case share
        case seconds = "s"
        case count

        /// As texts have it: "1.00 %", "3.00 s", "1,000".
        func text(_ value: Double) -> String {
            switch self {
            case .share: Figures.percent(value)
            case .seconds: Figures.time(seconds: value)
            case .count: Figures.count(Int(value))
            }
        }
    }

    /// The worst first.
    package var findings: [Finding] = []

    package init() {}

    /// The level follows from the findings.
    package static let fields: [Field<Verdict>] = [
        .derived("level", .choice) { $0.level }, Field("findings", \.findings, .list(.part)),
    ]

    /// The level of the worst finding; valid, suspect or invalid.
    package var level: Level {
        let worst = findings.map(\.level).max() ?? .valid
        return worst == .note ? .valid : worst
    }

    /// Whether the run is invalid because of the generator or its machine: what it says of the
    /// server is then not known.
    package var blamesGenerator: Bool {
        findings.contains { $0.level == .invalid && "GHKL".contains($0.code.prefix(1)) }
    }
}
