/// Says what is wrong with a command line, on what, and what would be right.
///
/// A command prints it on standard error and ends with `exitCode`.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    /// What a command ends with when its command line is wrong: `EX_USAGE` of sysexits(3).
    package static let exitCode: Int32 = 64

    package let description: String

    package init(_ description: String) { self.description = description }
}
