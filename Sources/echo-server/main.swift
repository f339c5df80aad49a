import EchoServers
import Glibc
import Syscalls

// The command `echo-server`: everything it does is in EchoServers, which `loadtest echo` calls too.
openStandardDescriptors()
// Without them it would serve something else than was asked for.
let words: [String]
do throws(CommandLineError) {
    words = try commandLineWords()
} catch {
    StandardError.say("echo-server: \(error)")
    exit(error.exitCode)
}
exit(runEchoServer(command: "echo-server", arguments: Array(words.dropFirst())))
