import Swiftlet
import Syscalls

// The report of a failure: what, how to repeat it, who waits for what, the sockets, and the last
// events.
extension SimulationFailure {
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
        parts += section("who waits", world.waitingLines)
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
            let name = kernel.use { $0.hosts[entry.host.index].name }
            return entry.loop.parkReports.map { "\(name): \($0)" }
        }
    }

    /// Whether a task waits for something that no loop can see.
    var waitsForTheUnseen: Bool {
        scheduler.all.contains { $0.loop.parkReports.contains { $0.purpose == nil } }
    }
}
