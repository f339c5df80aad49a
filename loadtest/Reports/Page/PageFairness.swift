import Charts
import Statistics

/// The picture of who was served: the connections in a row, the least served first.
extension PagePictures {
    var fairness: Chart {
        let (name, title) = ("fairness", "Answers by connection")
        let served = runs.filter { $0.run.served.most > 0 }
        guard let most = served.map(\.run.served.most).max() else {
            return Chart(name: name, title: title, emptiness: "No connection got an answer.")
        }
        var chart = Chart(
            name: name, title: title,
            summary: served.map(summary).joined(separator: " ")
                + " All the same is a flat line; a foot at the left is starvation.",
            x: Chart.Axis(
                "share of the connections, the least served first",
                .linear(from: 0, to: 100, of: .percent, steps: 10)),
            y: Chart.Axis("answers", .linear(from: 0, to: Double(most), of: .plain)))
        chart.series = served.enumerated().map { index, run in
            Series(
                label(run, "answers"), number: index,
                strokes: [Series.Stroke(PagePictures.row(of: run.run.served))])
        }
        return chart
    }

    private static func row(of served: Served) -> [Chart.Point] {
        let count = min(200, max(1, served.connections))
        var points = (0..<count).map { step in
            let answers = served.answers(at: (Double(step) + 0.5) / Double(count))
            return Chart.Point((Double(step) + 0.5) / Double(count) * 100, Double(answers))
        }
        points.insert(Chart.Point(0, Double(served.least)), at: 0)
        return points + [Chart.Point(100, Double(served.most))]
    }

    private func summary(of run: PageRun) -> String {
        let served = run.run.served
        let jain = served.jain.map { "Jain's index \(Figures.fixed($0, decimals: 3)), " } ?? ""
        return
            "\(run.name): \(Figures.count(served.connections)) connections, \(jain)"
            + "least \(Figures.count(served.least)), most \(Figures.count(served.most)), "
            + "never served \(Figures.count(served.never))."
    }
}
