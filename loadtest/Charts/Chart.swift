/// A picture as a value: axes, what stands behind, and the series before it.
///
///     title
///     y-axis       what is shaded, and what the upright lines are
///      |  band |        gap between two lines, rules, heat,        -- series 0
///      |       |        and then the series                        - - series 1
///      +-------+------------------------------------------------
///                                                         x-axis
///
/// It is drawn by `Chart.svg`. It knows nothing of runs: only points, words and units. No word
/// stands inside the plot, where it could hide what is plotted.
package struct Chart: Sendable {
    /// Lower-case letters, digits and dashes; it names the file and the element.
    package var name: String
    package var title: String
    /// What is to be seen, in words: what a screen reader says.
    package var summary: String
    /// What a reader must know to read it; empty where nothing needs to be said.
    package var caption = ""
    package var x: Axis
    package var y: Axis
    /// The height of the plot, of 800 in width.
    package var height = 240.0
    package var bands: [Band] = []
    package var heat: Heat?
    package var gap: Gap?
    package var rules: [Rule] = []
    package var series: [Series] = []
    /// Why there is nothing to draw; the words take the place of axes and series.
    package var emptiness: String?
    /// What is kept free beside the plot; nil for what it needs itself.
    var room: Room?

    package init(name: String, title: String, summary: String, x: Axis, y: Axis) {
        self.name = name
        self.title = title
        self.summary = summary
        self.x = x
        self.y = y
    }

    /// A picture of nothing, which says so.
    package init(name: String, title: String, emptiness: String) {
        let nothing = Axis("", .linear(from: 0, to: 1, of: .plain))
        self.init(name: name, title: title, summary: emptiness, x: nothing, y: nothing)
        self.emptiness = emptiness
        height = 60
    }

    package struct Axis: Sendable {
        /// What it measures, and in which unit, where the ticks do not say.
        package var title: String
        package var scale: Scale
        package init(_ title: String, _ scale: Scale) {
            self.title = title
            self.scale = scale
        }
    }

    /// In the units of the axes; one that is not finite, or has no place there, is left out.
    package struct Point: Sendable, Equatable {
        package var x: Double
        package var y: Double
        package init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// A stretch of the x-axis that is shaded.
    package struct Band: Sendable {
        package var from: Double
        package var to: Double
        package var label: String
        /// Whether something is wrong there.
        package var isAlarm: Bool
        package init(from: Double, to: Double, label: String, isAlarm: Bool = false) {
            self.from = from
            self.to = to
            self.label = label
            self.isAlarm = isAlarm
        }
    }

    /// The room between two lines, shaded.
    package struct Gap: Sendable {
        package var upper: [Point]
        package var lower: [Point]
        package var label: String
        package init(upper: [Point], lower: [Point], label: String) {
            self.upper = upper
            self.lower = lower
            self.label = label
        }
    }

    /// A thin line across the plot at a value of one axis.
    package struct Rule: Sendable {
        package enum Direction: Sendable { case atX, atY }
        package var direction: Direction
        package var value: Double
        package var label: String
        package init(_ direction: Direction, _ value: Double, label: String) {
            self.direction = direction
            self.value = value
            self.label = label
        }
    }

    /// The same pictures with plots that begin and end at the same places, so that what stands
    /// below each other on equal axes of time happened together.
    package static func aligned(_ charts: [Chart]) -> [Chart] {
        let rooms = charts.filter { $0.emptiness == nil }.map(Room.init)
        let room = Room(
            left: rooms.map(\.left).max() ?? 0, right: rooms.map(\.right).max() ?? 0)
        return charts.map { chart in
            var chart = chart
            chart.room = room
            return chart
        }
    }
}

/// Pictures as SVG 1.1 text: inside a page, as a file, or several in one file.
extension Chart {
    /// The picture without its colours and its title, for a page that has `ChartStyle.css` and says
    /// the title: drawn twice, for a window and for a telephone, of which the style shows one.
    package var markup: String {
        Layout.both { Drawing(self, $0, hasTitle: false).svg() }
    }

    /// The picture without its colours.
    package var svg: String { Drawing(self).svg() }

    /// The picture as a file of its own.
    package var file: String {
        Drawing(self).svg(background: ChartStyle.element + ChartStyle.background) + "\n"
    }

    /// Several pictures in one file, one below the other.
    package static func file(of charts: [Chart]) -> String {
        var (top, content) = (0.0, ChartStyle.element + ChartStyle.background)
        for chart in charts {
            let drawing = Drawing(chart)
            content += drawing.svg(at: top) + "\n"
            top += drawing.height + 16
        }
        let size = "\(Markup.number(Layout.wide.width)) \(Markup.number(max(1, top)))"
        return Markup.element(
            "svg", ["xmlns": "http://www.w3.org/2000/svg", "viewBox": "0 0 \(size)"], content)
            + "\n"
    }
}
