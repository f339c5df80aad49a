import EchoServers
import Glibc

// `loadtest echo` is the bundled server; it never shares a process with a run, so that its CPU and
// memory can be told apart.
let words = Array(CommandLine.arguments.dropFirst())
exit(
    words.first == "echo"
        ? runEchoServer(command: "loadtest echo", arguments: Array(words.dropFirst()))
        : LoadTest.run(words))
