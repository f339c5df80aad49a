// A stand-in for the module of swift-metrics: no more than the program beside it uses, with the
// signatures of the real one. It prints what is counted and recorded.

/// What only ever grows.
public final class Counter: Sendable {
    let name: String

    /// A counter of a name, for a value of each dimension.
    public init(label: String, dimensions: [(String, String)] = []) {
        name = "\(label)\(dimensions)"
    }

    /// Prints by how much it grows.
    public func increment(by amount: some BinaryInteger) { print("\(name) += \(amount)") }
}

/// What goes up and down.
public final class Gauge: Sendable {
    let name: String

    /// A gauge of a name, for a value of each dimension.
    public init(label: String, dimensions: [(String, String)] = []) {
        name = "\(label)\(dimensions)"
    }

    /// Prints what it shows now.
    public func record(_ value: some BinaryFloatingPoint) { print("\(name) = \(value)") }
}
