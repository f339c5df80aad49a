import Flags

/// Which of the bundled servers take part.
///
///     coroutine-epoll       this one
///     coroutine             the model with each of its drivers
///     threads,select,poll   several, in the order in which they are named
package enum Selection {
    /// What a list names; throws for a name that nobody has, with the one that was meant.
    package static func contenders(
        named list: String, among all: [Contender]
    ) throws(Units.Mistake) -> [Contender] {
        var chosen: [Contender] = []
        let named = try Units.list(list) { name throws(Units.Mistake) in
            let found = all.filter { $0.name == name || $0.isBundled(as: name) }
            if found.isEmpty { throw unknown(name, among: all) }
            return found
        }
        for contender in named.flatMap({ $0 }) where !chosen.contains(contender) {
            chosen.append(contender)
        }
        return chosen
    }

    private static func unknown(_ name: String, among all: [Contender]) -> Units.Mistake {
        var names = all.map(\.name)
        for contender in all {
            if case .bundled(let model, _) = contender.origin, !names.contains(model) {
                names.append(model)
            }
        }
        let meant = nearest(to: name, among: names).map { "did you mean \($0)?" }
        return Units.Mistake(
            "has '\(name)', which is no variant; "
                + (meant ?? "there are \(names.joined(separator: ", "))"))
    }
}

extension Contender {
    /// Whether it is one of a model's.
    fileprivate func isBundled(as name: String) -> Bool {
        if case .bundled(let model, _) = origin { model == name } else { false }
    }
}
