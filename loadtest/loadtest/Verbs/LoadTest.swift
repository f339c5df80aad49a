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
            if arguments.wantsAllHelp { return Output.say(Options.table.helpForAll) }
            if arguments.wantsHelp { return Output.say(Options.table.help) }
            if arguments.wantsVersion { return Output.say("loadtest \(Options.version)") }
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
