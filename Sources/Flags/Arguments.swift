/// What a command line said, by the name of each flag; reading a value checks it.
package struct Arguments: Sendable {
    /// The arguments that are no options, in order.
    package internal(set) var positionals: [String] = []
    private var values: [String: [String]] = [:]

    /// What `--help` or `-h` was asked for; nil when it was not given.
    package internal(set) var help: HelpForm?
    /// Whether `--version` was given.
    package var wantsVersion: Bool { has("version") }

    mutating func add(_ value: String, to flag: Flag) {
        if flag.isRepeatable {
            values[flag.name, default: []].append(value)
        } else {
            values[flag.name] = [value]
        }
    }

    /// Whether the flag was given at all.
    package func has(_ name: String) -> Bool { values[name] != nil }

    /// The text given to a flag; nil when it was not given.
    package func text(_ name: String) -> String? { values[name]?.last }

    /// Every text given to a flag that may be repeated, in order.
    package func texts(_ name: String) -> [String] { values[name] ?? [] }

    /// A length of time: `250us`, `10s`, `1m30s`; a bare number is seconds.
    package func duration(
        _ name: String,
        in range: ClosedRange<Duration>? = nil
    ) throws(UsageError) -> Duration? {
        try read(name, in: range, by: Units.duration) { Units.text(of: $0) }
    }

    /// A count: `50`, `10k`, `1.5m`, where k is 1,000.
    package func count(
        _ name: String,
        in range: ClosedRange<Int>? = nil
    ) throws(UsageError) -> Int? {
        try read(name, in: range, by: Units.count, Units.text)
    }

    /// A size in bytes: `64`, `4k`, `1m`, where k is 1,024.
    package func size(
        _ name: String,
        in range: ClosedRange<Int>? = nil
    ) throws(UsageError) -> Int? {
        try read(name, in: range, by: Units.size, Units.text)
    }

    /// A rate per second: `5k`, `5k/s`, `300/m`. Never zero.
    package func rate(_ name: String) throws(UsageError) -> Double? {
        try read(name, in: nil, by: Units.rate) { "\($0)" }
    }

    /// What `parse` makes of a flag's text; its mistake is given the flag's name.
    package func value<Value>(
        _ name: String,
        by parse: (String) throws(Units.Mistake) -> Value
    ) throws(UsageError) -> Value? {
        guard let text = text(name) else { return nil }
        do {
            return try parse(text)
        } catch {
            throw UsageError("--\(name) '\(text)' \(error)")
        }
    }

    /// One of a type's names: `--driver epoll`.
    package func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ name: String,
        _ type: Choice.Type = Choice.self
    ) throws(UsageError) -> Choice? {
        guard let text = text(name) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let suggestion = nearest(to: text, among: names).map { "; did you mean \($0)?" } ?? ""
        throw UsageError(
            "--\(name) '\(text)' is not one of \(names.joined(separator: ", "))\(suggestion)"
        )
    }

    private func read<Value: Comparable>(
        _ name: String,
        in range: ClosedRange<Value>?,
        by parse: (String) throws(Units.Mistake) -> Value,
        _ print: (Value) -> String
    ) throws(UsageError) -> Value? {
        guard let text = text(name), let value = try value(name, by: parse) else { return nil }
        guard let range, !range.contains(value) else { return value }
        let (low, high) = (print(range.lowerBound), print(range.upperBound))
        throw UsageError("--\(name) '\(text)' is out of range: give from \(low) to \(high)")
    }
}

/// Says what is wrong with a command line, on what, and what would be right.
///
/// A command prints it on standard error and ends with `exitCode`.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    /// What a command ends with when its command line is wrong: `EX_USAGE` of sysexits(3).
    package static let exitCode: Int32 = 64

    package let description: String

    package init(_ description: String) { self.description = description }
}
