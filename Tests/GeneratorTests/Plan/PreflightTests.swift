import Statistics
import Syscalls
import Testing

@testable import Generator

struct PreflightTests {
    private func plan(connections: Int, threads: Int, target: String) throws -> LoadPlan {
        var plan = LoadPlan(target: try SocketAddress(target))
        plan.connections = connections
        plan.threads = threads
        return plan
    }

    @Test func `shares add up, differ by one at most and do not overlap`() {
        for total in [0, 1, 2, 7, 1000, 9973] {
            for count in 1...13 {
                let shares = (0..<count).map { share(of: total, for: $0, among: count) }
                #expect(shares.flatMap { Array($0) } == Array(0..<total))
                let sizes = shares.map(\.count)
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            }
        }
    }

    @Test func `descriptors are counted for connections, threads and the rest`() throws {
        let plan = try plan(connections: 1000, threads: 2, target: "10.0.0.1:80")
        #expect(Preflight.descriptorsNeeded(for: plan) == 1038)
        try Preflight.check(plan, descriptors: 1038, ports: 1024...65_535)
        #expect(throws: Preflight.Shortage.descriptors(needed: 1038, allowed: 1037)) {
            try Preflight.check(plan, descriptors: 1037, ports: 1024...65_535)
        }
    }

    @Test func `threads with descriptors of their own need them for their share alone`() throws {
        var plan = try plan(connections: 90_000, threads: 5, target: "10.0.0.1:80")
        plan.idle = 7
        plan.separatesDescriptors = true
        #expect(Preflight.descriptorsNeeded(for: plan) == 18_000 + 2 + 5 * 3 + 32)

        plan.threads = 1
        #expect(Preflight.shardsNeeded(for: plan, descriptors: 20_000) == 5)
        #expect(Preflight.shardsNeeded(for: plan, descriptors: 200_000) == 1)
        // What each thread needs besides leaves no room.
        #expect(Preflight.shardsNeeded(for: plan, descriptors: 100) == nil)
    }

    @Test func `local ports limit the connections to one target`() throws {
        let plan = try plan(connections: 101, threads: 1, target: "10.0.0.1:40000")
        try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_100)
        #expect(throws: Preflight.Shortage.ports(needed: 101, perSource: 100, sources: 1)) {
            try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_099)
        }
    }

    @Test func `a target on this machine takes its own port away`() throws {
        var plan = try plan(connections: 101, threads: 1, target: "127.0.0.1:40000")
        plan.source = .addresses([try SocketAddress("127.0.0.1:0")])
        #expect(throws: Preflight.Shortage.ports(needed: 101, perSource: 100, sources: 1)) {
            try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_100)
        }
        try Preflight.check(plan, descriptors: 10_000, ports: 40_001...40_101)
    }

    @Test func `ports that are reserved or in use are no ports for us`() throws {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
               0: 0100007F:9C41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
               1: 0100007F:9C42 0100007F:0050 06 00000000:00000000 03:00000000 00000000     0
               2: 0100007F:9C43 0100007F:0051 01 00000000:00000000 00:00000000 00000000     0
            """
        let taken = Sources.takenPorts(
            reserved: "40000,40010-40012,50000\n", tables: [table], target: 80)
        #expect(taken == [40_000, 40_010, 40_011, 40_012, 50_000, 40_001, 40_002])

        let plan = try plan(connections: 94, threads: 1, target: "10.0.0.1:80")
        try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_099, taken: taken)
        #expect(throws: Preflight.Shortage.ports(needed: 95, perSource: 94, sources: 1)) {
            var plan = plan
            plan.connections = 95
            try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_099, taken: taken)
        }
    }

    @Test func `silent connections need descriptors and ports too`() throws {
        var plan = try plan(connections: 50, threads: 1, target: "10.0.0.1:80")
        plan.idle = 51
        #expect(Preflight.descriptorsNeeded(for: plan) == 136)
        #expect(throws: Preflight.Shortage.ports(needed: 101, perSource: 100, sources: 1)) {
            try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_099)
        }
    }

    @Test func `every source has the ports once more`() throws {
        var plan = try plan(connections: 201, threads: 1, target: "10.0.0.1:80")
        let sources = try ["10.0.0.2:0", "10.0.0.3:0"].map { try SocketAddress($0) }
        plan.source = .addresses(sources)
        #expect(throws: Preflight.Shortage.ports(needed: 201, perSource: 100, sources: 2)) {
            try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_099)
        }
        plan.connections = 200
        try Preflight.check(plan, descriptors: 10_000, ports: 40_000...40_099)
    }

    @Test func `a shortage says numbers and a command`() {
        let descriptors = Preflight.Shortage.descriptors(needed: 9_067, allowed: 4_096)
        #expect(
            descriptors.description
                == "9,067 descriptors are needed, and this process may open 4,096"
        )
        #expect(descriptors.remedy.hasPrefix("ulimit -n 9067"))
        let ports = Preflight.Shortage.ports(
            needed: 40_000, perSource: 28_232, sources: 1)
        #expect(ports.description.contains("28,232 towards one target"))
        #expect(ports.remedy.hasPrefix("sysctl"))
    }

    @Test func `this machine carries a small plan`() throws {
        try Preflight.prepare(for: plan(connections: 4, threads: 1, target: "127.0.0.1:1"))
    }
}
