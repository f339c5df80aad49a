import Generator
import Statistics

// Latencies and counts of answers: the figures that people look at, and the bins that give them
// back exactly.

extension Latency {
    /// Figures of what was answered; quantiles are those of all, the censored ones at their age.
    var document: JSONValue {
        let quantiles = LatencyTable.quantiles.map { quantile in
            let value = supports(quantile) ? value(at: quantile) : nil
            let number = JSONValue.optional(value?.nanoseconds, JSONValue.seconds)
            let isBound = value?.isLowerBound == true
            return JSONValue.object([
                ("q", .number(quantile)), ("value", isBound ? .null : number),
                ("at_least", isBound ? number : .null),
            ])
        }
        return .object(
            answered.members + [
                ("q", .array(quantiles)),
                ("censored", censored.count == 0 ? .null : .object(censored.members)),
            ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        answered = try Histogram(document)
        censored = try Histogram(try document.at("censored"))
    }
}

extension Histogram {
    /// A histogram of times without censored ones.
    var document: JSONValue {
        var latency = Latency()
        latency.answered = self
        return latency.document
    }

    var members: [(String, JSONValue)] {
        [
            ("n", .integer(count)), ("min", .optional(min, JSONValue.seconds)),
            ("max", .optional(max, JSONValue.seconds)), ("mean", .optional(mean.map { $0 / 1e9 })),
            ("sum_ns", .number(total)), ("clamped", .integer(clamped)),
            ("hdr", count == 0 ? .null : .text(HistogramCode.text(self))),
        ]
    }

    /// The bins of `hdr` with the exact figures beside it, which must fit.
    init(_ document: JSONMember) throws(DocumentError) {
        self.init()
        let code = try document.at("hdr")
        guard let text = try code.text() else {
            // A document without bins was written before there were any; it has no more to give.
            return
        }
        do {
            self = try HistogramCode.decode(text: text)
        } catch {
            throw code.error("cannot be read: \(error)")
        }
        let isConsistent = correct(
            smallest: try document.at("min").nanoseconds() ?? min ?? 0,
            largest: try document.at("max").nanoseconds() ?? max ?? 0,
            sum: try document.at("sum_ns").number() ?? total,
            clamped: try document.at("clamped").count() ?? clamped
        )
        guard isConsistent || count == 0 else {
            throw document.error("has figures that contradict its hdr")
        }
        guard try document.at("n").count() ?? count == count else {
            throw try document.at("n").error("is another count than that of hdr, \(count)")
        }
    }
}

extension Served {
    var document: JSONValue {
        .object([
            ("connections", .integer(connections)), ("never", .integer(never)),
            ("hardly", .integer(hardly)), ("least", .integer(least)),
            ("p1", .integer(answers(at: 0.01))), ("median", .integer(answers(at: 0.5))),
            ("p99", .integer(answers(at: 0.99))), ("most", .integer(most)), ("mean", .number(mean)),
            ("jain", .optional(jain)), ("sum", .number(sums.answers)),
            ("sum_of_squares", .number(sums.squares)),
            ("smallest", .optional(histogram.min) { .integer(Int($0)) }),
            ("clamped", .integer(histogram.clamped)),
            ("hdr", histogram.count == 0 ? .null : .text(HistogramCode.text(histogram))),
        ])
    }

    init(_ document: JSONMember) throws(DocumentError) {
        let (connections, never) = (
            try document.at("connections").count() ?? 0, try document.at("never").count() ?? 0
        )
        var counts = Histogram()
        let (sum, squares) = (
            try document.at("sum").number() ?? 0, try document.at("sum_of_squares").number() ?? 0
        )
        let code = try document.at("hdr")
        if let text = try code.text() {
            do {
                counts = try HistogramCode.decode(text: text)
            } catch {
                throw code.error("cannot be read: \(error)")
            }
            let smallest = try document.at("smallest").count() ?? 0
            let largest = try document.at("most").count() ?? 0
            let clamped = try document.at("clamped").count() ?? 0
            guard
                counts.correct(
                    smallest: Int64(smallest), largest: Int64(largest), sum: sum, clamped: clamped)
            else { throw document.error("has figures that contradict its hdr") }
        }
        guard never + counts.count == connections else {
            throw document.error("counts \(connections) connections and has others")
        }
        self.init(
            connections: connections, never: never, counts: counts, sum: sum, squares: squares)
    }
}
