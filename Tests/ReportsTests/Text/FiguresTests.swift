import Testing

@testable import Reports

@Suite struct `Figures for people` {
    @Test(arguments: [
        (0.0, "0"), (0.00004, "0.0000"), (0.01824, "0.0182"), (0.1824, "0.182"), (1.824, "1.82"),
        (18.24, "18.2"), (182.4, "182"), (1824.0, "1,820"), (18_245.0, "18,200"), (9.996, "10.0"),
        (99.96, "100"), (999.6, "1,000"), (1_234_567.0, "1,230,000"), (0.99951, "1.00"),
        (-18.24, "-18.2"), (Double.nan, "-"), (Double.infinity, "-"),
        (1e300, "9,000,000,000,000,000,000"),
    ])
    func `three digits say enough`(value: Double, text: String) {
        #expect(Figures.short(value) == text)
    }

    @Test(arguments: [
        (182_000.0, "182 us"), (1.0, "1.00 ns"), (999.4, "999 ns"), (999.6, "1.00 us"),
        (1_210_000.0, "1.21 ms"), (2e9, "2.00 s"), (0.0, "0 us"), (3.6e12, "3,600 s"),
    ])
    func `a time has the unit that suits it`(nanoseconds: Double, text: String) {
        #expect(Figures.time(nanoseconds: nanoseconds) == text)
    }

    @Test(arguments: [
        (64.0, "64 B"), (0.0, "0 B"), (1023.0, "1,023 B"), (1024.0, "1.00 KiB"),
        (1_048_500.0, "1.00 MiB"),
        (3.66 * 1_048_576, "3.66 MiB"), (5e15, "4,550 TiB"),
    ])
    func `bytes have the unit that suits them`(bytes: Double, text: String) {
        #expect(Figures.bytes(bytes) == text)
    }

    @Test(arguments: [
        (99_999, 100_000, "99.99 %"), (9_999_999, 10_000_000, "99.99 %"), (5, 5, "100 %"),
        (0, 5, "0.00 %"), (1, 3, "33.33 %"), (0, 0, "-"),
    ])
    func `only all of it is 100 %`(part: Int, whole: Int, text: String) {
        #expect(Figures.part(part, of: whole) == text)
    }

    @Test(arguments: [
        (60_000.6, "60,001"), (999.4, "999"), (999.6, "1,000"), (12.54, "12.5"), (0.0, "0"),
    ])
    func `a rate has more digits than a time`(value: Double, text: String) {
        #expect(Figures.rate(value) == text)
    }

    @Test func `percentiles are named as they are spoken of`() {
        #expect(
            [0.5, 0.9, 0.99, 0.999, 0.9999].map(Figures.name(ofQuantile:))
                == ["p50", "p90", "p99", "p99.9", "p99.99"]
        )
    }

    @Test func `a percentile needs ten samples beyond it`() {
        #expect(Figures.samplesNeeded(for: 0.5) == 20)
        #expect(Figures.samplesNeeded(for: 0.999) == 10_000)
        #expect(Figures.samplesNeeded(for: 1) == .max)
    }
}
