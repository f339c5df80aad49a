import Drivers
import Syscalls
import TestServers
import Testing

@testable import Generator

struct ConnectionTableTests {
    @Test func `a ring grows as far as it may, and keeps its requests in order`() throws {
        var plan = LoadPlan(target: SocketAddress(loopbackPort: 1))
        plan.rate = 1
        var table = try ConnectionTable(
            numbers: 0..<2, silent: 2..<2, places: 1000, plan: plan, driver: PollDriver())
        table.markUp(0, since: 0)

        var (planned, taken) = (Int64(0), Int64(0))
        while let index = table.takeFromRotation() {
            table.connections[index].plan(at: planned)
            planned += 1
            // Each third one is sent and answered meanwhile, so that the ring turns.
            if planned.isMultiple(of: 3) {
                _ = table.connections[index].begin(at: 0, size: 1)
                #expect(table.connections[index].takeOldest().planned == taken)
                taken += 1
            }
            table.offer(index)
        }

        #expect(table.connections[0].capacity == 1000)
        #expect(table.refusals == 0)
        #expect(planned - taken == 1000)
        while table.connections[0].waitingRequests > 0 {
            #expect(table.connections[0].takeWaiting() == taken)
            taken += 1
        }
        #expect(taken == planned)
    }

    @Test func `without memory for its connections a run does not begin`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        var plan = quickPlan(server.address)
        plan.pipeline = 1 << 44
        let seen = try LoadRun.start(plan).finish()

        #expect(seen.ending == .connectFailed)
        #expect(seen.errors.map { "\($0.phase.rawValue) \($0.errno)" } == ["socket ENOMEM"])
    }
}
