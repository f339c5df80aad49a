import Glibc

// The seed that a person gives from outside to repeat a run.

/// The seed that SWIFTLET_SEED holds; nil when it is not set.
func forcedSeed(test: StaticString) throws(SimulationFailure) -> UInt64? {
    guard let text = getenv("SWIFTLET_SEED") else { return nil }
    return try forcedSeed(from: String(cString: text), test: test)
}

/// The seed that a text means: a whole number, as a report prints it.
func forcedSeed(from text: String, test: StaticString) throws(SimulationFailure) -> UInt64 {
    if let seed = UInt64(text) { return seed }
    throw SimulationFailure(
        reason: .badSeed(text), seed: 0, description: "\(SimulationFailure.Reason.badSeed(text))")
}

/// The command that repeats a run of a test.
func repeating(_ seed: UInt64, of test: StaticString) -> String {
    "SWIFTLET_SEED=\(seed) swift test --filter '\(filter(for: "\(test)"))'"
}

/// A regular expression that finds a test by the name of its function, and that a shell leaves
/// alone between single quotes.
func filter(for function: String) -> String {
    // The list of parameters is the last pair of parentheses; a name in backticks may have others.
    let end = function.hasSuffix(")") ? function.lastIndex(of: "(") : nil
    let letters = function[..<(end ?? function.endIndex)].map { letter in
        letter.isLetter || letter.isNumber || " _".contains(letter) ? letter : "."
    }
    return String(letters)
}
