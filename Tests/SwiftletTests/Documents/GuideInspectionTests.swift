import Swiftlet
import Testing

// The samples of docs/guide.md about inspection, word for word; those with swift-log and
// swift-metrics are in Tests/Integrations.

@Suite struct GuideInspectionTests {
    @Test func `a process can be asked what it does`() async throws {
        let address = try await onOwnLoop {
            let inspection = try await EventLoop.serveInspection(on: "unix:")
            return inspection.address
        }
        #expect(address.isUnix)
    }

    @Test func `a program has the metrics without anything that asks`() async throws {
        let turns = try await onOwnLoop {
            let metrics = await EventLoop.metrics()
            let turns = metrics.first { $0.name == "swiftlet_loop_turns_total" }
            for series in turns?.series ?? [] { print(series.labels, series.value) }
            return turns
        }
        #expect(turns?.kind == .counter)
    }
}
