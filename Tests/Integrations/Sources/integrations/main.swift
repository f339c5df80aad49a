// Hands what loops say and count to swift-log and swift-metrics.
import Logging
import Metrics
import Swiftlet

let logger = Logger(label: "loops")
let log: LoopLog = { message in
    let level: Logger.Level = message.kind == .unhandledError ? .error : .warning
    let details = message.details.mapValues { Logger.MetadataValue.string($0) }
    logger.log(level: level, "\(message.text)", metadata: details)
}

/// Hands all metrics over, again and again.
@Sendable func exportMetrics(every interval: Duration) async throws {
    var before: [String: Double] = [:]
    while true {
        for metric in await EventLoop.metrics() {
            for series in metric.series where metric.kind == .counter {
                let growth = series.value - before["\(metric.name)\(series.labels)", default: 0]
                before["\(metric.name)\(series.labels)"] = series.value
                Counter(label: metric.name, dimensions: series.labels)
                    .increment(by: Int64(max(0, growth)))
            }
            for series in metric.series where metric.kind == .gauge {
                Gauge(label: metric.name, dimensions: series.labels).record(series.value)
            }
        }
        try await sleep(for: interval)
    }
}

struct Sorrow: Error {}

try EventLoop.run(log: log) {
    let mourner = try spawn(name: "mourner") { throw Sorrow() }
    _ = await mourner.result
    // It sleeps when it has handed all over once.
    let exporting = try spawn(name: "metrics") { try await exportMetrics(every: .seconds(10)) }
    var isAsleep = false
    while !isAsleep, let reports = await EventLoop.current?.parkReports {
        await Task.yield()
        isAsleep = reports.contains {
            $0.name == "metrics" && $0.purpose == "for its time to come"
        }
    }
    exporting.cancel()
}
