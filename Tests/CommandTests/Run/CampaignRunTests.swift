import Foundation
import SchemaChecks
import TestServers
import Testing

@Suite(.ownThread) struct `loadtest takes several runs` {
    @Test func `a share of the maximum is found before it is measured`() throws {
        let run = try Command.loadtest("--rate", "30%", "--live=off", "--json=-")
        let document = try JSON(run.output)

        #expect(run.code == 0)
        #expect(run.errors.contains("closed-loop maximum: "))
        #expect(document["config", "rate"].number.map { $0 > 0 } == true)
        #expect(document["probes"].array.map { $0["purpose"] } == [.string("maximum")])
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `each step is measured on the same server`() throws {
        let run = try Command.loadtest("--steps", "200..600/3", "--json=-")
        let document = try JSON(run.output)

        #expect(run.code == 0)
        #expect(
            document["probes"].array.map { $0["purpose"] }
                == Array(repeating: .string("step"), count: 3))
        #expect(run.errors.contains("step 3 of 3 at 600/s: "))
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `a search that finds nothing says so in the document`() throws {
        let run = try Command.loadtest("--search", "p50<1ns", "--json=-")
        let document = try JSON(run.output)

        #expect(run.code == 99)
        #expect(run.errors.contains("\nsearch     p50<1ns held nowhere in "))
        #expect(document["search", "condition"] == .string("p50<1ns"))
        #expect(document["search", "rate"] == .null)
        // A machine that is too busy for the generator lets some of them not be judged.
        #expect(document["probes"].array.allSatisfy { $0["holds"] != .bool(true) })
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `headroom is proved with half the threads`() throws {
        let run = try Command.loadtest("-t2", "--prove-headroom", "--json=-")
        let document = try JSON(run.output)

        #expect(run.code == 0)
        #expect(document["config", "threads"] == .number(2))
        #expect(document["probes"].array.map { $0["purpose"] } == [.string("headroom")])
    }

    @Test func `an interrupt between the first step and the last keeps what there is`() throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let command = try Command(
            "loadtest",
            [
                server.target, "--steps", "500..1000/100", "-d", "1s", "--warmup=0", "-c2",
                "--json=-",
            ])
        // More than there are in the first step, and far less than in all hundred.
        try command.wait { server.answered > 600 }
        command.send(SIGINT)
        let run = try command.finish()

        #expect(run.code == 130)
        #expect(try JSON(run.output)["run", "interrupted"] == .bool(true))
    }
}

@Suite(.ownThread) struct `loadtest leaves files behind` {
    @Test func `percentiles and intervals are whole, and leave no draft`() throws {
        let paths = [temporaryPath("a.hgrm"), temporaryPath("a.hlog")]
        defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
        let run = try Command.loadtest(
            "--hgrm", paths[0], "--hlog", paths[1], "--interval", "100ms", "-d", "300ms", "-R1k")
        let texts = try paths.map { try String(contentsOfFile: $0, encoding: .utf8) }

        #expect(run.code == 0)
        #expect(texts[0].contains("1/(1-Percentile)"))
        for tag in ["response", "service", "send_delay"] {
            #expect(texts[1].contains("\nTag=\(tag),"))
        }
        #expect(!paths.contains { FileManager.default.fileExists(atPath: $0 + ".tmp") })
    }

    @Test func `a page is written, too`() throws {
        let path = temporaryPath("a.html")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let run = try Command.loadtest("--html", path, "-R1k")

        #expect(run.code == 0)
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("<svg"))
    }

    @Test func `one that cannot be written stops it before the run`() throws {
        let run = try Command.loadtest("--hlog", "/nonexistent/a.hlog", "--json=-")
        let document = try JSON(run.output)

        #expect(run.code == 73)
        #expect(run.errors.contains("cannot write --hlog /nonexistent/a.hlog"))
        #expect(document["run", "ending"] == .string("not_started"))
        #expect(document["exit_code"] == .number(73))
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `a wrong option leaves a document that says so`() throws {
        let run = try Command.run("loadtest", "--json=-", "-c", "0")
        let document = try JSON(run.output)

        #expect(run.code == 64)
        #expect(document["run", "ending"] == .string("not_started"))
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test func `a time that is not yet come is waited for`() throws {
        let run = try Command.loadtest("--start-at", "+50ms")

        #expect(run.code == 0)
        #expect(run.errors.contains("to start"))
    }

    @Test func `a signal while it waits ends it`() throws {
        let command = try Command("loadtest", ["--start-at", "+1h", "-c1"])
        _ = try command.line(beginning: "load")
        command.send(SIGTERM)

        #expect(try command.finish().code == 143)
    }
}
