import Compare
import Flags
import Processes
import Testing

@Suite struct CompareOptionsTests {
    static let bundled = [
        Contender(model: "coroutine", driver: "poll", shape: .together),
        Contender(model: "coroutine", driver: "epoll", shape: .together),
        Contender(model: "iterative", driver: "iterative", shape: .oneAtATime),
        Contender(model: "epoll", driver: "epoll", shape: .together),
    ]

    private func options(_ words: String...) throws -> CompareOptions {
        let arguments = try CompareOptions.table.parse(words)
        return try CompareOptions(arguments, bundled: Self.bundled)
    }

    private func refusal(_ words: [String]) -> String {
        do {
            let arguments = try CompareOptions.table.parse(words)
            _ = try CompareOptions(arguments, bundled: Self.bundled)
            return "taken"
        } catch {
            return "\(error)"
        }
    }

    @Test func `without options every server takes part, for a minute`() throws {
        let options = try options()

        #expect(
            options.contenders.map(\.name)
                == ["coroutine-poll", "coroutine-epoll", "iterative", "epoll"])
        #expect(options.points == [.init(connections: 1000, size: 64)])
        #expect(options.rounds == nil)
        #expect(options.timing == Timing(slice: .milliseconds(50), time: .seconds(60)))
        #expect(options.precision == 0.03)
        #expect(options.baseline == nil)
        #expect(options.seed == 1)
    }

    @Test(arguments: [
        ("coroutine-epoll", ["coroutine-epoll"]),
        ("coroutine", ["coroutine-poll", "coroutine-epoll"]),
        ("epoll,coroutine,epoll", ["epoll", "coroutine-poll", "coroutine-epoll"]),
    ])
    func `a list names models, drivers of one, or all of them`(list: String, names: [String]) throws
    {
        #expect(try options("--variants", list).contenders.map(\.name) == names)
    }

    @Test(arguments: [
        ("docs/table.md", "docs/pictures", "pictures"), ("table.md", "pictures/", "pictures"),
        ("docs/table.md", "/tmp/pictures", "/tmp/pictures"), ("/a/b.md", "/a/c/d", "c/d"),
    ])
    func `the table links to its pictures from where it is`(
        table: String, pictures: String, link: String
    ) throws {
        let options = try options("--md", table, "--svg", pictures)

        #expect(options.picturesLink == link)
    }

    @Test func `other servers come behind the bundled ones`() throws {
        let options = try options(
            "-v", "epoll", "--server", "node=node 'my server.js' {port}",
            "--server", "go=./go -listen=127.0.0.1:{port}", "--baseline", "node")

        #expect(options.contenders.map(\.name) == ["epoll", "node", "go"])
        #expect(
            options.contenders[1].origin
                == .foreign(
                    command: "node 'my server.js' {port}",
                    words: ["node", "my server.js", "{port}"]))
        #expect(options.baseline == "node")
    }

    @Test func `over Unix sockets a server is told a path`() throws {
        let options = try options(
            "--over", "unix", "--server", "a=./a {path}", "--server", "b=./b --listen {listen}")

        #expect(options.transport == .unix)
        #expect(options.contenders.map(\.name) == ["a", "b"])
        #expect(try self.options("--server", "a=./a {listen}").transport == .tcp)
        #expect(refusal(["--over", "unix", "--server", "a=./a {port}"]).contains("has no {path}"))
        #expect(refusal(["--server", "a=./a {path}"]).contains("has no {port}"))
    }

    @Test func `two servers have each other, and one has the usual baseline`() throws {
        let one = try options("--server", "a=./a {port}")
        let two = try options("--server", "old=./a {port}", "--server", "new=./b {port}")

        #expect(one.contenders.map(\.name) == ["coroutine-epoll", "a"])
        #expect(two.contenders.map(\.name) == ["old", "new"])
    }

    @Test func `slices, time, precision and rounds are what is said`() throws {
        let options = try options(
            "--slice", "20ms", "--time", "30s", "--precision", "1.5%", "--rounds", "7")

        #expect(options.timing == Timing(slice: .milliseconds(20), time: .seconds(30)))
        #expect(options.precision == 0.015)
        #expect(options.rounds == 7)
    }

    @Test func `a slice is long enough for 20 answers a connection, within reason`() {
        let timing = Timing(slice: .milliseconds(50), time: .seconds(60))

        #expect(timing.slice(connections: 100, cost: 10e-6) == .milliseconds(50))
        #expect(timing.slice(connections: 1000, cost: 10e-6) == .milliseconds(200))
        #expect(timing.slice(connections: 9000, cost: 1e-3) == .seconds(1))
        #expect(timing.slice(connections: 9000, cost: 0) == .milliseconds(50))
    }

    @Test func `at the fixed rate there are rounds enough to judge, however many the servers`() {
        let timing = Timing(slice: .milliseconds(50), time: .seconds(60))

        #expect(timing.fixed(slices: 3) == (10, .seconds(1)))
        #expect(timing.fixed(slices: 5) == (6, .seconds(1)))
        for slices in 1...200 {
            let (rounds, slice) = timing.fixed(slices: slices)
            #expect(rounds >= 6)
            #expect(slice >= .milliseconds(250) && slice <= .seconds(1))
        }
        let fourteen = timing.fixed(slices: 14)
        #expect(fourteen.slice * (14 * fourteen.rounds) <= .seconds(30))
    }

    @Test func `each of several groups has time for rounds that can be judged`() {
        let timing = Timing(slice: .milliseconds(50), time: .seconds(60))

        #expect(timing.busy(groups: 1, arms: 14, slice: .seconds(1)) == .seconds(60))
        #expect(timing.busy(groups: 2, arms: 8, slice: .milliseconds(50)) == .seconds(30))
        #expect(timing.busy(groups: 13, arms: 2, slice: .seconds(1)) == .seconds(40))
    }

    @Test func `a matrix gives every combination, and leaves the rest to the options`() throws {
        let both = try options("--matrix", "conns=10,1k size=64,4k").points
        let one = try options("--matrix", "conns=10,9k", "--size", "100").points

        #expect(
            both == [
                .init(connections: 10, size: 64), .init(connections: 10, size: 4096),
                .init(connections: 1000, size: 64), .init(connections: 1000, size: 4096),
            ])
        #expect(
            one == [.init(connections: 10, size: 100), .init(connections: 9000, size: 100)])
    }

    @Test(arguments: [
        (["--variants", "epol"], "'epol', which is no variant; did you mean epoll?"),
        (["--variants", "corutine"], "did you mean coroutine?"),
        (["--variants", "zzzzzzzz"], "there are coroutine-poll, coroutine-epoll, iterative"),
        (["--variants", "epoll,"], "empty item"),
        (["--server", "node"], "has no name; write for example"),
        (["--server", "=node {port}"], "has a name with other signs"),
        (["--server", "a b=node {port}"], "has a name with other signs"),
        (["--server", "node=node"], "has no {port}"),
        (["--server", "node="], "has no command"),
        (["--server", "node=node '{port}"], "opens ' and never closes it"),
        (["--server", "epoll=x {port}"], "has the name of another arm"),
        (["--server", "a=x {port}", "--server", "a=y {port}"], "has the name of another arm"),
        (["--baseline", "epol"], "takes no part; did you mean epoll?"),
        (["--variants", "epoll", "--baseline", "iterative"], "takes no part; the arms are epoll"),
        (["--conns", "0"], "out of range: give from 1 to 20,000"),
        (["--size", "0"], "out of range"),
        (["--rounds", "0"], "out of range"),
        (["--slice", "0"], "out of range"),
        (["--time", "0"], "out of range"),
        (["--precision", "3"], "is not a percentage"),
        (["--matrix", "conns=10,0"], "'0', which is out of range: give from 1 to 20,000"),
        (["--matrix", "conns=10,10"], "a number twice in '10,10'"),
        (["--matrix", "conns=1 conns=2"], "has conns twice"),
        (["--matrix", "rate=1"], "has 'rate', which is neither conns nor size"),
        (["--matrix", "10"], "has '10', which is no list"),
        (["--matrix", " "], "is empty"),
        (["--matrix", "conns=1,2,3,4,5,6,7,8,9 size=1,2,3,4,5,6,7,8"], "has 72 loads"),
        (["--matrix", "conns=1,2", "-c", "5"], "leave out --conns 5"),
        (["--matrix", "size=1,2", "-s", "5"], "leave out --size 5"),
        (["--html", "a", "--md", "a"], "two reports cannot go to one file"),
        (["--html", "-"], "--html '-' is no file"),
        (["--json", ""], "--json '' is no file"),
        (["epoll"], "unexpected argument 'epoll'"),
    ])
    func `what is wrong is said, on what, and what would be right`(
        words: [String], saying: String
    ) {
        let refusal = refusal(words)
        #expect(refusal.contains(saying), "\(refusal)")
    }

    @Test func `the help fits a screen`() {
        let lines = CompareOptions.table.help.split(
            separator: "\n", omittingEmptySubsequences: false)

        #expect(lines.count <= 42)
        #expect(lines.allSatisfy { $0.count <= 80 })
    }

    @Test(arguments: [
        ("a b", ["a", "b"]), ("  a\tb  ", ["a", "b"]), ("'a b' c", ["a b", "c"]),
        ("\"a 'b'\" ''", ["a 'b'", ""]), ("a\\ b", ["a b"]), ("x'y'\"z\"", ["xyz"]),
        ("\"a\\\"b\" \"c\\d\"", ["a\"b", "c\\d"]), ("'a\\b'", ["a\\b"]),
        ("$HOME *", ["$HOME", "*"]),
    ])
    func `a command is cut into words as a shell does`(text: String, words: [String]) throws {
        #expect(try CommandWords(text).words == words)
    }

    @Test(arguments: ["", " ", "'", "\"a", "a\\"])
    func `a command that does not end or is none is refused`(text: String) {
        #expect(throws: Units.Mistake.self) { try CommandWords(text) }
    }

    @Test func `the estimate counts the baseline twice, and every load`() throws {
        let usual = Timing.estimate(try options("-v", "epoll,coroutine"))
        let loads = Timing.estimate(try options("--time", "10s", "--matrix", "conns=10,1k"))

        #expect(usual.hasPrefix("4 arms, 1 load: about "), "\(usual)")
        #expect(loads.hasPrefix("5 arms, 2 loads: about "), "\(loads)")
        let many = try options("--conns", "9k")
        let estimates = [20_000, 2_000_000].map { descriptors in
            Timing.estimate(
                many, on: HostLimits(tasks: ProcessLimits([]), descriptors: descriptors))
        }
        #expect(estimates[0] != estimates[1])
        #expect(Timing.minutes(.seconds(40)) == "40 s")
        #expect(Timing.minutes(.seconds(17 * 60 + 10)) == "17 min")
        #expect(Timing.minutes(.seconds(2 * 3600 + 300)) == "2 h 5 min")
    }
}
