import Charts
import Generator

/// One HTML file about one or more runs: it needs no network and no script.
///
///     opening     what was run, what came of it in a sentence, the verdict, a few figures
///     pictures    the one that answers what the runs were made for first
///     folded      percentiles, errors, the text report, environment, how to repeat it
///
/// It is XML as well as HTML, which is what its tests read it as. Whatever comes from a document is
/// escaped, and the page's own policy forbids scripts and requests.
package struct Page {
    let runs: [PageRun]

    package init(_ runs: [PageRun]) { self.runs = runs }

    package var html: String {
        Page.html(
            title: "loadtest: " + runs.map(\.name).uniqued.joined(separator: ", "),
            heading: heading, sections: sections)
    }

    /// A whole file of a title and what stands below it, which is markup already.
    package static func html(title: String, heading: String, sections: [String]) -> String {
        let content =
            [Markup.element("h1", [:], Markup.escape(heading))] + sections.filter { !$0.isEmpty }
        let body = Markup.element("body", [:], "\n" + content.joined(separator: "\n") + "\n")
        return "<!DOCTYPE html>\n"
            + Markup.element("html", ["lang": "en"], "\n" + head(title) + "\n" + body + "\n")
            + "\n"
    }

    private static func head(_ title: String) -> String {
        let policy = "default-src 'none'; style-src 'unsafe-inline'"
        return Markup.element(
            "head", [:],
            Markup.element("meta", ["charset": "utf-8"])
                + Markup.element(
                    "meta", ["http-equiv": "Content-Security-Policy", "content": policy])
                + Markup.element(
                    "meta", ["name": "viewport", "content": "width=device-width"])
                + Markup.element("title", [:], Markup.escape(title))
                + Markup.element("style", [:], "\n" + ChartStyle.css + "\n" + Page.css + "\n"))
    }

    /// What all runs have in common, or what the only one is called.
    private var heading: String {
        if runs.count == 1 { return runs[0].name }
        let targets = runs.map(\.record.description).uniqued
        return "\(runs.count) runs" + (targets.count == 1 ? ": \(targets[0])" : "")
    }

    private var sections: [String] {
        let tables = PageTables(runs: runs)
        return opening + Page.figures(PagePictures(runs).all.map(Figure.init)) + [
            tables.errors.html,
            Page.fold("Percentiles", tables.latencies.html),
            Page.fold("Rates that were run", tables.steps.html),
            Page.fold("Parts of the run", tables.parts.html),
            Page.fold("Datagrams", tables.datagrams.html),
        ] + runs.map(textReport) + [
            Page.fold(
                "Environment, load and how to repeat it",
                tables.environment.html + runs.map(repetition).joined())
        ]
    }

    private func textReport(_ run: PageRun) -> String {
        let report = TextReport(run.record)
        let text = (report.preamble() + report.results).joined(separator: "\n")
        return Page.fold(
            runs.count == 1 ? "Text report" : "Text report: \(run.name)",
            Markup.element("pre", ["tabindex": "0"], Markup.escape(text)))
    }

    private func repetition(_ run: PageRun) -> String {
        let command = run.record.repeatCommand
        return command.isEmpty
            ? "" : Markup.element("pre", ["tabindex": "0"], Markup.escape(command))
    }
}

// The pieces that the pages of runs and of comparisons are made of.

extension Page {
    /// A picture in a page.
    package struct Figure {
        let title: String
        let markup: String
        let caption: String
        /// Markup that is to stand below the words.
        package var below = ""

        package init(_ chart: Chart) {
            (title, markup, caption) = (chart.title, chart.markup, chart.caption)
        }

        package init(_ plot: DotPlot) {
            (title, markup, caption) = (plot.title, plot.markup, plot.caption)
        }
    }

    /// Pictures with their titles above and what must be known below, each of which is said once.
    package static func figures(_ figures: [Figure]) -> [String] {
        var said: Set<String> = [""]
        return figures.map { figure in
            let isNew = said.insert(figure.caption).inserted
            let caption =
                isNew ? Markup.element("figcaption", [:], Markup.escape(figure.caption)) : ""
            return Markup.element(
                "figure", [:],
                Markup.element("h2", [:], Markup.escape(figure.title)) + figure.markup + caption
                    + figure.below)
        }
    }

    /// What a reader opens who wants it; nothing where there is nothing.
    package static func fold(_ title: String, _ content: String) -> String {
        content.isEmpty
            ? ""
            : Markup.element(
                "details", [:],
                Markup.element("summary", [:], Markup.escape(title)) + content)
    }

    /// The level of a verdict on a run, behind which its findings are folded; each finding is
    /// markup.
    package static func verdict(
        _ level: Verdict.Level, on run: String = "", findings: [String]
    ) -> String {
        let name = level.rawValue.lowercased()
        let badge =
            Markup.escape(run.isEmpty ? "" : run + ": ")
            + Markup.element("strong", ["class": "badge"], Markup.escape(level.rawValue))
        guard !findings.isEmpty else {
            return Markup.element(
                "p", ["class": "verdict \(name)"], badge + " Nothing speaks against these figures.")
        }
        let count = "\(findings.count) finding\(findings.count == 1 ? "" : "s")"
        let list = findings.map { Markup.element("li", [:], $0) }.joined(separator: "\n")
        return Markup.element(
            "details", ["class": "verdict \(name)"],
            Markup.element("summary", [:], badge + " " + count) + Markup.element("ul", [:], list))
    }

    private static let css = """
        *{box-sizing:border-box}
        body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);
        max-width:900px;margin:0 auto;padding:16px}
        h1{font-size:24px;line-height:1.25;margin:8px 0}h2{font-size:17px;margin:18px 0 6px}
        h1,h2,p,li,summary,figcaption,dd{overflow-wrap:anywhere}
        .about{color:var(--dim);margin:0 0 12px}.result{font-size:19px;margin:12px 0}
        pre{font:13px/1.35 ui-monospace,monospace;overflow-x:auto;padding:10px;
        border:1px solid var(--grid);border-radius:6px}
        .scroll{overflow-x:auto}.chart{width:100%;display:block}.chart.narrow{display:none}
        figure{margin:26px 0;break-inside:avoid}figure h2{margin:0 0 4px}
        figcaption{color:var(--dim);font-size:13px;margin-top:4px}
        details{margin:10px 0}summary{cursor:pointer}
        table{border-collapse:collapse;margin:12px 0;font-size:14px}
        caption{text-align:left;color:var(--dim);padding:4px 0}
        th,td{padding:3px 10px 3px 0;border-bottom:1px solid var(--grid);text-align:left;
        vertical-align:top}
        .long{min-width:18em}tbody th{white-space:nowrap;font-weight:500}
        tr{break-inside:avoid}.n{text-align:right;font-variant-numeric:tabular-nums;
        white-space:nowrap}thead .n{white-space:normal}
        .swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.5em;
        print-color-adjust:exact;-webkit-print-color-adjust:exact}
        .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;
        margin:16px 0}.figures div{border:1px solid var(--grid);border-radius:6px;padding:8px 12px}
        dt{color:var(--dim);font-size:13px}dd{margin:0;font-size:22px;
        font-variant-numeric:tabular-nums}
        .verdict{margin:12px 0}.verdict h2{margin:8px 0}.verdict ul{padding-left:20px;margin:8px 0}
        .badge{display:inline-block;padding:1px 10px;border-radius:12px;font-size:13px;color:#fff;
        background:#1a7549;print-color-adjust:exact;-webkit-print-color-adjust:exact}
        .suspect .badge{background:#8a5a00}.invalid .badge{background:#b3261e}
        .gate{margin:12px 0}.gate .badge{background:#b3261e}.gate.passed .badge{background:#1a7549}
        @media screen and (max-width:640px){.chart.wide{display:none}.chart.narrow{display:block}
        body{padding:10px}h1{font-size:21px}.result{font-size:17px}
        .figures{grid-template-columns:1fr 1fr}}
        @media print{body{max-width:none;font-size:12px;padding:0}.scroll,pre{overflow:visible}
        pre{white-space:pre-wrap;overflow-wrap:anywhere}h2{break-after:avoid}
        details::details-content{display:block;content-visibility:visible;block-size:auto}
        table{font-size:10px}th,td,.n,tbody th{white-space:normal;padding-right:6px}
        .long{min-width:0}}
        """
}

extension Array where Element: Hashable {
    /// Each element once, where it stood first.
    package var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
