import Flags
import Reports
import Syscalls

/// What the verbs that work on files have in common: how they read their words, answer `--help` and
/// `--version`, and say what stopped them.
enum Verb {
    /// Runs a verb; returns what the command ends with.
    static func run(
        _ table: FlagTable, _ words: [String], _ body: (Arguments) throws -> Int32
    ) -> Int32 {
        // A reader that has seen enough, as in `| head -1`, is no reason to be killed.
        ignoreBrokenPipes()
        do {
            let arguments = try table.parse(words)
            if arguments.wantsHelp { return Output.say(table.help) }
            if arguments.wantsVersion { return Output.say("loadtest \(Options.version)") }
            return try body(arguments)
        } catch let stop as Stop {
            return Output.complain(stop.message, exit: stop.exitCode)
        } catch {
            return Output.complain("\(error)", exit: UsageError.exitCode)
        }
    }
}
