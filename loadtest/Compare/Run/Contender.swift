import Flags
import Generator

/// A server that may become an arm: how it is started, and what must be known of it beforehand.
package struct Contender: Sendable, Equatable {
    /// Its name in every table: "coroutine-epoll", "threads", "gevent".
    package let name: String
    package let origin: Origin
    package let shape: Shape
    private let transports: [Transport]
    /// What shows how a bundled server served; nil for other people's, which count nothing for us.
    package let mechanism: Mechanism?
    /// Why a bundled server behaves as it does; nil where nothing is known.
    package let story: Story?

    package enum Origin: Sendable, Equatable {
        /// A model of the bundled server; a model without drivers names itself twice.
        case bundled(model: String, driver: String)
        /// Another program: its command line, and its words, one of which says with a placeholder
        /// where it is to listen.
        case foreign(command: String, words: [String])
    }

    /// How it deals with many clients.
    package enum Shape: Sendable, Equatable {
        case together
        /// It serves a client to its end and then takes the next: it can be measured with one.
        case oneAtATime
        /// A process or a thread for each client, of which a machine has only so many.
        case taskEach
    }

    /// A paragraph about a server: what it pays for when all connections talk, and what when hardly
    /// one does.
    package struct Story: Sendable, Equatable {
        package var text: String
        /// What is told once, before the arms of a model that has several.
        package var ofModel: String?

        package init(_ text: String, ofModel: String? = nil) {
            self.text = text
            self.ofModel = ofModel
        }
    }

    /// A bundled server; its own part of the program knows what is told of it here.
    package init(
        model: String, driver: String, shape: Shape, mechanism: Mechanism? = nil,
        story: Story? = nil, over transports: [Transport] = Transport.allCases
    ) {
        name = model == driver ? model : "\(model)-\(driver)"
        origin = .bundled(model: model, driver: driver)
        self.shape = shape
        self.mechanism = mechanism
        self.story = story
        self.transports = transports
    }

    /// Whether it can be reached over it.
    func serves(over transport: Transport) -> Bool { transports.contains(transport) }

    /// `NAME=COMMAND {port}`, or with the placeholder of another transport.
    package init(_ text: String, over transport: Transport = .tcp) throws(Units.Mistake) {
        let placeholders = GivenAddress.placeholders(over: transport)
        let example = "; write for example 'gevent=python3 server.py \(placeholders[0])'"
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw Units.Mistake("has no name" + example) }
        name = String(parts[0])
        let isNamed =
            !name.isEmpty
            && name.allSatisfy { letter in
                letter.isLetter || letter.isNumber || "-_.+".contains(letter)
            }
        guard isNamed else {
            throw Units.Mistake(
                "has a name with other signs than letters, digits and - _ . +" + example)
        }
        let command = String(parts[1])
        let words = try CommandWords(command).words
        guard words.contains(where: { word in placeholders.contains(where: word.contains) }) else {
            throw Units.Mistake(
                "has no \(placeholders.joined(separator: " or ")) where the server is told where "
                    + "to listen" + example)
        }
        origin = .foreign(command: command, words: words)
        shape = .together
        transports = [transport]
        mechanism = nil
        story = nil
    }

    /// The words of its command line; none for the bundled server.
    var words: [String] { if case .foreign(_, let words) = origin { words } else { [] } }

    /// Connections that it is measured with where the others have so many.
    package func connections(of count: Int) -> Int { shape == .oneAtATime ? 1 : count }
}

extension Contender {
    /// Those of `all` that a list names, in its order; throws for an unknown name, with the one
    /// that was meant.
    ///
    ///     coroutine-epoll       this one
    ///     coroutine             the model with each of its drivers
    ///     threads,select,poll   several, in the order in which they are named
    package static func named(
        _ list: String, among all: [Contender]
    ) throws(Units.Mistake) -> [Contender] {
        var chosen: [Contender] = []
        let named = try Units.list(list) { name throws(Units.Mistake) in
            let found = all.filter { $0.name == name || $0.model == name }
            if found.isEmpty { throw unknown(name, among: all) }
            return found
        }
        for contender in named.flatMap({ $0 }) where !chosen.contains(contender) {
            chosen.append(contender)
        }
        return chosen
    }

    private static func unknown(_ name: String, among all: [Contender]) -> Units.Mistake {
        let names = (all.map(\.name) + all.compactMap(\.model)).uniqued
        let meant = nearest(to: name, among: names).map { "did you mean \($0)?" }
        return Units.Mistake(
            "has '\(name)', which is no variant; "
                + (meant ?? "there are \(names.joined(separator: ", "))"))
    }

    /// The model of a bundled server.
    private var model: String? {
        if case .bundled(let model, _) = origin { model } else { nil }
    }
}

/// The words of a command line, as a shell would cut them, and nothing else that a shell does.
///
///     node 'my server.js' "--name=a b" c\ d    →    node, my server.js, --name=a b, c d
///
/// There are no variables, patterns, pipes or redirections: for
/// those, write `sh -c '…'`.
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
