import Flags
import Generator
import Reports

/// One option: what the help says of it, and where its value goes.
struct Option {
    let flag: Flag
    /// Puts what was given into the options; leaves them as they are when nothing was.
    let read: (Arguments, inout Options) throws(UsageError) -> Void

    /// An option with a value.
    init<Value>(
        _ name: String, _ letter: Character? = nil, _ placeholder: String,
        _ reading: OptionReading<Value>, isRepeatable: Bool = false,
        to path: WritableKeyPath<Options, Value>, help: String
    ) {
        flag = Flag(name, letter, placeholder, isRepeatable: isRepeatable, help: help)
        read = { arguments, options throws(UsageError) in
            if let value = try reading.read(arguments, name) { options[keyPath: path] = value }
        }
    }

    /// An option with a value that has no default.
    init<Value>(
        _ name: String, _ letter: Character? = nil, _ placeholder: String,
        _ reading: OptionReading<Value>, to path: WritableKeyPath<Options, Value?>, help: String
    ) {
        flag = Flag(name, letter, placeholder, help: help)
        read = { arguments, options throws(UsageError) in
            if let value = try reading.read(arguments, name) { options[keyPath: path] = value }
        }
    }

    /// An option that is read elsewhere.
    init(_ flag: Flag) {
        self.flag = flag
        read = { _, _ in }
    }

    /// A switch.
    init(
        _ name: String, _ letter: Character? = nil, to path: WritableKeyPath<Options, Bool>,
        help: String
    ) {
        flag = Flag(name, letter, help: help)
        read = { arguments, options throws(UsageError) in
            options[keyPath: path] = arguments.has(name)
        }
    }
}

/// Options that stand together in the help, under a heading.
struct OptionSection {
    let heading: String
    let isAdvanced: Bool
    let options: [Option]

    init(_ heading: String, isAdvanced: Bool = false, @OptionList _ options: () -> [Option]) {
        self.init(heading, isAdvanced: isAdvanced, options())
    }

    init(_ heading: String, isAdvanced: Bool, _ options: [Option]) {
        self.heading = heading
        self.isAdvanced = isAdvanced
        self.options = options
    }

    var group: FlagGroup { FlagGroup(heading, isAdvanced: isAdvanced, options.map(\.flag)) }
}

/// A list of options as statements: the compiler looks at each by itself, which is quick.
@resultBuilder enum OptionList {
    static func buildBlock(_ options: Option...) -> [Option] { options }
}

/// How the value of an option is read from the command line, by the option's name; nil when it was
/// not given.
struct OptionReading<Value> {
    let read: (Arguments, String) throws(UsageError) -> Value?

    private init(_ read: @escaping (Arguments, String) throws(UsageError) -> Value?) {
        self.read = read
    }

    /// A value of a small language of its own.
    static func parsed(by parse: @escaping (String) throws(Units.Mistake) -> Value) -> Self {
        Self { arguments, name throws(UsageError) in try arguments.value(name, by: parse) }
    }
}

extension OptionReading<Int> {
    static func count(in range: ClosedRange<Int>) -> Self {
        Self { arguments, name throws(UsageError) in try arguments.count(name, in: range) }
    }
}

extension OptionReading<UInt64> {
    static var seed: Self {
        Self { arguments, name throws(UsageError) in try arguments.count(name).map(UInt64.init) }
    }
}

extension OptionReading<Duration> {
    static func duration(in range: ClosedRange<Duration>) -> Self {
        Self { arguments, name throws(UsageError) in try arguments.duration(name, in: range) }
    }
}

extension OptionReading<LoadPlan.Warmup> {
    /// A time, or `auto`.
    static func warmup(in range: ClosedRange<Duration>) -> Self {
        Self { arguments, name throws(UsageError) in
            if arguments.text(name) == "auto" { return .auto }
            return try arguments.duration(name, in: range).map { .fixed($0) }
        }
    }
}

extension OptionReading<Double> {
    static var rate: Self {
        Self { arguments, name throws(UsageError) in try arguments.rate(name) }
    }
}

extension OptionReading<String> {
    static var text: Self { Self { arguments, name in arguments.text(name) } }
}

extension OptionReading where Value: CaseIterable & RawRepresentable<String> {
    static func choice() -> Self {
        Self { arguments, name throws(UsageError) in try arguments.choice(name) }
    }
}

extension OptionReading<Threshold> {
    static var condition: Self {
        Self { arguments, name throws(UsageError) in
            guard let text = arguments.text(name) else { return nil }
            return try Threshold(text, option: "--\(name)")
        }
    }
}

extension OptionReading<[Threshold]> {
    static var conditions: Self {
        Self { arguments, name throws(UsageError) in
            var conditions: [Threshold] = []
            for text in arguments.texts(name) {
                conditions.append(try Threshold(text, option: "--\(name)"))
            }
            return conditions
        }
    }
}
