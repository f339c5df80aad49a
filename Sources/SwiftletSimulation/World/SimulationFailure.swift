import Glibc
import Swiftlet
import Syscalls

/// Why a simulation failed, with the seed that repeats it and the report of what was going on.
public struct SimulationFailure: Error, CustomStringConvertible {
    /// What went wrong.
    public enum Reason: Sendable {
        /// Nothing was runnable, nothing was due, and the body had not ended.
        case deadlock
        /// Tasks of a host ran and ran at one instant, and the clock did not move.
        case livelock(host: String)
        /// The body had not ended when the simulated time was over.
        case timeIsOver(limit: Duration)
        /// The body threw an error.
        case threw(any Error)
        /// The program of a host threw an error while the host was up.
        case hostThrew(host: String, any Error)
        /// A task or a handler threw an error that no code handles; the place is that of the call
        /// which started it, as "Chat/Client.swift:12".
        case unhandled(host: String, task: String, place: String, any Error)
        /// Tasks were left that do not end although they are cancelled, or descriptors, or
        /// deadlines.
        case leftOver(String)
        /// Two runs of the same seed were not the same.
        case notDeterministic
        /// The environment variable SWIFTLET_SEED holds something that is no seed.
        case badSeed(String)
        /// The range of seeds to explore is empty, so nothing was tried.
        case noSeeds(Range<UInt64>)
    }

    /// What went wrong.
    public let reason: Reason
    /// What repeats it.
    public let seed: UInt64
    /// What went wrong in words, how to repeat it, what each task was waiting for, the sockets, and
    /// the end of the trace.
    public let description: String
}

extension SimulationFailure.Reason: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .deadlock: "deadlock: nothing is runnable, nothing is due, and the body has not ended"
        case .livelock(let host):
            "livelock: tasks of host '\(host)' run and run, and the clock does not move"
        case .timeIsOver(let limit): "the body has not ended after \(limit) of simulated time"
        case .threw(let error): "the body threw: \(text(of: error))"
        case .hostThrew(let host, let error):
            "the program of host '\(host)' threw: \(text(of: error))"
        case .unhandled(let host, let task, let place, let error):
            "'\(task)' at \(place) on host '\(host)' threw what no code handles: "
                + "\(text(of: error)) (catch it, or set world.failsOnUnhandledErrors to false)"
        case .leftOver(let what): "something is left after the end: \(what)"
        case .notDeterministic: "two runs of the same seed were not the same"
        case .badSeed(let text):
            "SWIFTLET_SEED is '\(text)': write a whole number from 0 to \(UInt64.max)"
        case .noSeeds(let seeds):
            "there is no seed in \(seeds): give a range with at least one"
        }
    }
}

/// What an error says of itself; of one that has no words of its own, and many fields, its type.
///
/// The error of a failed `#require` is such a one: its place and its values stand in the issue that
/// Swift Testing has noted.
private func text(of error: any Error) -> String {
    let text = "\(error)"
    let isDump = !(error is any CustomStringConvertible) && text.count > 200
    return isDump ? "\(type(of: error))" : text
}

// MARK: The report

// The report of a failure: what, how to repeat it, what each task waits for, the sockets, and the
// last events.
extension SimulationFailure {
    /// A failure before any world was made.
    init(_ reason: Reason) { self.init(reason: reason, seed: 0, description: "\(reason)") }

    /// A failure of a world as it stands.
    init(_ reason: Reason, seed: UInt64, of test: StaticString, in world: World) {
        var parts = ["\(reason)", "repeat it: \(repeating(seed, of: test))"]
        parts.append("after \(world.elapsed) of simulated time")
        let outside = world.scheduler.wakesFromOutside
        if outside > 0 {
            parts.append(leftTheSimulation(times: outside))
        } else if case .deadlock = reason, world.waitsForTheUnseen {
            parts.append(mayHaveLeft)
        }
        if !ShownClock.isHooked {
            parts.append("Task.sleep and ContinuousClock show the machine's time: see ShownClock")
        }
        parts += section("waiting", world.waitingLines)
        parts += section("sockets", world.kernel.use { $0.socketTable })
        parts += section("the last events", world.traceLines)
        self.init(reason: reason, seed: seed, description: parts.joined(separator: "\n"))
    }
}

/// Lines under a title; no title without lines.
private func section(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : ["\(title):"] + lines.map { "    \($0)" }
}

/// What to do about code that runs on other threads.
func leftTheSimulation(times: Int) -> String {
    "Code left the simulation: other threads woke it \(times) times. " + cure
}

private let mayHaveLeft = "The simulation does not see what runs outside of it. " + cure

private let cure = """
    A `Task {}`, a `Task.detached` and main-actor code run on other threads, and no seed decides \
    when. Start them with `spawn`, or with `Task(executorPreference: \
    EventLoop.current?.taskExecutor)`.
    """

extension World {
    /// What every task of every host waits for, a line each.
    var waitingLines: [String] {
        scheduler.all.flatMap { entry in
            let name = kernel.use { $0.hosts[entry.host].name }
            return entry.loop.parkReports.map { "\(name): \($0)" }
        } + awaitedLines
    }

    private var awaitedLines: [String] {
        hosts.flatMap { host in
            host.awaited.ports.map { "a task waits until '\(host.name)' listens on port \($0)" }
        }
    }

    /// Whether a task waits for something that no loop can see.
    var waitsForTheUnseen: Bool {
        awaitedLines.isEmpty
            && scheduler.all.contains { $0.loop.parkReports.contains { $0.purpose == nil } }
    }
}

// MARK: Seeds from outside

// The seed that a person gives from outside to repeat a run.

/// What SWIFTLET_SEED holds, the variable by which a person repeats a run; nil when it is not set.
var environmentSeed: String? { getenv("SWIFTLET_SEED").map { String(cString: $0) } }

extension Simulation {
    /// The seed from outside: a whole number, as a report prints it; nil when there is none.
    func parsedSeed(test: StaticString) throws(SimulationFailure) -> UInt64? {
        guard let forcedSeed else { return nil }
        guard let seed = UInt64(forcedSeed) else {
            throw SimulationFailure(.badSeed(forcedSeed))
        }
        return seed
    }
}

/// Says on standard error that a test runs another seed than it asks for, because of its
/// environment.
func sayForced(_ seed: UInt64, insteadOf others: String, in test: StaticString) {
    if environmentSeed == nil { return }
    // Without standard error there is no reader.
    try? File.write(
        forcedSeedNotice(seed, insteadOf: others, in: test) + "\n", to: RawDescriptor(2))
}

func forcedSeedNotice(
    _ seed: UInt64, insteadOf others: String, in test: StaticString
) -> String {
    "SWIFTLET_SEED is set: '\(test)' runs seed \(seed) instead of \(others)"
}

/// The command that repeats a run of a test.
func repeating(_ seed: UInt64, of test: StaticString) -> String {
    // The order of a Set comes again only with the hashing of this process.
    let hashing =
        getenv("SWIFT_DETERMINISTIC_HASHING") == nil ? "" : "SWIFT_DETERMINISTIC_HASHING=1 "
    return "\(hashing)SWIFTLET_SEED=\(seed) swift test --filter '\(filter(for: "\(test)"))'"
}

/// A regular expression that finds a test by the name of its function, and that a shell leaves
/// alone between single quotes.
func filter(for function: String) -> String {
    // The list of parameters is the last pair of parentheses; a name in backticks may have others.
    let end = function.hasSuffix(")") ? function.lastIndex(of: "(") : nil
    let letters = function[..<(end ?? function.endIndex)].map { letter in
        letter.isLetter || letter.isNumber || " _".contains(letter) ? letter : "."
    }
    return String(letters)
}
