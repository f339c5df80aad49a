import SchemaChecks
import TestServers
import Testing

/// Campaigns from end to end, with figures that fit each other.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct SearchRunTests {
    @Test func `a search ends at the highest rate that holds, confirmed three times`() throws {
        // A machine that is too busy for a rate makes it hold: the search ends higher then. Where
        // it is too busy for the generator, rates cannot be judged, and the search may end lower.
        let run = try Command.loadtest(
            "--search", "rate<1.9k", "--arrivals=const", "-d200ms", "--json=-")
        let document = try JSON(run.output)
        let found = document["search", "rate"].number
        let probes = document["probes"].array
        let judged = probes.filter { $0["holds"] != .null }

        #expect(run.code == (found == nil ? 99 : 0))
        #expect(judged.count < probes.count || found.map { $0 >= 1780 } == true)
        #expect(probes.allSatisfy { $0["purpose"] == .string("search") })
        if let found {
            #expect(document["config", "rate"] == .number(found))
            let last = probes.filter { $0["holds"] == .bool(true) }.suffix(3)
            #expect(last.allSatisfy { $0["config", "rate"] == .number(found) })
            #expect(run.errors.contains("\nconfirm "))
        }
        #expect(probes.contains { $0["holds"] != .bool(true) })
        for probe in judged {
            let achieved = try #require(probe["rate", "achieved"].number)
            #expect(probe["holds"] == .bool(achieved < 1900))
        }
        for probe in probes where probe["holds"] == .null {
            #expect(probe["verdict", "level"] == .string("INVALID"))
        }
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `a share is of the rate that the probe saw`() throws {
        let run = try Command.loadtest("--rate=70%", "--json=-")
        let document = try JSON(run.output)
        let probe = try #require(document["probes"].array.first)
        let maximum = try #require(probe["rate", "achieved"].number)
        let rate = try #require(document["config", "rate"].number)

        #expect(run.code == 0)
        #expect(abs(rate / (0.7 * maximum) - 1) < 1e-6)
        #expect(probe["config", "rate"] == .null)
    }

    @Test func `the last step that held is the headline, and each has its verdict`() throws {
        let run = try Command.loadtest("--steps", "200..600/3", "--json=-")
        let document = try JSON(run.output)
        let probes = document["probes"].array

        #expect(run.code == 0)
        #expect(probes.map { $0["config", "rate"] } == [.number(200), .number(400), .number(600)])
        // How many held is the machine's to say.
        let headline = try #require(probes.last { $0["holds"] == .bool(true) } ?? probes.first)
        #expect(document["config", "rate"] == headline["config", "rate"])
        #expect(document["counts"] == headline["counts"])
        #expect(probes.allSatisfy { $0["verdict", "level"].string != nil })
    }

    @Test func `headroom is judged beside the run with all threads`() throws {
        let run = try Command.loadtest("-t2", "--prove-headroom", "--json=-")
        let document = try JSON(run.output)
        let codes = document["verdict", "findings"].array.map { $0["code"] }

        #expect(run.code == 0)
        #expect(codes.contains(.string("G-HALF")))
        #expect(document["probes"].array.map { $0["config", "threads"] } == [.number(1)])
        #expect(document["probes"].array.map { $0["purpose"] } == [.string("headroom")])
    }
}
