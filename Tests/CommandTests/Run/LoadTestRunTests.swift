import Foundation
import SchemaChecks
import Syscalls
import TestServers
import Testing

@testable import loadtest

@Suite(.ownThread) struct `loadtest runs` {
    @Test func `without a target it starts its own server, says so first, and ends with 0`() throws
    {
        let run = try Command.loadtest()

        #expect(run.code == 0)
        #expect(
            run.lines.first?.contains("started the bundled echo server (coroutine, poll)") == true)
        #expect(run.lines.contains { $0.hasPrefix("service ") })
        #expect(run.lines.contains { $0.hasPrefix("memory     server ") })
        #expect(run.lines.contains { $0.hasPrefix("result ") && $0.hasSuffix("errors 0") })
        #expect(run.lines.allSatisfy { $0.count <= 80 })
        #expect(!run.output.contains("\u{1B}"))
    }

    @Test(arguments: ["poll", "select", "epoll"])
    func `every driver serves and measures`(driver: String) throws {
        let run = try Command.loadtest("--driver", driver, "--server-driver", driver, "--json=-")
        let document = try JSON(run.output)

        #expect(run.code == 0)
        #expect(document["server", "driver"] == .string(driver))
        #expect(document["config", "driver"] == .string(driver))
    }

    @Test func `a server on several addresses is loaded over each of them`() throws {
        let path = "unix:/tmp/swiftlet-load-\(getpid()).sock"
        let service = try EchoService(["--listen", path, "--listen", "unix:@swiftlet-\(getpid())"])
        for target in [path, "unix:@swiftlet-\(getpid())", "\(service.address)"] {
            let run = try Command.loadtest(target, "--json=-")
            let document = try JSON(run.output)

            #expect(run.code == 0)
            #expect(document["counts", "corrupt"] == .number(0))
            #expect(document["counts", "answered"].number.map { $0 > 0 } == true)
        }
        #expect(try service.stop()["accepted"] == 6)
    }

    @Test(arguments: ["unix:", "udp:"])
    func `a transport alone starts the bundled server over it`(target: String) throws {
        let run = try Command(
            "loadtest", [target, "-c2", "-n100", "-d10m", "--warmup=0", "--json=-"]
        ).finish()
        let document = try JSON(run.output)

        #expect(run.code == 0, "\(run.errors)")
        #expect(document["config", "socket"] == .string(target == "udp:" ? "datagram" : "stream"))
        #expect(document["counts", "answered"].number.map { $0 > 0 } == true)
        #expect(document["server", "model"] == .string("coroutine"))
        #expect(try Schema.shipped().violations(of: document) == [])
    }

    @Test(arguments: ["coroutine", "poll", "epoll"], [[], ["-R2k"]])
    func `datagrams are loaded as streams are`(model: String, options: [String]) throws {
        let service = try EchoService(on: "udp:127.0.0.1:0", ["--model=\(model)"])
        let run = try Command(
            "loadtest",
            ["udp://\(service.address)", "-c3", "-n300", "-d10m", "--warmup=0", "--drain=10m"]
                + (options.isEmpty ? ["--timeout=10m"] : options) + ["--json=-"]
        ).finish()
        let document = try JSON(run.output)

        #expect(run.code == 0)
        #expect(document["counts", "answered"] == .number(300))
        #expect(document["counts", "lost"] == .number(0))
        #expect(document["errors"].array.isEmpty)
        let counted = try service.stop()
        let bytes = try #require(counted["bytes_read"])
        #expect(bytes >= 19_200)
        #expect(counted["bytes_written"] == bytes)
    }

    @Test func `no server for datagrams is told at once`() throws {
        let server = try DatagramTestServer { _, datagram in [datagram] }
        server.stop()
        let run = try Command.run(
            "loadtest", "udp:\(server.address)", "-c2", "-d10m", "--warmup=10m", "--live=off")

        #expect(run.code == 69)
        #expect(run.output.contains("ECONNREFUSED"))
        #expect(run.output.contains("nothing receives there"))
    }

    @Test(arguments: [[], ["--crr"]])
    func `the full backlog of a Unix server is waited for`(options: [String]) throws {
        let path = "unix:/tmp/swiftlet-backlog-\(getpid())-\(options.count).sock"
        let service = try EchoService(on: path, ["--backlog=1"])
        let run = try Command(
            "loadtest",
            [path, "-c50", "-n200", "-d10m", "--warmup=0", "--json=-"] + Command.patient + options
        ).finish()
        let document = try JSON(run.output)

        #expect(run.code == 0)
        #expect(document["counts", "answered"] == .number(200))
        #expect(document["errors"].array.isEmpty)
        _ = try service.stop()
    }

    @Test func `json on standard output leaves it to the json`() throws {
        let run = try Command.loadtest("--json", "-", "--fail-if", "max>1h")
        let document = try JSON(run.output)

        #expect(try Schema.shipped().violations(of: document) == [])
        #expect(document["exit_code"] == .number(0))
        #expect(document["thresholds"].array.first?["passed"] == .bool(true))
        #expect(run.errors.contains("ledger"))
    }

    @Test func `a json file is whole and leaves no draft`() throws {
        let path = temporaryPath("run.json")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let run = try Command.loadtest("--json", path, "-n", "100", "-q")

        #expect(run.code == 0)
        let document = try JSON(String(contentsOfFile: path, encoding: .utf8))
        #expect(try Schema.shipped().violations(of: document) == [])
        #expect(document["counts", "answered"].number.map { $0 > 0 && $0 <= 100 } == true)
        #expect(!FileManager.default.fileExists(atPath: path + ".tmp"))
        #expect(run.lines.count == 1)
    }

    @Test func `a json file that cannot be written is found out before the run`() throws {
        let run = try Command.loadtest("--json", "/nonexistent/run.json")

        #expect(run.code == 73)
        #expect(run.errors.contains("No such file or directory"))
        #expect(run.output == "")
    }

    @Test func `a reader that has enough does no harm`() throws {
        let command = try Command("loadtest", ["--warmup=0", "-d=500ms", "-c2"])
        _ = try command.line(beginning: "target")
        command.closeOutput()

        #expect(try command.finish().code == 0)
    }

    @Test func `a standard output that takes nothing is an error`() throws {
        let path = try Command.path(of: "loadtest")
        let run = try Command.run("/bin/sh", "-c", "'\(path)' -d 50ms --warmup 0 -c1 > /dev/full")

        #expect(run.code == 73)
        #expect(run.errors.contains("No space left on device"))
    }

    @Test func `too few descriptors stop it before the load, with the command that would help`()
        throws
    {
        let path = try Command.path(of: "loadtest")
        let run = try Command.run("/bin/sh", "-c", "ulimit -n 64; '\(path)' -c 1000 127.0.0.1:9")

        #expect(run.code == 71)
        #expect(run.errors.contains("ulimit -n"))
    }

    @Test(arguments: [("max>1ns", 99), ("max>1h", 0), ("p99.9999>1h", 99), ("cpu.server>1h", 0)])
    func `a threshold decides the exit code`(condition: String, code: Int32) throws {
        #expect(try Command.loadtest("-n", "1k", "--fail-if", condition).code == code)
    }

    @Test func `threads and pipeline keep every byte in its place`() throws {
        let run = try Command.loadtest(
            "-c", "9", "-t", "2", "--pipeline", "8", "-s", "3k", "--seed", "7", "--json=-")
        let document = try JSON(run.output)

        #expect(run.code == 0)
        #expect(document["cpu", "threads"].array.count == 2)
        #expect(document["counts", "bytes", "verified"] == document["counts", "bytes", "in"])
    }
}

@Suite(.ownThread) struct `loadtest has little memory` {
    @Test func `places that no request needs take none`() throws {
        let loadtest = try Command.path(of: "loadtest")
        let run = try Command.run(
            "/bin/sh", "-c",
            "ulimit -v 4000000; exec \(loadtest) -c 3000 -R 1k -n 100 --warmup 0 "
                + "--max-outstanding 65536 \(Command.patient.joined(separator: " "))")

        #expect(run.code == 0, "\(run.errors)")
    }
}

@Suite(.ownThread) struct `loadtest is interrupted` {
    @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
    func `a signal ends it with a summary of what was measured`(signal: Int32, code: Int32) throws {
        let server = try TestServer { $0.echo() }
        defer { server.stop() }
        let path = temporaryPath("interrupted.json")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let command = try Command(
            "loadtest", [server.target, "-d", "1h", "--warmup=0", "-c4", "--json", path])
        try command.wait { server.answered > 100 }
        command.send(signal)
        let run = try command.finish()

        #expect(run.code == code)
        #expect(run.output.contains("service "))
        #expect(run.lines.last?.hasPrefix("exit       \(code)") == true)
        let document = try JSON(String(contentsOfFile: path, encoding: .utf8))
        #expect(try Schema.shipped().violations(of: document) == [])
        #expect(document["run", "interrupted"] == .bool(true))
        #expect(document["exit_code"] == .number(Double(code)))
    }

    @Test func `a second signal ends it at once`() throws {
        let server = try TestServer { $0.swallow() }
        defer { server.stop() }
        let command = try Command("loadtest", [server.target, "-d", "1h", "--warmup=0", "-c4"])
        _ = try command.line(beginning: "load")
        // Two different ones: the kernel keeps a pending signal only once. Both are there before it
        // can do anything about the first.
        command.send(SIGSTOP)
        command.send(SIGINT)
        command.send(SIGTERM)
        command.send(SIGCONT)
        let run = try command.finish()

        #expect(run.code == 130 || run.code == 143)
        #expect(!run.output.contains("ledger"))
    }

    /// timeout(1) signals the process, and then the group that it is in.
    @Test(
        arguments: [
            (SIGINT, 0, nil), (SIGINT, 199, nil), (SIGINT, 200, .leave), (SIGTERM, 0, .leave),
        ] as [(Int32, Int64, Interruption.Request?)])
    func `one request that arrives twice is one request`(
        second: Int32, milliseconds: Int64, request: Interruption.Request?
    ) {
        var interruption = Interruption()
        let start = Instant(nanoseconds: 0)

        let first = interruption.request(by: SIGINT, at: start)
        let again = interruption.request(
            by: second, at: start.advanced(by: .milliseconds(milliseconds)))

        #expect(first == .finish)
        #expect(again == request)
    }

    @Test func `its own server ends with it, even when it is killed`() throws {
        let command = try Command("loadtest", ["-d", "1h", "-c1"])
        let target = try command.line(beginning: "target")
        let address = try #require(target.split(separator: " ").dropFirst().first.map(String.init))
        command.send(SIGKILL)
        _ = try command.finish()

        let probe = try Command("/bin/sh", ["-c", "read wait_for_nothing"])
        try probe.wait { try Command.run("loadtest", address, "-c1", "-n1").code == 69 }
    }
}
