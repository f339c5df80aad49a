import SchemaChecks
import Testing

@testable import Swiftlet

/// JSON and Prometheus' format, as they are written by hand.
@Suite struct InspectionFormatTests {
    static let oddTexts = [
        "", "plain", "\"quoted\" \\ and \\\"", "lines\nand\r\n", "\u{0}\u{1}\u{1F}\u{7F}",
        "\t\u{8}",
        "ünïcödé 🐦 \u{2028}\u{FEFF}", "e\u{301}", "\r\n",
    ]

    @Test(arguments: oddTexts)
    func `a text comes out of JSON as it went in`(text: String) throws {
        let document = JSONText.object([(text, .array([.string(text), .null, .bool(true)]))])

        let read = try JSON(document.text)
        #expect(read == .object([text: .array([.string(text), .null, .bool(true)])]))
        #expect(!document.text.contains("\n"))
    }

    @Test(arguments: [0, -1, 1.5, 1e300, 1e-9, 9_007_199_254_740_992, -0.001])
    func `a number comes out of JSON as it went in`(number: Double) throws {
        #expect(try JSON(JSONText.array([.number(number)]).text) == .array([.number(number)]))
    }

    @Test func `what is no number is null, and what is nil is left out`() throws {
        let document = JSONText.object([
            ("a", .number(.nan)), ("b", nil), ("c", .number(.infinity)), ("d", .number(3)),
        ])

        #expect(document.text == #"{"a":null,"c":null,"d":3}"#)
    }

    @Test(arguments: oddTexts)
    func `a label comes out of Prometheus' format as it went in`(text: String) throws {
        let lock = Lock(name: text + "of a test")
        let metrics = Inspection(of: [], .zero).metrics

        let page = try PrometheusPage(metrics.prometheusText)
        #expect(
            page.series["swiftlet_lock_taken", default: []].contains {
                $0.labels == ["name": text + "of a test"]
            })
        withExtendedLifetime(lock) {}
    }

    @Test func `a histogram has the same limits in every page, and its counts only grow`() throws {
        var counted = LatencyHistogram()
        let lengths: [Int64] = [0, 1_023, 1_024, 5_000_000, 68_719_476_735, 1 << 40]
        for length in lengths { counted.record(length) }
        let series = { Metric.Series(labels: [("loop", $0)], value: 0, histogram: $1) }
        let metric = Metric(
            name: "x_seconds", help: "Of a test.", kind: .histogram,
            series: [series("0", counted), series("1", LatencyHistogram())])

        let page = try PrometheusPage([metric].prometheusText)
        let buckets = page.series["x_seconds_bucket", default: []]
        let limits = ["0", "1"].map { loop in
            buckets.filter { $0.labels["loop"] == loop }.compactMap { $0.labels["le"] }
        }
        #expect(limits[0] == limits[1] && limits[0].count == 28 && limits[0].last == "+Inf")
        let counts = buckets.filter { $0.labels["loop"] == "0" }
        for bucket in counts {
            let limit = try #require(bucket.labels["le"].flatMap { Double($0) }) * 1e9
            #expect(bucket.value == Double(lengths.count { Double($0) < limit }))
        }
        #expect(page.series["x_seconds_count"]?.map(\.value) == [6, 0])
        let sum = Double(lengths.reduce(0, +)) / 1e9
        #expect(page.series["x_seconds_sum"]?.map(\.value) == [sum, 0])
    }

    @Test func `two of one name are one series`() throws {
        let name = "twins of InspectionFormatTests"
        let (one, two) = (Semaphore(capacity: 2, name: name), Semaphore(capacity: 3, name: name))
        let metrics = Inspection(of: [], .zero).metrics

        let page = try PrometheusPage(metrics.prometheusText)
        let found = page.series["swiftlet_semaphore_capacity", default: []].filter {
            $0.labels == ["name": name]
        }
        #expect(found.map(\.value) == [5])
        withExtendedLifetime((one, two)) {}
    }
}

/// A page of Prometheus' text format 0.0.4, read by its grammar; throws for what is none.
struct PrometheusPage {
    struct Series {
        let labels: [String: String]
        let value: Double
    }

    struct Violation: Error { let line: Substring }

    private(set) var series: [String: [Series]] = [:]
    private(set) var kinds: [String: String] = [:]
    private(set) var helps: [String: String] = [:]

    init(_ text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Violation(line: text[...]) }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if let match = line.wholeMatch(of: /# HELP ([a-z_:][a-z0-9_:]*) (.+)/) {
                try add(String(match.2), for: match.1, to: &helps, line)
            } else if let match = line.wholeMatch(
                of: /# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge|histogram)/)
            {
                try add(String(match.2), for: match.1, to: &kinds, line)
            } else {
                try addSeries(line)
            }
        }
    }

    /// A family has one help and one type, before its values.
    private func add(
        _ text: String, for name: Substring, to table: inout [String: String], _ line: Substring
    ) throws {
        guard table[String(name)] == nil, series[String(name)] == nil else {
            throw Violation(line: line)
        }
        table[String(name)] = text
    }

    private mutating func addSeries(_ line: Substring) throws {
        let form =
            /([a-z_:][a-z0-9_:]*)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} (\S+)/
        guard let match = line.wholeMatch(of: form), let value = Double(match.3) else {
            throw Violation(line: line)
        }
        let name = String(match.1)
        var labels: [String: String] = [:]
        for label in match.2.matches(of: /([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"/) {
            guard labels[String(label.1)] == nil else { throw Violation(line: line) }
            labels[String(label.1)] = unescaped(label.2)
        }
        let isSecond = series[name, default: []].contains { $0.labels == labels }
        guard !isSecond, isDeclared(name) else { throw Violation(line: line) }
        series[name, default: []].append(Series(labels: labels, value: value))
    }

    /// Whether a series was announced as what its name says that it is.
    private func isDeclared(_ name: String) -> Bool {
        for end in ["_bucket", "_sum", "_count"] where name.hasSuffix(end) {
            let family = String(name.dropLast(end.count))
            if kinds[family] == "histogram" { return helps[family] != nil }
        }
        guard let kind = kinds[name], helps[name] != nil, kind != "histogram" else { return false }
        return (kind == "counter") == name.hasSuffix("_total")
    }

    private func unescaped(_ text: Substring) -> String {
        var (unescaped, isEscape) = ("", false)
        for scalar in text.unicodeScalars {
            if isEscape {
                unescaped.unicodeScalars.append(scalar == "n" ? "\n" : scalar)
                isEscape = false
            } else if scalar == "\\" {
                isEscape = true
            } else {
                unescaped.unicodeScalars.append(scalar)
            }
        }
        return unescaped
    }
}
