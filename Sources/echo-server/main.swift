import EchoServers
import Glibc

// The command `echo-server`: everything it does is in EchoServers, which `loadtest echo` calls too.
exit(runEchoServer(command: "echo-server", arguments: Array(CommandLine.arguments.dropFirst())))
