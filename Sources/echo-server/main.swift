import EchoServers
import Glibc

exit(runEchoServer(command: "echo-server", arguments: Array(CommandLine.arguments.dropFirst())))
