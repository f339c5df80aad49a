import Testing

@testable import Generator

struct KernelCountersTests {
    private let netstat = """
        TcpExt: SyncookiesSent ListenOverflows ListenDrops
        TcpExt: 0 16 18
        IpExt: InNoRoutes InTruncatedPkts
        IpExt: 4 0
        """
    private let snmp = """
        Ip: Forwarding DefaultTTL
        Ip: 2 64
        Tcp: RtoAlgorithm MaxConn OutSegs RetransSegs
        Tcp: 1 -1 1000 14
        """
    private let stat = """
        cpu  100 0 50 800 10 0 5 35 0 0
        cpu0 50 0 25 400 5 0 2 17 0 0
        """

    @Test func `the difference of two looks is what happened between them`() throws {
        let before = KernelCounters(tables: [netstat, snmp], processors: stat)
        let after = KernelCounters(
            tables: [
                netstat.replacing("16 18", with: "20 23"),
                snmp.replacing("1000 14", with: "3000 15"),
            ],
            processors: stat.replacing("800 10 0 5 35", with: "870 10 0 5 65"))

        let seen = try #require(before.counts(until: after))

        #expect(seen.listenOverflows == 4)
        #expect(seen.listenDrops == 5)
        #expect(seen.segments == 2000)
        #expect(seen.retransmits == 1)
        #expect(seen.stolen == 0.3)
    }

    @Test(
        arguments: [
            "", "TcpExt:", "TcpExt: A B\nTcpExt: 1", "TcpExt: ListenDrops\nTcpExt: x",
            "a b c\n\n\n1 2 3",
        ])
    func `what the kernel does not show counts as nothing`(table: String) {
        let before = KernelCounters(tables: [table], processors: "cpu 1 2")
        let after = KernelCounters(tables: [netstat], processors: stat)

        #expect(before.counts(until: before)?.listenDrops ?? 0 == 0)
        #expect(after.counts(until: before)?.listenDrops ?? 0 == 0)
    }

    @Test func `time that a limit took away is a share of the run`() throws {
        func look(_ nanoseconds: Int) -> KernelCounters {
            KernelCounters(tables: [netstat], processors: stat, throttled: nanoseconds)
        }

        #expect(look(70).counts(until: look(70))?.throttled == 0)
        // More than the time between two looks is all of it.
        #expect(look(0).counts(until: look(1 << 40))?.throttled == 1)
    }

    @Test func `this kernel shows them`() {
        let now = KernelCounters.read()

        #expect(now.counts(until: .read())?.listenOverflows != nil)
    }
}
