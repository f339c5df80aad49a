import Generator
import Glibc
import Syscalls
import TestServers

/// A plan that is over as soon as so many requests are answered.
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
    plan.drain = .milliseconds(50)
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

extension LoadRun {
    /// Lets the run go on until its progress is as the test wants it, or it has ended.
    func wait(until isReached: (Progress) -> Bool) {
        while !isFinished, !isReached(progress()) { sched_yield() }
    }
}
