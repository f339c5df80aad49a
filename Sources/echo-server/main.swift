import EchoServers
import Glibc
import Syscalls

// The command `echo-server`: everything it does is in EchoServers, which `loadtest echo` calls too.
openStandardDescriptors()
// Without them it would serve something else than was asked for.
guard let words = try? commandLineWords() else {
    StandardError.say("echo-server: cannot read its command line: mount /proc")
    exit(71)
}
exit(runEchoServer(command: "echo-server", arguments: Array(words.dropFirst())))
