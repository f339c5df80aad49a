import Flags
import Testing

@testable import Examples

@Suite struct ProgramTests {
    @Test(arguments: Program.all.map(\.name))
    func `every program explains itself in lines of a terminal`(name: String) throws {
        let program = try Program.named(name)
        let help = program.table.help(.brief)

        #expect(help.contains("usage: example \(name) "))
        #expect(help.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(help)")
        #expect(program.table.summary.hasSuffix("."))
    }

    @Test func `names are few, and each stands once`() {
        #expect(Set(Program.all.map(\.name)).count == Program.all.count)
        #expect(Program.list.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func `a name that is nearly one is suggested`() {
        #expect(throws: UsageError("no program 'ecko'; did you mean echo?")) {
            try Program.named("ecko")
        }
        #expect(throws: UsageError("no program 'zzzzzz'; example --help lists them")) {
            try Program.named("zzzzzz")
        }
    }

    @Test(arguments: ["--max-conns=0", "--idle-timeout=0s", "--grace=-1s", "--listen"])
    func `a limit that is none is refused`(word: String) {
        #expect(throws: UsageError.self) {
            _ = try Service(try Program.echo.table.parse([word]), port: 1)
        }
    }
}
