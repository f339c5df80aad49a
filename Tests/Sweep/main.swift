import Flags
import Glibc
import Syscalls

// sweep: runs the echo service in the worlds of many seeds, and says which seed fails first.

do {
    let arguments = try SweepOptions.table.parse(Array(commandLineWords().dropFirst()))
    if let form = arguments.help {
        print(SweepOptions.table.help(form))
        exit(0)
    }
    let options = try SweepOptions(arguments)
    if options.showsNumbers {
        try Numbers.print()
        exit(0)
    }
    exit(try Sweep(options).run() ? 0 : 1)
} catch let error as UsageError {
    print("sweep: \(error)")
    exit(UsageError.exitCode)
} catch {
    print("sweep: \(error)")
    exit(71)
}
