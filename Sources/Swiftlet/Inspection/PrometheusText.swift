// Prometheus' exposition format, the text form 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/
extension [Metric] {
    /// All of them as a page that Prometheus reads, with a line feed at its end.
    package var prometheusText: String {
        var text = ""
        for metric in self {
            text += "# HELP \(metric.name) \(escaped(metric.help, quotes: false))\n"
            text += "# TYPE \(metric.name) \(metric.kind.rawValue)\n"
            for series in metric.series {
                if let histogram = series.histogram {
                    add(histogram, metric.name, series.labels, to: &text)
                } else {
                    add(series.value, metric.name, series.labels, to: &text)
                }
            }
        }
        return text
    }

    private func add(
        _ value: Double, _ name: String, _ labels: [(String, String)], to text: inout String
    ) {
        let labels = labels.map { "\($0)=\"\(escaped($1, quotes: true))\"" }
        text += "\(name){\(labels.joined(separator: ","))} \(plainNumber(value))\n"
    }

    /// A histogram has a line for each of the same limits in every page, and what is counted is at
    /// most so long: 1.024 us, twice that, and so on up to 68.7 s, where its own bins end.
    private func add(
        _ histogram: LatencyHistogram, _ name: String, _ labels: [(String, String)],
        to text: inout String
    ) {
        let bins = histogram.buckets
        var (next, count) = (0, 0)
        for power in 10...36 {
            let limit: Int64 = 1 << power
            while next < bins.count, bins[next].upTo < limit {
                count = bins[next].count
                next += 1
            }
            let limitLabel = ("le", plainNumber(Double(limit) / 1e9))
            add(Double(count), "\(name)_bucket", labels + [limitLabel], to: &text)
        }
        add(Double(histogram.count), "\(name)_bucket", labels + [("le", "+Inf")], to: &text)
        add(Double(histogram.sum) / 1e9, "\(name)_sum", labels, to: &text)
        add(Double(histogram.count), "\(name)_count", labels, to: &text)
    }
}

/// A text that keeps to its line; within quotes it keeps to these, too.
private func escaped(_ text: String, quotes: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": escaped += "\\\\"
        case "\n": escaped += "\\n"
        case "\"" where quotes: escaped += "\\\""
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}

/// A finite number as JSON and Prometheus read it; a whole one without a fraction.
func plainNumber(_ value: Double) -> String {
    Int(exactly: value).map { "\($0)" } ?? "\(value)"
}
