import Flags

/// The words of a command line, as a shell would cut them, and nothing else that a shell does.
///
///     node 'my server.js' "--name=a b" c\ d    →    node, my server.js, --name=a b, c d
///
/// There are no variables, patterns, pipes or redirections: those who want them write
/// `sh -c '…'`.
package struct CommandWords: Sendable, Equatable {
    package let words: [String]

    package init(_ text: String) throws(Units.Mistake) {
        var cutter = Cutter()
        for character in text { cutter.take(character) }
        if let quote = cutter.quote { throw Units.Mistake("opens \(quote) and never closes it") }
        if cutter.isEscaped { throw Units.Mistake("ends with a backslash") }
        cutter.endWord()
        if cutter.words.isEmpty { throw Units.Mistake("has no command") }
        words = cutter.words
    }

    private struct Cutter {
        var words: [String] = []
        var quote: Character?
        var isEscaped = false
        /// The word that is being read; nil between two words, while "" is a word without letters.
        private var word: String?

        mutating func take(_ character: Character) {
            if isEscaped {
                // Within double quotes a backslash stands for itself, except before these.
                if quote != nil, !"\"\\$`".contains(character) { word?.append("\\") }
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                word = word ?? ""
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word?.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character.isWhitespace {
                endWord()
            } else {
                word = (word ?? "") + String(character)
            }
        }

        mutating func endWord() {
            if let word { words.append(word) }
            word = nil
        }
    }
}
