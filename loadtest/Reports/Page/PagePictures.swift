import Charts
import Generator
import Statistics

/// Every picture of some runs, in the order of a page; several runs share one where they can.
///
/// A run has its colour in all pictures. What belongs to one run is told apart by dashes.
package struct PagePictures: Sendable {
    let runs: [PageRun]

    package init(_ runs: [PageRun]) { self.runs = runs }

    /// Each as an SVG file of its own, and what it is called without ".svg".
    package var files: [(name: String, text: String)] { all.map { ($0.name, $0.file) } }

    /// All of them in one SVG file.
    package var file: String { Chart.file(of: all) }

    /// The first one answers what the runs were made for.
    var all: [Chart] {
        let first = throughput.map { [$0] } ?? []
        let overTime = heatMaps + [rates] + [usage, errors].compactMap { $0 }
        return Chart.aligned(first + [percentiles, histogram] + overTime + [connects, fairness])
    }

    /// The label of a series: the run's name where there are several.
    func label(_ run: PageRun, _ word: String = "") -> String {
        if runs.count == 1 { return word.isEmpty ? run.name : word }
        return word.isEmpty ? run.name : "\(run.name) \(word)"
    }
}
