import EchoServers
import Glibc
import Syscalls

// The first word chooses the verb; without one it is a run. `loadtest echo` is the bundled server;
// it never shares a process with a run, so that its CPU and memory can be told apart.
openStandardDescriptors()
// Without them it would measure something else than was asked for.
let words: [String]
do throws(CommandLineError) {
    words = Array(try commandLineWords().dropFirst())
} catch {
    StandardError.say("loadtest: \(error)")
    exit(error.exitCode)
}
let rest = Array(words.dropFirst())
switch words.first {
case "echo": exit(runEchoServer(command: "loadtest echo", arguments: rest))
case "compare": exit(CompareCommand.run(rest))
case "merge": exit(MergeCommand.run(rest))
case "diff": exit(DiffCommand.run(rest))
case "report": exit(ReportCommand.run(rest))
default: exit(LoadTest.run(words))
}
