/// temporary
package struct Steadiness: Sendable {
    package init() {}
    package mutating func add(rate: Double, median: Double) {}
    package var isSteady: Bool { true }
}
