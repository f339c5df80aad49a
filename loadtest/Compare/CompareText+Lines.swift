import Reports

// What stands below the tables: words for each reading, and how far they can be trusted.

extension CompareText.Page {
    /// Readings beside the rate that are worth a sentence at every point.
    private static let worded: [Reading] = [.p99, .cpu, .sparseP99, .sparseCPU, .connectionMemory]

    /// "p99   faster: epoll -14 % [-19, -9]; slower: …": each arm once for a reading.
    func words(at point: Int) -> [String] {
        CompareText.Page.worded.flatMap { reading -> [String] in
            let groups = [Standing.Word.better, .worse, .noClearDifference].compactMap { word in
                group(reading, word, at: point) { $0 == word }
            }
            let others = standing.measured.compactMap { arm -> String? in
                guard let figure = standing.figure(reading, of: arm, at: point) else { return nil }
                switch figure.word {
                case .tooNoisy, .tooFewRounds, .open:
                    return
                        "\(record.arms[arm].name): \(Wording.word(figure.word, of: reading))"
                default: return nil
                }
            }
            let all = groups + others
            guard !all.isEmpty else { return [] }
            return sentence(reading.label, all.joined(separator: "; "))
        }
    }

    /// The arms of one word, with their differences.
    private func group(
        _ reading: Reading, _ word: Standing.Word, at point: Int,
        where holds: (Standing.Word) -> Bool
    ) -> String? {
        let arms = standing.measured.compactMap { arm -> String? in
            guard let figure = standing.figure(reading, of: arm, at: point), holds(figure.word)
            else { return nil }
            let name = record.arms[arm].name
            if word == .noClearDifference { return name }
            return figure.ratio.map { "\(name) \(Wording.change($0))" } ?? name
        }
        guard !arms.isEmpty else { return nil }
        return Wording.word(word, of: reading) + ": " + arms.joined(separator: ", ")
    }

    /// The lines that every report ends with.
    var closing: [String] {
        let account = Account(standing)
        let doubts = standing.doubts.flatMap { sentence("doubt", $0, style.warning) }
        let command = RunRecord.shellWords(record.commandLine)
        return account.blocking.flatMap {
            sentence("blocking", "what looking blocking costs: \($0)")
        }
            + account.noise.flatMap { sentence("noise", $0) }
            + account.sees.flatMap { sentence("sees", $0) }
            + account.apart.flatMap { sentence("apart", $0) }
            + sentence("method", account.method) + doubts
            + (command.isEmpty ? [] : sentence("repeat", command))
    }
}
