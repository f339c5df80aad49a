/// What a line of a client means.
enum ChatLine: Equatable {
    case say(String)
    case name(String)
    case join(String)
    case tell(String, String)
    case who, rooms, help, quit
    /// A line that means nothing, and what would.
    case wrong(String)

    /// What `/help` answers.
    static let summary = [
        "/nick NAME        be called NAME",
        "/join ROOM        go to a room; all else that you write is said there",
        "/msg NAME TEXT    tell one of them alone",
        "/who /rooms       list those in this room, and the rooms",
        "/quit             leave",
    ]

    /// Understands a line. What a terminal would obey instead of showing it is left out: else a
    /// guest could clear the screens of all others.
    init(_ line: String) {
        let text = String(
            String.UnicodeScalarView(
                line.unicodeScalars.filter {
                    $0.properties.generalCategory != .control
                        && $0.properties.generalCategory != .format
                }))
        guard text.hasPrefix("/") else {
            self = text.isEmpty ? .wrong("/help tells what there is") : .say(text)
            return
        }
        let words = text.split(separator: " ", maxSplits: 2).map(String.init)
        switch (words[0], words.count) {
        case ("/nick", 2): self = ChatLine.isName(words[1]) ? .name(words[1]) : .badName
        case ("/join", 2): self = ChatLine.isName(words[1]) ? .join(words[1]) : .badName
        case ("/msg", 3): self = .tell(words[1], words[2])
        case ("/who", 1): self = .who
        case ("/rooms", 1): self = .rooms
        case ("/help", 1): self = .help
        case ("/quit", 1): self = .quit
        default: self = .wrong("\(words[0]): not like that; /help tells what there is")
        }
    }

    private static let badName = wrong("a name has 1 to 20 letters, digits, - and _")

    /// Names are of ASCII, so that nobody can look like somebody else.
    private static func isName(_ text: String) -> Bool {
        (1...20).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
    }
}
