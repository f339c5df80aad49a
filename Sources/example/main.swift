import Examples
import Glibc
import Syscalls

// The command `example`: everything it does is in Examples.
openStandardDescriptors()
let words: [String]
do throws(CommandLineError) {
    words = try commandLineWords()
} catch {
    StandardError.say("example: \(error)")
    exit(error.exitCode)
}
exit(runExample(arguments: Array(words.dropFirst())))
