import Charts
import Generator
import Statistics

/// A run in a page, and what it is called there.
package struct PageRun: Sendable {
    /// The file's name, or the target; it may be anything and is escaped where it is printed.
    package var name: String
    package var record: RunRecord

    package init(name: String, record: RunRecord) {
        self.name = name
        self.record = record
    }

    var plan: LoadPlan { record.plan }
    var run: Measurement { record.measurement }

    /// The latencies that pictures show, with their names: of an open loop the response and the
    /// service, of a closed one the service, which is the response.
    var latencies: [(name: String, latency: Latency)] {
        let isOpen = plan.plansRequests && run.service.count > 0
        if isOpen { return [("response", run.response), ("service", run.service)] }
        let name = plan.plansRequests ? "response" : "service"
        return [(name, run.response.count > 0 ? run.response : run.service)]
    }

    /// The measured time and what lies around it, in seconds from the start of the run.
    var bands: [Chart.Band] {
        let phases = run.phases
        let end = phases.beforeMeasuring + phases.measured
        return [
            Chart.Band(from: 0, to: phases.connect, label: "connecting"),
            Chart.Band(from: phases.connect, to: phases.beforeMeasuring, label: "warm-up"),
            Chart.Band(from: end, to: end + phases.drain, label: "drain"),
        ].filter { $0.to > $0.from }
    }
}

/// Every picture of some runs, in the order of a page; several runs share one where they can.
package struct PagePictures: Sendable {
    let runs: [PageRun]

    package init(_ runs: [PageRun]) { self.runs = runs }

    /// Each as an SVG file of its own, and what it is called without ".svg".
    package var files: [(name: String, text: String)] { all.map { ($0.name, $0.file) } }

    /// All of them in one SVG file.
    package var file: String { Chart.file(of: all) }

    var all: [Chart] {
        [percentiles, histogram] + (throughput.map { [$0] } ?? []) + heatMaps
            + [rates, errors, connects, fairness]
    }

    /// The label of a series: the run's name where there are several.
    func label(_ run: PageRun, _ word: String = "") -> String {
        if runs.count == 1 { return word.isEmpty ? run.name : word }
        return word.isEmpty ? run.name : "\(run.name) \(word)"
    }
}
