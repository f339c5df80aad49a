import Reports

// What stands below the tables: words for each reading, and how far they can be trusted.

extension CompareText.Page {
    /// Readings beside the rate that are worth a sentence at every point.
    private static let worded: [Reading] = [.p99, .cpu, .sparseP99, .sparseCPU, .connectionMemory]

    /// "p99   faster: epoll -14 % [-19, -9]; slower: …": each arm once for a reading.
    func words(at point: Int) -> [String] {
        CompareText.Page.worded.flatMap { reading -> [String] in
            let words: [Standing.Word] = [
                .better, .worse, .noClearDifference, .tooFewRounds, .open,
            ]
            var all = words.compactMap { group(reading, $0, at: point) }
            if let noisy = noisy(reading, at: point) { all.append(noisy) }
            guard !all.isEmpty else { return [] }
            return sentence(reading.label, all.joined(separator: "; "))
        }
    }

    /// The arms of one word, with their differences where there are any.
    private func group(
        _ reading: Reading, _ word: Standing.Word, at point: Int
    ) -> String? {
        let arms = standing.measured.compactMap { arm -> String? in
            guard let figure = standing.figure(reading, of: arm, at: point), figure.word == word
            else { return nil }
            let name = record.arms[arm].name
            guard word == .better || word == .worse, let ratio = figure.ratio else { return name }
            return "\(name) \(Wording.change(ratio))"
        }
        guard !arms.isEmpty else { return nil }
        return Wording.word(word, of: reading) + ": " + arms.joined(separator: ", ")
    }

    /// The arms of which nothing can be told, each with the rounds that it would take.
    private func noisy(_ reading: Reading, at point: Int) -> String? {
        let arms = standing.measured.compactMap { arm -> String? in
            guard case .tooNoisy(let rounds) = standing.figure(reading, of: arm, at: point)?.word
            else { return nil }
            return "\(record.arms[arm].name) \(Wording.needed(rounds))"
        }
        guard !arms.isEmpty else { return nil }
        return "too noisy to tell, and the rounds it would need: " + arms.joined(separator: ", ")
    }

    /// The lines that every report ends with.
    var closing: [String] {
        let account = Account(standing)
        var lines: [String] = []
        for cost in account.blocking {
            lines += sentence("blocking", "what looking blocking costs: \(cost)")
        }
        for text in account.noise { lines += sentence("noise", text) }
        for text in account.sees { lines += sentence("sees", text) }
        for text in account.apart { lines += sentence("apart", text) }
        lines += sentence("method", account.method)
        for doubt in standing.doubts { lines += sentence("doubt", doubt, style.warning) }
        let command = RunRecord.shellWords(record.commandLine)
        if !command.isEmpty { lines += sentence("repeat", command) }
        return lines
    }
}
