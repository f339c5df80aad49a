import Swiftlet
import Syscalls

/// A run of ordinary async code in a simulated world, which the seed alone decides.
///
/// ```swift
/// try Simulation(seed: 42).run { world in
///     let server = world.host("server"), client = world.host("client")
///     let address = server.address(port: 7788)
///     try server.spawn { try await StreamServer.serve(on: address, handler: echo) }
///     try await client.run { try await chat(with: address) }
/// }
/// ```
///
/// Time is virtual, and exact to the nanosecond: `sleep`, `withTimeout`, every timeout of a socket,
/// `Task.sleep`, and `ContinuousClock` and `SuspendingClock`, which show the time of the host that
/// asks. `Instant.now`, `Date` and clocks of your own show the machine's; `World.now` is the
/// world's.
///
/// Everything runs on the calling thread. Code that leaves the simulation is decided by no seed: a
/// `Task {}` or `Task.detached` runs on the threads of Swift's own pool, main-actor code on the
/// main thread. `spawn` and `Task(executorPreference: EventLoop.current?.taskExecutor)` stay.
public struct Simulation: Sendable {
    /// What repeats the run. The environment variable SWIFTLET_SEED takes its place when it is set,
    /// and a line on standard error says so.
    public var seed: UInt64
    /// Whether the body is run twice, in two worlds of the same seed, and fails when the two runs
    /// are not the same: to catch code that is not deterministic.
    ///
    /// Both runs are in one process, so what is the same for a whole process does not show: above
    /// all the order of a `Set` or a `Dictionary`, whose hashing is seeded anew in each process.
    /// With SWIFT_DETERMINISTIC_HASHING=1 in the environment that order is always the same.
    public var checksDeterminism = false
    /// How many of the last events stand in a report, at least 0.
    public var traceTail = 64
    /// The simulated time after which a body that has not ended fails.
    public var timeLimit = Duration.seconds(7 * 86_400)
    /// How many turns the loop of a host may make at one instant of the world; one more fails as a
    /// livelock. Turns between which segments are sent or arrive count a tenth, so a host may do
    /// much at one instant, but not for ever.
    public var turnLimit = 50_000

    /// What SWIFTLET_SEED holds, for the simulations that are made now; nil when it is not set.
    @TaskLocal static var outerSeed = environmentSeed
    /// What it held when this one was made.
    var forcedSeed = Simulation.outerSeed

    /// A simulation that `seed` decides.
    public init(seed: UInt64) { self.seed = seed }

    /// Runs `body` in a new world until it returns.
    ///
    /// It blocks the calling thread, on which everything runs, and takes as long as the code needs:
    /// waiting costs nothing. When the body has returned, what it started is cancelled and awaited,
    /// and nothing may be left then. An error that no code handles fails the run, as
    /// `World.failsOnUnhandledErrors` says.
    ///
    /// - Parameters:
    ///   - test: the name of the test, for the line that repeats a failure.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what to run, on a host of its own.
    /// - Returns: what `body` returns.
    /// - Throws: `SimulationFailure`.
    @discardableResult
    public func run<Value: Sendable>(
        test: StaticString = #function, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: @escaping @Sendable (World) async throws -> Value
    ) throws(SimulationFailure) -> Value {
        var settings = self
        if let forced = try parsedSeed(test: test) {
            settings.seed = forced
            sayForced(forced, insteadOf: "seed \(seed)", in: test)
        }
        return try SeededRun(settings: settings, test: test, file: file, line: line, body: body)
            .value()
    }

    /// Runs `body` in a new world for each of many seeds, and stops at the first that fails.
    ///
    /// It takes the calling thread, as `run` does. When the environment variable SWIFTLET_SEED is
    /// set, only that seed is run, and a line on standard error says so.
    ///
    /// - Parameters:
    ///   - seeds: the seeds to try, at least one.
    ///   - settings: what each run is like; its own seed is of no account.
    ///   - test: the name of the test, for the line that repeats a failure.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - body: what to run, on a host of its own.
    /// - Throws: the `SimulationFailure` of the first seed that fails, or one that says that there
    ///   is no seed to try.
    public static func explore(
        seeds: Range<UInt64>,
        with settings: Simulation = Simulation(seed: 0),
        test: StaticString = #function, file: SourceFile = #fileID, line: UInt32 = #line,
        _ body: @escaping @Sendable (World) async throws -> Void
    ) throws(SimulationFailure) {
        var run = SeededRun(settings: settings, test: test, file: file, line: line, body: body)
        if let forced = try settings.parsedSeed(test: test) {
            run.settings.seed = forced
            sayForced(forced, insteadOf: "seeds \(seeds)", in: test)
            return try run.value()
        }
        if seeds.isEmpty { throw SimulationFailure(.noSeeds(seeds)) }
        for seed in seeds {
            run.settings.seed = seed
            try run.value()
        }
    }
}
