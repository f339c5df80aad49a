import Swiftlet

/// Where people meet: who is there, in which room, and what was said there lately.
///
/// An actor, so there are no locks: one line is heard after the other. It never waits for a client.
/// What a client is told goes into its outbox, which a task of its own empties; a client that reads
/// so slowly that its outbox is full has to go, because the memory of a server is no buffer for the
/// slowest of its clients.
actor Hall {
    /// Limits against abuse.
    struct Limits: Sendable {
        /// Lines that may wait for one client.
        var outbox = 100
        /// Lines of a room that a newcomer is told.
        var history = 20
        /// Rooms in which somebody is.
        var rooms = 1_000
    }

    private struct Guest {
        var name: String
        var room: String?
        let outbox: Channel<String>
        let hearsHistory: Bool
    }

    private struct Room {
        var guests: Set<Int> = []
        var history: [String] = []
    }

    private let limits: Limits
    private var guests: [Int: Guest] = [:]
    private var rooms: [String: Room] = [:]
    private var entered = 0

    init(limits: Limits = Limits()) { self.limits = limits }

    /// Lets a client in: its number, and the lines that it is to be told until there are no more.
    ///
    /// `hearsHistory` says whether it is told what was said in a room before it came.
    func enter(hearsHistory: Bool = true) -> (Int, Channel<String>) {
        entered += 1
        let outbox = Channel<String>(capacity: limits.outbox, name: "outbox \(entered)")
        guests[entered] = Guest(
            name: "guest\(entered)", outbox: outbox, hearsHistory: hearsHistory)
        tell(entered, "* welcome, guest\(entered); /help tells what there is")
        return (entered, outbox)
    }

    /// Forgets a client, and tells its room why it has gone.
    func leave(_ number: Int, _ reason: String = "has left") {
        guard let guest = guests[number] else { return }
        quitRoom(number, reason)
        guests[number] = nil
        guest.outbox.close()
    }

    /// Does what a line of a client says; false when the client has gone or wants to.
    func hear(_ line: ChatLine, from number: Int) -> Bool {
        guard let guest = guests[number] else { return false }
        switch line {
        case .quit: leave(number)
        case .help: for line in ChatLine.summary { tell(number, "* \(line)") }
        case .wrong(let advice): tell(number, "* \(advice)")
        case .name(let name): rename(number, to: name)
        case .join(let room): join(number, room)
        case .who: tell(number, "* here: \(names(in: guest.room).joined(separator: ", "))")
        case .rooms:
            let counts = rooms.sorted { $0.key < $1.key }.map { "\($0) (\($1.guests.count))" }
            tell(number, "* rooms: \(counts.joined(separator: ", "))")
        case .tell(let name, let text):
            if let peer = guests.first(where: { $0.value.name == name })?.key {
                tell(peer, "[\(guest.name)] \(text)")
            } else {
                tell(number, "* nobody is called \(name)")
            }
        case .say(let text):
            if let room = guest.room {
                announce("<\(guest.name)> \(text)", in: room)
            } else {
                tell(number, "* /join a room first")
            }
        }
        return guests[number] != nil
    }

    private func rename(_ number: Int, to name: String) {
        guard let old = guests[number] else { return }
        // The names of those that come later are theirs.
        if guests.values.contains(where: { $0.name == name }) || name.hasPrefix("guest") {
            tell(number, "* \(name) is taken")
            return
        }
        guests[number]?.name = name
        tell(number, "* you are \(name)")
        if let room = old.room { announce("* \(old.name) is now \(name)", in: room) }
    }

    private func join(_ number: Int, _ name: String) {
        if guests[number]?.room == name { return tell(number, "* you are in \(name)") }
        if rooms[name] == nil, rooms.count >= limits.rooms {
            return tell(number, "* there are too many rooms: /rooms lists them")
        }
        quitRoom(number, "has gone to \(name)")
        guests[number]?.room = name
        let history = guests[number]?.hearsHistory == true ? rooms[name]?.history : nil
        for line in history ?? [] { tell(number, line) }
        // What was said there may have been too much for it.
        guard guests[number] != nil else { return }
        rooms[name, default: Room()].guests.insert(number)
        announce("* \(guests[number]?.name ?? "") is here", in: name)
    }

    private func quitRoom(_ number: Int, _ reason: String) {
        guard let guest = guests[number], let room = guest.room else { return }
        guests[number]?.room = nil
        rooms[room]?.guests.remove(number)
        if rooms[room]?.guests.isEmpty == true { rooms[room] = nil }
        announce("* \(guest.name) \(reason)", in: room)
    }

    private func names(in room: String?) -> [String] {
        guard let room, let here = rooms[room]?.guests else { return ["only you"] }
        return here.compactMap { guests[$0]?.name }.sorted()
    }

    private func announce(_ line: String, in room: String) {
        guard let here = rooms[room] else { return }
        rooms[room]?.history = (here.history + [line]).suffix(limits.history)
        for number in here.guests.sorted() { tell(number, line) }
    }

    /// Gives a client a line, or drops the client if there is no room for it. The last thing that
    /// it is told, if it ever reads again, is why.
    private func tell(_ number: Int, _ line: String) {
        guard let guest = guests[number], !guest.outbox.trySend(line) else { return }
        while guest.outbox.tryReceive() != nil {}
        _ = guest.outbox.trySend("* dropped: you read too slowly")
        leave(number, "was dropped: reads too slowly")
    }
}
