/// Bars beside each other, one for each name: where its middle is, how surely that is known, and
/// what each round gave.
///
///     coroutine-epoll  ██████████████├─·┤  118,210/s  baseline
///     threads          █████████├·─┤       88,120/s  -25 %, slower
///     io_uring         skipped: it is disabled on this machine
///                      0       50,000      100,000
///
/// A band shows what noise reaches alone around the rule of what all are compared with.
package struct Bars: Sendable {
    /// Lower-case letters, digits and dashes; it names the file and the element.
    package var name: String
    package var title: String
    /// What is to be seen, in words, for those who do not see it.
    package var summary: String
    package var axis: Chart.Axis
    package var rows: [Row]
    /// A line across all bars, in the unit of the axis.
    package var rule: Double?
    /// A stretch of the axis that is shaded.
    package var band: ClosedRange<Double>?

    package init(name: String, title: String, summary: String, axis: Chart.Axis, rows: [Row]) {
        self.name = name
        self.title = title
        self.summary = summary
        self.axis = axis
        self.rows = rows
    }

    package struct Row: Sendable {
        package var label: String
        /// What stands behind the bar, or in its place where there is none.
        package var words: String
        package var bar: Bar?
        package init(_ label: String, words: String, bar: Bar? = nil) {
            self.label = label
            self.words = words
            self.bar = bar
        }
    }

    /// In the unit of the axis.
    package struct Bar: Sendable {
        package var value: Double
        package var interval: ClosedRange<Double>?
        /// What it was made of.
        package var dots: [Dot] = []
        /// Chooses the colour.
        package var number: Int
        package init(_ value: Double, interval: ClosedRange<Double>?, number: Int) {
            self.value = value
            self.interval = interval
            self.number = number
        }
    }

    package struct Dot: Sendable {
        package var value: Double
        /// A hollow one stands apart from the others.
        package var isHollow: Bool
        package var words: String
        package init(_ value: Double, isHollow: Bool, words: String) {
            self.value = value
            self.isHollow = isHollow
            self.words = words
        }
    }

    /// The picture without its colours, for a page that has `ChartStyle.css`.
    package var svg: String { BarsDrawing(self).svg(background: "") }

    /// The picture as a file of its own.
    package var file: String {
        BarsDrawing(self).svg(background: ChartStyle.element + ChartStyle.background) + "\n"
    }
}
