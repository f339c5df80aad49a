import CLinux

/// The words that this process was started with, the program's name first (execve(2)).
///
/// They are taken from the memory where the kernel has put them. Swift's `CommandLine` reads them
/// from /proc, and finds none where that is not mounted. Throws `ENOENT` where neither has them.
package func commandLineWords() throws(Errno) -> [String] {
    var count: CInt = 0
    guard let words = clinux_arguments(&count) else {
        if CommandLine.arguments.isEmpty { throw .noEntry }
        return CommandLine.arguments
    }
    return (0..<Int(count)).map { words[$0].map { String(cString: $0) } ?? "" }
}
