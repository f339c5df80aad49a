import Charts
import Generator

/// One HTML file about one or more runs: it needs no network and no script.
///
///     verdict     each run's level, findings and remedies
///     summary     what the terminal said
///     latency     tables and pictures
///     errors      a table
///     repeat      environment, command, seed
///
/// It is XML as well as HTML, which is what its tests read it as. Whatever comes from a document is
/// escaped, and the page's own policy forbids scripts and requests.
package struct Page {
    let runs: [PageRun]

    package init(_ runs: [PageRun]) { self.runs = runs }

    package var html: String { Page.html(title: title, sections: sections) }

    /// A whole file of a title and what stands below it, which is markup already.
    package static func html(title: String, sections: [String]) -> String {
        let content = [Markup.element("h1", [:], Markup.escape(title))] + sections
        let body = Markup.element("body", [:], "\n" + content.joined(separator: "\n") + "\n")
        return "<!DOCTYPE html>\n"
            + Markup.element("html", ["lang": "en"], "\n" + head(title) + "\n" + body + "\n")
            + "\n"
    }

    private var title: String {
        "loadtest: " + runs.map(\.plan.targetText).uniqued.joined(separator: ", ")
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

    private var sections: [String] {
        let tables = PageTables(runs: runs)
        let figures = PagePictures(runs).all.map {
            Page.figure($0.svg, caption: $0.emptiness == nil ? $0.summary : "")
        }
        return runs.map(Page.verdict) + runs.map(summary)
            + [
                tables.throughput.html, tables.datagrams.html, tables.latencies.html,
                tables.steps.html,
            ]
            + figures + [tables.errors.html, tables.parts.html, tables.environment.html]
            + runs.map(repetition)
    }

    /// A picture with its words below.
    package static func figure(_ svg: String, caption: String) -> String {
        Markup.element(
            "figure", [:],
            Markup.element("div", ["class": "wide"], svg)
                + (caption.isEmpty
                    ? "" : Markup.element("figcaption", [:], Markup.escape(caption))))
    }

    /// The strip that comes first: it says what the figures below are worth.
    private static func verdict(_ run: PageRun) -> String {
        let verdict = run.record.verdict
        let heading = Markup.element(
            "h2", [:], Markup.escape("\(verdict.level.rawValue)  \(run.name)"))
        let findings = verdict.findings.map { finding in
            let code = Markup.element("b", [:], Markup.escape("\(finding.code)"))
            let level = Markup.escape(" \(finding.level.rawValue.lowercased()): \(finding.text) ")
            return Markup.element(
                "li", [:],
                code + level + Markup.element("i", [:], Markup.escape("→ " + finding.remedy)))
        }
        let list =
            findings.isEmpty
            ? Markup.element("p", [:], "Nothing speaks against these figures.")
            : Markup.element("ul", [:], findings.joined(separator: "\n"))
        let level = verdict.level.rawValue.lowercased()
        return Markup.element("section", ["class": "verdict \(level)"], heading + list)
    }

    private func summary(_ run: PageRun) -> String {
        let report = TextReport(run.record)
        let text = (report.preamble() + report.results).joined(separator: "\n")
        return heading("Summary", run) + Markup.element("pre", [:], Markup.escape(text))
    }

    private func repetition(_ run: PageRun) -> String {
        let command = run.record.repeatCommand
        if command.isEmpty { return "" }
        return heading("To repeat", run)
            + Markup.element("pre", [:], Markup.escape(command))
    }

    private func heading(_ word: String, _ run: PageRun) -> String {
        Markup.element(
            "h2", [:], Markup.escape(runs.count == 1 ? word : "\(word): \(run.name)"))
    }

    private static let css = """
        body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);
        max-width:900px;margin:0 auto;padding:16px}
        h1{font-size:22px;overflow-wrap:anywhere}h2{font-size:17px;margin:18px 0 6px}
        pre{font:13px/1.35 ui-monospace,monospace;overflow-x:auto;padding:10px;
        border:1px solid var(--grid);border-radius:6px}
        .wide{overflow-x:auto}.chart{width:100%;min-width:600px;display:block}
        figure{margin:22px 0;break-inside:avoid}
        details{margin:0 0 18px}summary{cursor:pointer;color:var(--dim);font-size:13px}
        figcaption{color:var(--dim);font-size:13px;padding-left:8px;overflow-wrap:anywhere}
        table{border-collapse:collapse;margin:12px 0;font-size:14px}
        caption{text-align:left;font-weight:600;padding:4px 0}
        th,td{padding:3px 10px 3px 0;border-bottom:1px solid var(--grid);text-align:left;
        vertical-align:top}
        .long{min-width:18em}tbody th{white-space:nowrap}
        tr{break-inside:avoid}.n{text-align:right;font-variant-numeric:tabular-nums;
        white-space:nowrap}thead .n{white-space:normal}
        .verdict{border:1px solid var(--grid);border-left:8px solid;border-radius:6px;
        padding:2px 14px;margin:10px 0}.verdict h2{margin:8px 0;white-space:pre-wrap}
        .verdict.valid{border-left-color:#009e73}.verdict.suspect{border-left-color:#e69f00}
        .verdict.invalid{border-left-color:#d55e00}.verdict ul{padding-left:20px}
        @media print{body{max-width:none;font-size:12px}.wide,pre{overflow:visible}
        pre{white-space:pre-wrap}.chart{min-width:0}h2{break-after:avoid}}
        """
}

extension Array where Element: Hashable {
    /// Each element once, where it stood first.
    package var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
