// A stand-in for the module of swift-log: no more than the program beside it uses, with the
// signatures of the real one. It prints what is logged.

/// What a program logs with.
public struct Logger: Sendable {
    /// How much a message matters.
    public enum Level: String, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// What goes with a message.
    public typealias Metadata = [String: MetadataValue]

    /// One thing that goes with a message.
    public enum MetadataValue: Sendable {
        case string(String)
    }

    /// What is logged.
    public struct Message: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, Sendable {
        let text: String
        /// A message that is written in the program.
        public init(stringLiteral text: String) { self.text = text }
    }

    /// Which part of the program logs.
    public let label: String

    /// A logger for a part of the program.
    public init(label: String) { self.label = label }

    /// Prints a message.
    public func log(
        level: Logger.Level, _ message: @autoclosure () -> Logger.Message,
        metadata: @autoclosure () -> Logger.Metadata? = nil
    ) {
        let details = (metadata() ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        print("\(level) \(label): \(message().text) [\(details.joined(separator: " "))]")
    }
}
