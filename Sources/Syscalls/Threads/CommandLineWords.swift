import CLinux

/// The words that this process was started with, the program's name first (execve(2)).
///
/// They are taken from the memory where the kernel has put them. Swift's `CommandLine` reads them
/// from /proc, and finds none where that is not mounted. A word that is no text is refused: its
/// repaired form would name another file.
package func commandLineWords() throws(CommandLineError) -> [String] {
    var count: CInt = 0
    guard let words = clinux_arguments(&count) else {
        if CommandLine.arguments.isEmpty { throw .unreadable }
        return CommandLine.arguments
    }
    var texts: [String] = []
    for place in 0..<Int(count) {
        guard let word = words[place], let text = String(validatingCString: word) else {
            throw .notUTF8(place)
        }
        texts.append(text)
    }
    return texts
}

/// Why a process does not know what it was asked for.
package enum CommandLineError: Error, CustomStringConvertible {
    case unreadable
    /// The word at this place; the program's name is at 0.
    case notUTF8(Int)

    /// What to do about it.
    package var description: String {
        switch self {
        case .unreadable: "cannot read its command line: mount /proc"
        case .notUTF8(let place): "word \(place) of its command line is not UTF-8: rename the file"
        }
    }

    /// What a command exits with (sysexits.h): a limit of the system, or wrong usage.
    package var exitCode: Int32 {
        switch self {
        case .unreadable: 71
        case .notUTF8: 64
        }
    }
}
