import Charts
import Generator
import Statistics

/// A run in a page, and what it is called there.
package struct PageRun: Sendable {
    /// What it is called: it may be anything and is escaped where it is printed.
    package var name: String
    package var record: RunRecord

    package init(name: String, record: RunRecord) {
        self.name = name
        self.record = record
    }

    /// A run that stands alone: by the name that it was given, or by what it is.
    package init(_ record: RunRecord) {
        self.init(name: record.labels.name ?? record.description, record: record)
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

    /// The measured time and what lies around it, in seconds from the start of the run; and where
    /// the server paused.
    var bands: [Chart.Band] {
        let phases = run.phases
        let end = phases.beforeMeasuring + phases.measured
        return [
            Chart.Band(from: 0, to: phases.connect, label: "connecting"),
            Chart.Band(from: phases.connect, to: phases.beforeMeasuring, label: "warm-up"),
            Chart.Band(from: end, to: end + phases.drain, label: "drain"),
        ].filter { $0.to > $0.from } + pauses
    }

    /// Fewer answers than that in a usual column say nothing when there is none in another.
    private static let usualMin = 20
    /// So many pauses, the longest ones, have a name of their own.
    private static let pausesMax = 4

    /// Where nothing was answered for a column or more, though answers came before and after.
    private var pauses: [Chart.Band] {
        let columns = run.timeline.columns
        let width = Double(run.timeline.width) / 1e9
        let answered = columns.map(\.answered).filter { $0 > 0 }.sorted()
        guard let first = columns.firstIndex(where: { $0.answered > 0 }),
            let last = columns.lastIndex(where: { $0.answered > 0 }),
            answered[answered.count / 2] >= PageRun.usualMin
        else { return [] }
        var pauses: [Range<Int>] = []
        for index in first..<last where columns[index].answered == 0 {
            if let open = pauses.last, open.upperBound == index {
                pauses[pauses.count - 1] = open.lowerBound..<index + 1
            } else {
                pauses.append(index..<index + 1)
            }
        }
        let longest = pauses.sorted { $0.count > $1.count }.prefix(PageRun.pausesMax)
        return longest.sorted { $0.lowerBound < $1.lowerBound }.map { pause in
            let length = Figures.time(seconds: Double(pause.count) * width)
            return Chart.Band(
                from: Double(pause.lowerBound) * width, to: Double(pause.upperBound) * width,
                label: "no answer for \(length)", isAlarm: true)
        }
    }
}

extension RunRecord {
    /// What was asked of what, in a few words, without what another run would have by chance:
    /// "coroutine over poll, 1,000 connections, closed loop".
    package var description: String {
        [serverWords, connectionWords, loopWords].joined(separator: ", ")
    }

    /// The parts of the description, and what else a run may be told apart by.
    private var traits: [String] {
        [serverWords, connectionWords, loopWords, sizeWords, threadWords]
    }

    private var serverWords: String {
        guard let server else { return plan.targetText }
        let words = server.model == "coroutine" ? "coroutine over \(server.driver)" : server.model
        return server.count == 1 ? words : "\(server.count) × \(words)"
    }
    private var connectionWords: String {
        "\(Figures.count(plan.connections)) connection\(plan.connections == 1 ? "" : "s")"
    }
    private var loopWords: String {
        if !probes.filter({ $0.purpose == .step }).isEmpty { return "steps" }
        if let search { return "search for \(search.condition)" }
        return plan.rate.map { "\(Figures.rate($0))/s" } ?? "closed loop"
    }
    private var sizeWords: String { PageTables.size(plan.size) }
    private var threadWords: String { plan.generatorWords }

    /// Names for runs: what each differs by from the others; nil where that does not tell them
    /// apart.
    package static func differences(among records: [RunRecord]) -> [String]? {
        let traits = records.map(\.traits)
        guard let first = traits.first else { return nil }
        let differing = first.indices.filter { trait in
            Set(traits.map { $0[trait] }).count > 1
        }
        let names = traits.map { own in differing.map { own[$0] }.joined(separator: ", ") }
        return Set(names).count == names.count ? names : nil
    }
}
