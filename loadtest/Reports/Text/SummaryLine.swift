import Generator

/// The one line that `-q` leaves of a report.
package enum SummaryLine {
    /// The most important figures, the verdict and the exit code, without a line feed.
    package static func text(_ record: RunRecord) -> String {
        let run = record.measurement
        let up = run.connects.ok - run.connects.reopened
        var parts = ["\(Figures.count(up)) connections", rate(record)]
        // In a closed loop there is nothing but the service to speak of.
        if record.plan.rate == nil, run.response.count > 0 { parts.append("closed loop") }
        for quantile in [0.5, 0.99] where run.response.supports(quantile) {
            guard let value = run.response.value(at: quantile) else { continue }
            parts.append("\(Figures.name(ofQuantile: quantile)) \(Figures.time(value))")
        }
        if let largest = run.response.max { parts.append("max \(Figures.time(largest))") }
        parts.append("errors \(Figures.count(run.errorCount))")
        for result in record.thresholds where result.isFailure {
            parts.append("failed \(result.threshold.text) (\(result.words))")
        }
        if run.phases.measured > 0 || !record.verdict.findings.isEmpty {
            let codes = record.verdict.findings.filter { $0.level > .note }.map(\.code)
            parts.append(([record.verdict.level.rawValue] + codes).joined(separator: " "))
        }
        if record.exitCode != 0 { parts.append("exit \(record.exitCode)") }
        return parts.joined(separator: "   ")
    }

    private static func rate(_ record: RunRecord) -> String {
        let achieved = "\(Figures.rate(record.measurement.rate))/s"
        return record.plan.rate.map { "\(achieved) of \(Figures.rate($0))" } ?? achieved
    }
}
