import Reports

/// A comparison for a terminal.
///
///     what was run, and on what
///     point by point   who answers how fast, in words; what an answer takes, and being there
///     growth           the same figures from point to point, where there are several
///     arms             what proves which mechanism served, and what must be known of it
///     noise, what looking blocking costs, what could have been seen, doubts, how to repeat it
package enum CompareText {
    /// Lines of at most `width` columns, each with its line feed; a terminal below 60 gets 60.
    package static func report(
        of record: CompareRecord, width: Int = TextReport.width, style: Style = .plain
    ) -> String {
        let page = Page(
            standing: Standing(record), width: max(60, width), style: style)
        return page.lines.map { $0 + "\n" }.joined()
    }

    /// What the pieces of a report have in common.
    struct Page {
        let standing: Standing
        let width: Int
        let style: Style

        var record: CompareRecord { standing.record }

        var lines: [String] {
            title + record.points.indices.flatMap(point) + growth + arms + [""] + closing
        }

        func sentence(
            _ label: String, _ text: String, _ color: (String) -> String = { $0 }
        ) -> [String] {
            style.sentence(label, CompareText.printable(text), color, width: width)
        }

        private var title: [String] {
            let environment = record.environment
            let servers = record.arms.count { !$0.isControl }
            let counts =
                "\(servers) servers, \(Wording.rounds(standing.rounds)), "
                + "\(Figures.short(record.seconds)) s a load, order from seed \(record.seed)"
            let machine =
                "\(environment.cpuModel), \(environment.cores) cores, \(environment.kernel)"
            return sentence("compare", counts) + sentence("machine", machine)
                + record.notes.flatMap { sentence("note", $0) }
        }

        private func point(_ point: Int) -> [String] {
            let heading = style.bold(Wording.point(record.points[point]))
            return ["", heading, ""] + answers(at: point) + [""] + costs(at: point)
                + words(at: point)
        }

        /// What shows that each arm ran as it is called, and what it is not compared in.
        private var arms: [String] {
            let told = record.arms.filter { !$0.proof.isEmpty || !$0.notes.isEmpty }
            guard !told.isEmpty else { return [] }
            let rows = told.map { arm in
                let words = ([arm.proof].filter { !$0.isEmpty } + arm.notes)
                return TextGrid.Row.sentence(
                    CompareText.printable(Wording.name(arm)),
                    .init(CompareText.printable(words.joined(separator: "; "))))
            }
            return ["", style.bold("what shows which mechanism served"), ""]
                + TextGrid(columns: [], rows: rows).lines(width: width, style: style)
        }
    }

    /// Text from outside, with what a terminal would obey taken out.
    static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
                    return isControl ? " " : scalar
                }))
    }
}
