import Generator

/// The one line that `-q` leaves of a report.
package enum SummaryLine {
    /// The most important figures and the exit code, without a line feed.
    package static func text(_ record: RunRecord) -> String {
        let run = record.measurement
        var parts = [
            "\(Figures.count(run.connects.ok)) connections", "\(Figures.short(run.rate))/s",
        ]
        for quantile in [0.5, 0.99] where run.response.answered.supports(quantile) {
            guard let value = run.response.answered.value(at: quantile) else { continue }
            let time = Figures.time(nanoseconds: Double(value))
            parts.append("\(Figures.name(ofQuantile: quantile)) \(time)")
        }
        if let largest = run.response.answered.max {
            parts.append("max \(Figures.time(nanoseconds: Double(largest)))")
        }
        parts.append("errors \(Figures.count(run.errors.reduce(0) { $0 + $1.count }))")
        for result in record.thresholds where result.isFailure {
            parts.append("failed \(result.threshold.text) (\(result.words))")
        }
        if record.environment.isDebugBuild { parts.append("debug build") }
        if record.exitCode != 0 { parts.append("exit \(record.exitCode)") }
        return parts.joined(separator: "   ")
    }
}
