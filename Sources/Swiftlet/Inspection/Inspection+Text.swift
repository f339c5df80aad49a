import Syscalls

// An inspection as text, for people.
extension Inspection {
    /// All of it, a line for each task, socket and thing; ends with a line feed.
    var text: String {
        var lines = loops.flatMap { $0.lines(patience) }
        if loops.isEmpty { lines.append("no loop runs in this process") }
        lines += accounts.flatMap(\.lines)
        return lines.map { printable($0) + "\n" }.joined()
    }
}

/// A line as a terminal may have it: a name from outside must not clear the screen.
private func printable(_ line: String) -> String {
    var printable = ""
    for scalar in line.unicodeScalars {
        let isControl = scalar.properties.generalCategory == .control
        printable.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
    }
    return printable
}

extension Inspection.Loop {
    fileprivate func lines(_ patience: Duration) -> [String] {
        switch answer {
        case .ended: ["loop \(number): has ended"]
        case .none:
            ["loop \(number): does not answer within \(patience)"]
        case .snapshot(let snapshot):
            ["loop \(number): \(list(snapshot.figures))"]
                + snapshot.tasks.map { "  \($0)" } + snapshot.sockets.map { "  \($0)" }
        }
    }
}

extension Account {
    fileprivate var lines: [String] {
        let title =
            isNamed ? "\(kind) '\(label.value)'" : "the \(kind) made at \(label.value)"
        return ["\(title): \(list(figures))"] + holders.map { "  held by \($0)" }
    }
}

extension SocketReport: CustomStringConvertible {
    /// All of it as one line: "descriptor 7, stream: 127.0.0.1:80 with 10.0.0.1:4000, …".
    var description: String {
        var ends = localAddress.map { "\($0)" } ?? "no address"
        if let remoteAddress { ends += " with \(remoteAddress)" }
        if let task { ends += ", of '\(task)'" }
        if let unreadBytes { ends += ", \(unreadBytes) bytes to read" }
        if let unacknowledgedBytes { ends += ", \(unacknowledgedBytes) not acknowledged" }
        return "\(descriptor), \(kind ?? "of a kind unknown"): \(ends)"
    }
}

/// Figures as words: "turns 12, longest turn seconds 0.001".
private func list(_ figures: [Figure]) -> String {
    figures.map { figure in
        let name = figure.name.replacing("_", with: " ")
        guard let histogram = figure.histogram else {
            return "\(name) \(plainNumber(figure.value))"
        }
        guard let median = histogram.quantile(0.5), let high = histogram.quantile(0.99) else {
            return "\(name) not counted"
        }
        let ends = [median, high, histogram.longest].map { plainNumber(Double($0) / 1e9) }
        return "\(name) \(ends[0]) at the median, \(ends[1]) at 99 %, \(ends[2]) at most"
    }
    .joined(separator: ", ")
}
