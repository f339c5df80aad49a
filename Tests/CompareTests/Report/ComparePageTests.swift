import Compare
import Foundation
import MarkupChecks
import Reports
import Testing

@Suite struct ComparePageTests {
    private static func page(points: Int = 1) throws -> [Element] {
        try elements(of: ComparePage.html(of: CompareTextTests.session(points: points)))
    }

    @Test(arguments: [1, 3])
    func `a page is well-formed, and no coordinate in it is anything but a number`(
        points: Int
    ) throws {
        let elements = try ComparePageTests.page(points: points)

        #expect(elements.filter { $0.name == "svg" }.count > 10)
        for element in elements where element.attributes["d"] != nil || element.name == "rect" {
            for name in ["d", "x", "y", "width", "height", "transform"] {
                let value = element.attributes[name] ?? ""
                #expect(!value.contains(/nan|inf|e[+-]/), "\(name)=\(value)")
            }
        }
    }

    @Test func `a page loads nothing, needs no script and forbids both`() throws {
        let elements = try ComparePageTests.page()

        #expect(!elements.contains { ["script", "img", "link"].contains($0.name) })
        let links = ["src", "href", "xlink:href", "action"]
        #expect(!elements.contains { $0.attributes.keys.contains(where: links.contains) })
        #expect(
            elements.contains { $0.attributes["content"]?.hasPrefix("default-src 'none'") == true })
    }

    @Test func `no two elements of a page have the same name`() throws {
        let names = try ComparePageTests.page(points: 3).compactMap { $0.attributes["id"] }

        #expect(!names.isEmpty)
        #expect(Set(names).count == names.count)
    }

    @Test(arguments: [1, 3, 9])
    func `a page of fourteen servers is smaller than 300 kB`(points: Int) throws {
        var session = Sessions(
            others: ["poll", "epoll", "fork", "threads", "select", "sweep", "epoll-et"]
                + (1...6).map { "server\($0) x" },
            readings: Reading.allCases)
        session.points = (0..<points).map {
            .init(connections: [100, 1000, 9000][$0 % 3], size: [64, 4096, 65536][$0 / 3])
        }
        let size = ComparePage.html(of: session.record()).utf8.count

        #expect(size < 300_000)
    }

    @Test func `each mark has a dot for each round, hollow where it stands apart`() throws {
        var record = Sessions(readings: [.rate], spread: 0.001).record()
        let far = try #require(record.samples.firstIndex { $0.arm == 2 && $0.round == 3 })
        record.samples[far].readings[.rate] = 150_000
        let pictures = ComparePage.pictures(of: record)
        let shapes = try elements(of: try #require(pictures.first).svg)
        let dots = shapes.compactMap { shape -> Int? in
            guard shape.attributes["class"]?.hasPrefix("dots") == true else { return nil }
            return shape.attributes["d"]?.count { $0 == "h" }
        }
        let hollow = shapes.count { $0.attributes["class"]?.hasPrefix("hollow") == true }

        #expect(pictures.map(\.name) == ["rate"])
        // The baseline is 1 in each round.
        #expect(dots.reduce(0, +) + hollow == 3 * 8)
        #expect(
            shapes.contains {
                $0.name == "title" && $0.text.contains(/^1[45]\d,\d{3}\/s in round 4$/)
            })
    }

    @Test func `colours of marks have the same meaning as the words beside them`() throws {
        let record = CompareTextTests.session()
        let pictures = ComparePage.pictures(of: record)
        let rate = try #require(pictures.first { $0.name == "rate" })
        let shapes = try elements(of: rate.svg)
        let worse = shapes.filter { $0.attributes["class"] == "full c1" }.count
        let words = shapes.filter { $0.name == "text" && $0.text.hasSuffix(" slower") }.count

        #expect(worse == 2 && words == 2)
    }

    @Test func `who has no figure has a reason in the place of its mark`() throws {
        let pictures = ComparePage.pictures(of: CompareTextTests.session())
        let rate = try #require(pictures.first { $0.name == "rate" })

        #expect(rate.svg.contains(">skipped: io_uring is disabled on this machine<"))
    }

    @Test func `pictures stand alone, and their names are names of files`() throws {
        let pictures = ComparePage.pictures(of: CompareTextTests.session(points: 3))

        #expect(Set(pictures.map(\.name)).count == pictures.count)
        #expect(pictures.contains { $0.name == "cpu-per-message-9000x64" })
        #expect(pictures.contains { $0.name == "growth-cpu-per-message" })
        for picture in pictures {
            #expect(picture.name.wholeMatch(of: /[a-z0-9-]+/) != nil, "\(picture.name)")
            #expect(try elements(of: picture.svg).contains { $0.name == "style" })
        }
    }

    @Test func `what grows with connections is a line for each server from point to point`() throws
    {
        let pictures = ComparePage.pictures(of: CompareTextTests.session(points: 3))
        let growth = try #require(pictures.first { $0.name == "growth-rate" })
        let dots = try elements(of: growth.svg).filter {
            $0.name == "title" && $0.text.contains(" connections of 64 B: ")
        }

        #expect(dots.count == 6 * 3)
        let alone = ComparePage.pictures(of: CompareTextTests.session())
        #expect(!alone.contains { $0.name.hasPrefix("growth") })
    }

    @Test func `the verdict stands before every figure, and its level is that of the doubts`()
        throws
    {
        var record = Sessions().record()
        let calm = ComparePage.html(of: record)
        record.samples[0].doubts = ["it sent late"]
        let doubted = ComparePage.html(of: record)
        record.environment.isDebugBuild = true
        let debug = ComparePage.html(of: record)

        #expect(calm.contains("Nothing speaks against these figures."))
        #expect(doubted.contains("verdict suspect") && debug.contains("verdict invalid"))
        let verdict = try #require(doubted.range(of: "it sent late"))
        let table = try #require(doubted.range(of: "<table"))
        #expect(verdict.lowerBound < table.lowerBound)
    }

    @Test func `every server has its paragraph on why it behaves so, and its model one before`()
        throws
    {
        let models = [
            "iterative", "fork", "threads", "sweep", "select", "poll", "epoll", "epoll-et",
            "io_uring",
        ]
        let drivers = ["coroutine-poll", "coroutine-select", "coroutine-io_uring"]
        let record = Sessions(others: models + drivers).record()
        let told = try elements(
            of: ComparePage.html(of: record, Sessions.contenders(of: record))
        ).filter { $0.name == "b" }

        let names = told.map(\.text).filter { !$0.isEmpty }
        #expect(names == ["coroutine", "coroutine-epoll"] + models + drivers)
    }

    @Test func `words from outside are inert, wherever they stand`() throws {
        let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{1B}[31m"
        var record = CompareTextTests.session(points: 3)
        record.commandLine = ["loadtest", evil]
        (record.startedAt, record.notes) = (evil, [evil])
        record.environment.kernel = evil
        record.environment.cpuModel = evil
        record.samples[0].doubts = [evil]
        for arm in record.arms.indices {
            record.arms[arm].name += evil
            record.arms[arm].proof = evil
            record.arms[arm].notes = [evil]
        }
        record.arms[5].outcome = .failed(evil)
        record.arms[6].outcome = .incorrect([evil])
        let page = try elements(of: ComparePage.html(of: record))

        #expect(!page.contains { ["script", "img"].contains($0.name) })
        #expect(!page.contains { $0.attributes.keys.contains { $0.hasPrefix("on") } })
        for picture in ComparePage.pictures(of: record) {
            let shapes = try elements(of: picture.svg)
            #expect(!shapes.contains { ["script", "img"].contains($0.name) })
        }
        // A command is a block of code, which is its lines' indentation.
        let lines = CompareMarkdown.page(of: record).split(separator: "\n")
        #expect(!lines.contains { $0.contains("<script") && !$0.hasPrefix("    ") })
    }

    @Test func `a comparison of nothing is a page too, and says that it is not to be trusted`()
        throws
    {
        var record = CompareTextTests.session()
        record.samples = []
        #expect(ComparePage.html(of: record).contains("verdict invalid"))
        (record.arms, record.points) = ([], [])
        let page = try elements(of: ComparePage.html(of: record))

        #expect(page.contains { $0.name == "h1" })
        #expect(ComparePage.pictures(of: record).isEmpty)
    }

    @Test func `figures that lie far apart stand on a logarithmic axis, and it says so`() throws {
        var session = Sessions(readings: [.connectionMemory])
        session.factor = { name, _ in name == "threads" ? 500 : 1 }
        let picture = try #require(ComparePage.pictures(of: session.record()).first)

        #expect(picture.svg.contains("logarithmic"))
        let zeros = try elements(of: picture.svg).filter { $0.name == "text" && $0.text == "0" }
        #expect(zeros.isEmpty)
    }

    @Test func `the baseline stands at 1, and the servers in order of what they take`() throws {
        var session = Sessions(
            others: ["epoll", "threads", "fork"], readings: [.cpu], spread: 0.001)
        session.factor = { name, _ in ["epoll": 0.9, "threads": 2.2, "fork": 3][name] ?? 1 }
        let picture = try #require(ComparePage.pictures(of: session.record()).first)
        let texts = try elements(of: picture.svg).filter { $0.name == "text" }.map(\.text)

        #expect(texts.contains("1.00"))
        let names = texts.filter { ["epoll", "coroutine-epoll", "threads", "fork"].contains($0) }
        #expect(names == ["epoll", "coroutine-epoll", "threads", "fork"])
        let page = ComparePage.html(of: session.record())
        #expect(
            page.contains(
                "3 servers beside coroutine-epoll: 1 takes less (epoll, 0.90 of it), 2 take more "
                    + "(fork, 3.00 of it)."))
    }

    @Test func `several loads share the picture that answers the question`() throws {
        let pictures = ComparePage.pictures(of: CompareTextTests.session(points: 3))
        let overview = try #require(pictures.first)
        let shapes = try elements(of: overview.svg)

        #expect(overview.name == "overview")
        #expect(shapes.count { $0.text.hasSuffix("connections of 64 B") } == 3)
        let marks = shapes.filter { $0.attributes["class"]?.hasPrefix("full c") == true }
        #expect(marks.count == 7 * 3)
    }
}
