import Compare
import EchoServers
import Flags
import Reports
import Syscalls

/// The command, from its words to its exit code: check, start the server if asked to, run, report.
enum LoadTest {
    static func run(_ words: [String]) -> Int32 {
        ignoreBrokenPipes()
        let arguments: Arguments
        let options: Options
        do throws(UsageError) {
            arguments = try Options.table.parse(words)
            if let form = arguments.help {
                return Output.say(Options.table.help(form, verbs: Verb.tables))
            }
            if arguments.wantsVersion { return Output.say("loadtest \(packageVersion)") }
        } catch {
            return Output.complain("\(error)", exit: UsageError.exitCode)
        }
        do throws(UsageError) {
            options = try Options(arguments)
        } catch {
            let code = Output.complain("\(error)", exit: UsageError.exitCode)
            Session.reportRefused("\(error)", arguments, words)
            return code
        }
        var session = Session(options, words: words)
        do throws(Stop) {
            return try session.run()
        } catch {
            let code = Output.complain(error.message, exit: error.exitCode)
            session.reportNotStarted(error)
            return code
        }
    }
}

/// Why a run cannot go on, in words, and what the command ends with.
struct Stop: Error {
    let message: String
    let exitCode: Int32
}

/// What the verbs that work on files have in common: how they read their words, answer `--help` and
/// `--version`, and say what stopped them.
enum Verb {
    /// The tables of all verbs.
    static let tables = [
        CompareOptions.table, DiffCommand.table, MergeCommand.table, ReportCommand.table,
        EchoOptions.table(command: "loadtest echo"),
    ]

    /// Runs a verb; returns what the command ends with.
    static func run(
        _ table: FlagTable, _ words: [String], _ body: (Arguments) throws -> Int32
    ) -> Int32 {
        // A reader that has seen enough, as in `| head -1`, is no reason to be killed.
        ignoreBrokenPipes()
        do {
            let arguments = try table.parse(words)
            if let form = arguments.help { return Output.say(table.help(form)) }
            if arguments.wantsVersion { return Output.say("loadtest \(packageVersion)") }
            return try body(arguments)
        } catch let stop as Stop {
            return Output.complain(stop.message, exit: stop.exitCode)
        } catch {
            return Output.complain("\(error)", exit: UsageError.exitCode)
        }
    }
}
