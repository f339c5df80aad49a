import Flags
import Swiftlet

/// One program of the course: what it is called, what it takes, and what it does.
///
/// A program is ordinary code over Swiftlet, of which only the command line stands on `Flags`. Each
/// has a folder of its own; `Program.all` lists them.
package struct Program: Sendable {
    /// What it runs as, on an event loop, until it returns or throws; see `Failure` for the codes
    /// that it ends with.
    package typealias Body = @Sendable (Arguments) async throws -> Void

    /// What a user types: "chat".
    package let name: String
    /// What its command line may say.
    package let table: FlagTable
    let body: Body

    /// A program by what a user types, what it does in one sentence, the ways to call it without
    /// its name, its options, and what it runs as.
    init(
        _ name: String, _ summary: String, usage: [String] = ["[options]"], _ groups: [FlagGroup],
        positionalsMax: Int = 0, footer: [String] = [], body: @escaping Body
    ) {
        self.name = name
        table = FlagTable(
            command: "example \(name)", summary: summary, usage: usage, groups: groups,
            positionalsMax: positionalsMax, footer: footer)
        self.body = body
    }
}

/// Why a program ends before its work is done: what its last line says, and its exit code.
struct Failure: Error, Equatable, CustomStringConvertible {
    /// What a program ends with, as in sysexits(3).
    enum Code: Int32 {
        /// What came from the other side, or from a file, is not what it must be.
        case data = 65
        /// A file that is needed is not there or cannot be read.
        case noInput = 66
        /// The other side is not there, or the address cannot be listened on.
        case unavailable = 69
        /// A socket or a file failed while it was used.
        case io = 74
        /// The other side refuses: it wants to know who asks.
        case notAllowed = 77
    }

    let code: Code
    let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// A program that has done its work and says so by another code than 0, without a word.
struct ExitCode: Error, Equatable {
    let code: Int32
}
