import Flags
import FoundationEssentials
import Generator
import Processes
import Reports
import Syscalls

/// The server of an arm as a process: started as the arm says, and stopped with what it counted.
struct ArmServer: Sendable {
    let process: ServerProcess
    private let mechanism: Mechanism?

    /// Starts a process of a contender, on an address of its own, which it may take so long to
    /// serve.
    static func start(
        _ contender: Contender, over transport: Transport, within timeout: Duration,
        _ interrupts: Interrupts
    ) throws(ArmFailure) -> ArmServer {
        try interrupts.check()
        var interruption: ArmFailure?
        do throws(ServerProcess.Failure) {
            switch contender.origin {
            case .bundled(let model, let driver):
                let process = try ServerProcess.start(
                    "/proc/self/exe",
                    arguments: words(model: model, driver: driver, over: transport))
                return ArmServer(process: process, mechanism: contender.mechanism)
            case .foreign:
                guard let place = GivenAddress.find(over: transport) else {
                    throw .notStarted(.addressInUse)
                }
                let process = try ServerProcess.start(
                    foreign: contender.words.map(place.fill), at: place.candidates,
                    by: place.kind, readyWithin: timeout, endsWithThread: true
                ) {
                    do throws(ArmFailure) { try interrupts.check() } catch { interruption = error }
                    return interruption == nil
                }
                return ArmServer(process: process, mechanism: nil)
            }
        } catch {
            if let interruption { throw interruption }
            throw ArmFailure(starting: error, words: contender.words)
        }
    }

    private static func words(
        model: String, driver: String, over transport: Transport
    ) -> [String] {
        var words = ["loadtest", "echo", "--listen", transport.freeAddress, "--model", model]
        if driver != model { words += ["--driver", driver] }
        return words + ["--exit-with-parent", "\(Machine.processNumber)"]
    }

    /// Makes what a load met a failure of this server, with what it said at its end.
    func explaining<Result>(
        _ body: () throws(HeldLoad.Failure) -> Result
    ) throws(ArmFailure) -> Result {
        do throws(HeldLoad.Failure) {
            return try body()
        } catch {
            switch error {
            case .interrupted(let signal): throw .interrupted(signal)
            case .wrongBytes(let diagnosis):
                let reason = diagnosis.isEmpty ? "" : ": \(diagnosis)"
                throw .incorrect(["wrong bytes under load\(reason)"])
            case .failed(let reason):
                if process.isRunning { throw .failed(reason) }
                let ended = process.stop()
                throw .failed("\(reason); it ended with code \(ended.exitCode)\(ended.lastWords)")
            }
        }
    }

    /// What it left behind: its counts of system calls, if it counts them.
    struct Ended {
        var calls: [String: Int]?
    }

    /// Stops it; throws when it did not end in order, or served by another mechanism than its own.
    func stop() throws(ArmFailure) -> Ended {
        let wasRunning = process.isRunning
        let ended = process.stop()
        guard wasRunning else {
            throw .failed("it ended by itself with code \(ended.exitCode)\(ended.lastWords)")
        }
        // How others end when they are told to is their affair.
        guard let mechanism else { return Ended(calls: nil) }
        if ended.wasKilled {
            throw .failed("it had to be killed: it did not end within 5 s\(ended.lastWords)")
        }
        guard ended.exitCode == 0, let calls = ended.counters.flatMap(CallCounts.read) else {
            throw .failed("it ended with code \(ended.exitCode) and no counters\(ended.lastWords)")
        }
        if let objection = mechanism.objection(to: calls) { throw .incorrect([objection]) }
        return Ended(calls: calls)
    }
}

extension ArmFailure {
    /// A server that did not start: it was not there, or the machine has not what it needs.
    fileprivate init(starting failure: ServerProcess.Failure, words: [String]) {
        switch failure {
        case .notStarted(.noEntry): self = .notHosted("command not found: \(words.first ?? "")")
        case .noEcho(let reason): self = .incorrect(["first echo: \(reason)"])
        case .endedEarly(ExitCode.systemLimit, let text) where words.isEmpty:
            // Ours says in a sentence what this machine has not.
            let said = ArmFailure.lastLine(of: text) ?? "a limit of the system"
            self = .notHosted(said.replacing("loadtest echo: ", with: ""))
        case .endedEarly(let code, let text):
            let said = ArmFailure.lastLine(of: text).map { ": \($0)" } ?? ""
            self = .notHosted("ended with code \(code) before it served\(said)")
        default: self = .notHosted("\(failure)")
        }
    }

    /// The last line that says something, cut to what fits a table.
    static func lastLine(of text: String) -> String? {
        let line = text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }
        return line.map { String($0.prefix(200)) }
    }
}

extension ServerProcess.Ended {
    /// What it said at its end, to be put behind what became of it.
    var lastWords: String { ArmFailure.lastLine(of: standardError).map { ": \($0)" } ?? "" }
}

/// What shows by which mechanism a bundled server served: the system calls that it counted.
///
/// Its own must be among them, and those of other models must not: a model that falls back on
/// something else in silence would be measured under a name that is not its own.
package struct Mechanism: Sendable, Equatable {
    /// The call that it stands for: "epoll_wait".
    package let own: String
    /// The calls that other models stand for.
    private let foreign: Set<String>

    /// `telling` are the calls that tell the models apart.
    package init(own: String, telling: Set<String>) {
        self.own = own
        foreign = telling.subtracting([own])
    }

    /// What is wrong with the calls that a server counted; nil if nothing is.
    package func objection(to calls: [String: Int]) -> String? {
        let others = calls.filter { foreign.contains($0.key) && $0.value > 0 }.keys.sorted()
        let names = others.joined(separator: ", ")
        if calls[own, default: 0] == 0 {
            return "it never called \(own)" + (others.isEmpty ? "" : "; it counted \(names)")
        }
        return others.isEmpty ? nil : "it also called \(names)"
    }

    /// The proof in a few words: "epoll_wait 1.9M".
    package func proof(in calls: [String: Int]) -> String {
        "\(own) \(Figures.short(Double(calls[own, default: 0])))"
    }
}

/// The system calls that a bundled server counted, from the last line that it wrote.
package enum CallCounts {
    /// Nil when the line is no counters.
    package static func read(_ line: String) -> [String: Int]? {
        // Another text than JSON is another line.
        struct Counters: Decodable { let calls: [String: Int] }
        return try? JSONDecoder().decode(Counters.self, from: Data(line.utf8)).calls
    }
}
