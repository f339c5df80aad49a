import Testing

@testable import EchoServers

/// The last line of an echo server.
@Suite struct EchoCountersTests {
    @Test func `a call that was never made is not named`() {
        var counters = EchoCounters()
        counters.count("send", 0)
        counters.count("recv", 2)
        counters.count("recv", 1)

        #expect(counters.calls == ["recv": 3])
        #expect(counters.json.contains("\"calls\":{\"recv\":3}"))
    }

    @Test func `parts add up and the most that were open is not a sum`() {
        var (one, other) = (EchoCounters(), EchoCounters())
        (one.accepted, one.bytesRead, one.openMax, one.calls) = (1, 10, 1, ["recv": 2])
        (other.accepted, other.bytesRead, other.openMax) = (2, 5, 2)
        other.calls = ["recv": 1, "fork": 2]

        one.add(other)

        #expect(one.accepted == 3)
        #expect(one.bytesRead == 15)
        #expect(one.openMax == 1)
        #expect(one.calls == ["recv": 3, "fork": 2])
    }
}
