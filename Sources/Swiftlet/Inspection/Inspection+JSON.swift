import Syscalls

// An inspection as JSON. Names and units are the contract; docs/inspection.schema.json says what
// each member means.
extension Inspection {
    /// The whole as one object on one line.
    var json: JSONText {
        var numbers: [ObjectIdentifier: Int] = [:]
        for (number, account) in accounts.enumerated() { numbers[account.identity] = number }
        let numberOfPoint: (ObjectIdentifier?) -> Int? = { point in
            point.flatMap { accountsOfPoints[$0] }.flatMap { numbers[$0] }
        }
        return .object([
            ("loops", .array(loops.map { $0.json(patience, numberOfPoint) })),
            (
                "things",
                .array(accounts.enumerated().map { .object($1.members(numbered: $0)) })
            ),
        ])
    }
}

extension Inspection.Loop {
    fileprivate func json(
        _ patience: Duration, _ numberOfPoint: (ObjectIdentifier?) -> Int?
    ) -> JSONText {
        let number = ("loop", JSONText.number(number))
        switch answer {
        case .ended: return .object([number, ("state", .string("ended"))])
        case .none:
            return .object([
                number, ("state", .string("does not answer")),
                ("patience_seconds", .seconds(patience)),
            ])
        case .snapshot(let snapshot):
            return .object([
                number, ("state", .string("answers")), ("figures", object(of: snapshot.figures)),
                ("tasks", .array(snapshot.tasks.map { $0.json(numberOfPoint($0.point)) })),
                ("sockets", .array(snapshot.sockets.map(\.json))),
            ])
        }
    }
}

private func object(of figures: [Figure]) -> JSONText {
    .object(figures.map { ($0.name, $0.histogram?.json ?? .number($0.value)) })
}

extension LatencyHistogram {
    fileprivate var json: JSONText {
        let seconds = { (nanoseconds: Int64?) in
            JSONText.seconds(nanoseconds.map { .nanoseconds($0) })
        }
        return .object([
            ("count", .number(count)), ("sum_seconds", seconds(sum)),
            ("median_seconds", seconds(quantile(0.5))), ("p99_seconds", seconds(quantile(0.99))),
            ("longest_seconds", seconds(count > 0 ? longest : nil)),
        ])
    }
}

extension ParkReport {
    fileprivate func json(_ thing: Int?) -> JSONText {
        .object([
            ("name", .string(name)), ("place", .string(place)), ("waits", .string(purpose)),
            ("waited_seconds", .seconds(waited)), ("remaining_seconds", .seconds(remaining)),
            ("thing", .number(thing)),
        ])
    }
}

extension SocketReport {
    fileprivate var json: JSONText {
        .object([
            ("descriptor", .number(Int(descriptor.number))), ("kind", .string(kind)),
            ("local", .string(localAddress?.description)),
            ("remote", .string(remoteAddress?.description)),
            ("unread_bytes", .number(unreadBytes)),
            ("unacknowledged_bytes", .number(unacknowledgedBytes)), ("task", .string(task)),
        ])
    }
}

extension Account {
    fileprivate func members(numbered number: Int) -> [(String, JSONText?)] {
        [
            ("thing", .number(number)), ("kind", .string(kind)),
            (label.key, isNamed ? .string(label.value) : nil), ("place", .string(place)),
            ("figures", object(of: figures)),
            ("holders", holders.isEmpty ? nil : .array(holders.map(JSONText.string))),
        ]
    }
}
