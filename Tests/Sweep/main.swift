import Flags
import Glibc
import Syscalls

// sweep: runs the echo service in the worlds of many seeds, and says which seed fails first.

do {
    let arguments = try SweepOptions.table.parse(Array(CommandLine.arguments.dropFirst()))
    if arguments.wantsHelp {
        print(SweepOptions.table.help)
        exit(0)
    }
    let sweep = Sweep(try SweepOptions(arguments))
    exit(try sweep.run() ? 0 : 1)
} catch let error as UsageError {
    print("sweep: \(error)")
    exit(UsageError.exitCode)
} catch {
    print("sweep: \(error)")
    exit(71)
}
