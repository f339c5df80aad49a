import Flags

/// A server that may become an arm: how it is started, and what must be known of it beforehand.
package struct Contender: Sendable, Equatable {
    /// Its name in every table: "coroutine-epoll", "threads", "gevent".
    package let name: String
    package let origin: Origin
    package let shape: Shape

    package enum Origin: Sendable, Equatable {
        /// A model of the bundled server; a model without drivers names itself twice.
        case bundled(model: String, driver: String)
        /// Somebody else's server: its command line, and its words, one of them with `{port}`.
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

    package init(model: String, driver: String, shape: Shape) {
        name = model == driver ? model : "\(model)-\(driver)"
        origin = .bundled(model: model, driver: driver)
        self.shape = shape
    }

    /// What stands for the port in a command line.
    private static let port = "{port}"

    /// `NAME=COMMAND {port}`.
    package init(_ text: String) throws(Units.Mistake) {
        let example = "; write for example 'gevent=python3 server.py {port}'"
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
        guard words.contains(where: { $0.contains(Self.port) }) else {
            throw Units.Mistake("has no {port} where the server is told its port" + example)
        }
        origin = .foreign(command: command, words: words)
        shape = .together
    }

    /// The words that start it on a port; none for the bundled server.
    func words(port: UInt16) -> [String] {
        guard case .foreign(_, let words) = origin else { return [] }
        return words.map { $0.replacing(Self.port, with: "\(port)") }
    }

    /// Connections that it is measured with where the others have so many.
    func connections(of count: Int) -> Int { shape == .oneAtATime ? 1 : count }
}
