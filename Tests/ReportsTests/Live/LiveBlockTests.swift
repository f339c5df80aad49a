import Testing

@testable import Reports

/// As much of a terminal as a block needs: text, line ends, moving up and clearing.
private struct Screen {
    private(set) var rows: [[Character]] = [[]]
    private(set) var row = 0
    private(set) var column = 0

    mutating func write(_ text: String) {
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n": lineFeed()
            case "\u{1B}":
                _ = rest.popFirst()
                var digits = ""
                while let next = rest.first, ("0"..."9").contains(next) || next == ";" {
                    digits.unicodeScalars.append(next)
                    rest = rest.dropFirst()
                }
                obey(rest.popFirst(), Int(digits) ?? 0)
            default: put(Character(scalar))
            }
        }
    }

    private mutating func obey(_ command: Unicode.Scalar?, _ number: Int) {
        switch command {
        case "A": row = max(0, row - max(1, number))
        case "K": rows[row] = Array(rows[row].prefix(column))
        case "J":
            rows[row] = Array(rows[row].prefix(column))
            rows = Array(rows.prefix(row + 1))
        default: break
        }
    }

    private mutating func put(_ character: Character) {
        while rows[row].count <= column { rows[row].append(" ") }
        rows[row][column] = character
        column += 1
    }

    private mutating func lineFeed() {
        row += 1
        if row == rows.count { rows.append([]) }
    }

    var lines: [String] { rows.map { String($0) } }
}

@Suite struct `A block of live lines` {
    @Test func `is drawn in its own place, however many lines it has`() {
        var (block, screen) = (LiveBlock(), Screen())
        screen.write("before\r\n")
        for lines in [["one", "two", "three"], ["1", "2"], ["a", "b", "c", "d"], ["x"]] {
            screen.write(block.replace(with: lines, columns: 80))

            #expect(screen.lines == ["before"] + lines)
        }
    }

    @Test func `leaves nothing behind when it is erased`() {
        var (block, screen) = (LiveBlock(), Screen())
        screen.write("before\r\n")
        screen.write(block.replace(with: ["one", "two", "three"], columns: 80))
        screen.write(block.erase(columns: 80))

        #expect(screen.lines == ["before", ""])
        #expect((screen.row, screen.column) == (1, 0))
        #expect(block.erase(columns: 80).isEmpty)
    }

    @Test func `knows that a narrower terminal has broken its lines`() {
        var block = LiveBlock()
        _ = block.replace(with: [String(repeating: "x", count: 70), "y"], columns: 80)

        // 70 characters are three rows of 30 columns, and one more for the other line.
        #expect(block.erase(columns: 30).hasPrefix("\r\u{1B}[3A"))
    }

    @Test func `has no room on a terminal that has hardly any`() {
        #expect((0...5).map(LiveBlock.room) == [0, 0, 0, 0, 1, 2])
        for columns in 0...120 {
            var block = LiveBlock()
            let room = LiveBlock.room(in: columns)
            _ = block.replace(with: [String(repeating: "x", count: room), ""], columns: columns)

            #expect(block.erase(columns: columns).hasPrefix("\r\u{1B}[1A"), "\(columns)")
        }
    }

    @Test func `does not count what colours a line`() {
        #expect("a\u{1B}[48;5;54m \u{1B}[0mb▁".visibleCount == 4)
    }
}
