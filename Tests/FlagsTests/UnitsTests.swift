import Testing

@testable import Flags

@Suite struct `Quantities` {
    @Test(arguments: [
        ("10", Duration.seconds(10)), ("0", .zero), ("250us", .microseconds(250)),
        ("250µs", .microseconds(250)), ("5ms", .milliseconds(5)), ("10s", .seconds(10)),
        ("2m", .seconds(120)), ("1h", .seconds(3600)), ("1m30s", .seconds(90)),
        ("1.5s", .milliseconds(1500)), (".5", .milliseconds(500)),
        ("1h1ms", .milliseconds(3_600_001)),
        ("0.000000001", .nanoseconds(1)), ("3ns", .nanoseconds(3)),
    ])
    func `a duration is read as it is written`(text: String, expected: Duration) throws {
        #expect(try Units.duration(text) == expected)
    }

    @Test(arguments: [
        "", "-1s", "nan", "inf", "1e5", "0x10", "10x", "s", ".", "1.2.3s", "30s1m", "5s5s", "1m30",
        "0.0000000001", "99999999999999999999", "9223372036854775807h", "10 s", "+5", "1,000",
    ])
    func `what is no duration is a mistake and never a trap`(text: String) {
        #expect(throws: Units.Mistake.self) { try Units.duration(text) }
    }

    @Test(arguments: [
        ("50", 50), ("10k", 10_000), ("1.5m", 1_500_000), ("2G", 2_000_000_000), ("0", 0),
    ])
    func `a count grows by thousands`(text: String, expected: Int) throws {
        #expect(try Units.count(text) == expected)
    }

    @Test(arguments: [
        ("64", 64), ("4k", 4096), ("1m", 1 << 20), ("1g", 1 << 30), ("4kB", 4000), ("4KiB", 4096),
        ("1.5k", 1536), ("100B", 100), ("9223372036854775807", Int.max),
    ])
    func `a size grows by 1,024`(text: String, expected: Int) throws {
        #expect(try Units.size(text) == expected)
    }

    @Test(arguments: [
        ("5000", 5000.0), ("5k", 5000), ("5k/s", 5000), ("300/m", 5), ("3600/h", 1), ("0.5", 0.5),
    ])
    func `a rate is per second unless it says otherwise`(text: String, expected: Double) throws {
        #expect(try Units.rate(text) == expected)
    }

    @Test(arguments: [
        "", "-5", "1.5", "0.3k", "9223372036854775808", "90000000000g", "10kk", "k", "5 ",
    ])
    func `what is no count is a mistake`(text: String) {
        // 0.3k is a count of 300, and only as a size, 307.2 bytes, a mistake.
        if text != "0.3k" {
            #expect(throws: Units.Mistake.self) { try Units.count(text) }
        }
        #expect(throws: Units.Mistake.self) { try Units.size(text) }
    }

    @Test(arguments: [
        "", "0", "-1", "5/", "5/d", "5/s/s", "nan", "/s", String(repeating: "9", count: 400),
    ])
    func `what is no rate is a mistake`(text: String) {
        #expect(throws: Units.Mistake.self) { try Units.rate(text) }
    }

    @Test(arguments: [("70%", 0.7), ("0.5%", 0.005), ("0%", 0), ("250%", 2.5)])
    func `a percentage is a share of one`(text: String, expected: Double) throws {
        #expect(try abs(Units.percent(text) - expected) < 1e-12)
    }

    @Test(arguments: ["", "%", "70", "-1%", "1e3%", "nan%", "7 %", "1.2.3%"])
    func `what is no percentage is a mistake`(text: String) {
        #expect(throws: Units.Mistake.self) { try Units.percent(text) }
    }

    @Test func `a range has two ends of one kind, in order`() throws {
        #expect(try Units.range("64..4k", of: Units.size) == 64...4096)
        #expect(try Units.range("5..5", of: Units.count) == 5...5)
        for text in ["5", "5..", "..5", "6..5", "5..x", "1..2..3", ""] {
            #expect(throws: Units.Mistake.self) { try Units.range(text, of: Units.count) }
        }
    }

    @Test func `a list has items and no gaps`() throws {
        #expect(try Units.list("1,2k,3", of: Units.count) == [1, 2000, 3])
        for text in ["", ",", "1,", ",1", "1,,2", "1,x"] {
            #expect(throws: Units.Mistake.self) { try Units.list(text, of: Units.count) }
        }
    }

    @Test func `a mistake says what is wrong and gives an example`() {
        let mistake = #expect(throws: Units.Mistake.self) { try Units.duration("10x") }

        #expect(
            mistake?.description == "has 'x' where a unit of time should be; "
                + "write for example 250us, 5ms, 10s or 1m30s"
        )
    }

    @Test func `durations and numbers print as they are read`() {
        #expect(Units.text(of: .seconds(90)) == "90s")
        #expect(Units.text(of: .microseconds(250)) == "250us")
        #expect(Units.text(of: .milliseconds(1500)) == "1500ms")
        #expect(Units.text(1_234_567) == "1,234,567")
        #expect(Units.text(-999) == "-999")
    }
}
