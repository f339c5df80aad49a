import Generator
import Glibc
import Syscalls
import TestServers

/// A plan that is over as soon as so many requests are answered. No limit of time ends it: a test
/// in which one has to run out sets it.
func quickPlan(
    _ target: SocketAddress,
    requests: Int = 200,
    connections: Int = 4
) -> LoadPlan {
    var plan = LoadPlan(target: target)
    plan.connections = connections
    plan.requests = requests
    plan.duration = nil
    plan.warmup = .fixed(.zero)
    plan.drain = .ample
    plan.timeout = .ample
    plan.connectTimeout = .ample
    return plan
}

/// Runs a plan to its end against a server that behaves as told.
func measure(
    connections: Int = 4,
    requests: Int = 200,
    shaping shape: (inout LoadPlan) -> Void = { _ in },
    against behaviour: @escaping @Sendable (Peer) -> Void
) throws -> Measurement {
    let server = try TestServer(behaviour)
    defer { server.stop() }
    var plan = quickPlan(server.address, requests: requests, connections: connections)
    shape(&plan)
    return try LoadRun.start(plan).finish()
}

/// The least time, in seconds, in which one of so many connections can have failed this often: the
/// pauses after its failures are 1, 2, 4 ... ms, up to a second.
func leastTime(forFailures count: Int, connections: Int = 1) -> Double {
    let each = (count + connections - 1) / connections
    return (0..<max(0, each - 1)).reduce(0) { $0 + min(1, 0.001 * Double(1 << min($1, 10))) }
}

extension LoadRun {
    /// Lets the run go on until its progress is as the test wants it, or it has ended.
    func wait(until isReached: (Progress) -> Bool) {
        while !isFinished, !isReached(progress()) { waitAMoment() }
    }

    /// Waits for the end of the run, a millisecond at most: a look at it takes time from it.
    func waitAMoment() {
        var entry = pollfd(fd: ended.number, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, 1)
    }
}
