import Glibc
import TestServers
import Testing

@Suite(.ownThread) struct `A command line that is wrong` {
    @Test(arguments: [
        (["--cons", "5"], "unknown option --cons; did you mean --conns?"),
        (["-c", "0"], "--conns '0' is out of range: give from 1 to 1,000,000"),
        (["-c", "5x"], "--conns '5x' has 'x' where a unit of count should be"),
        (["-d", "-1s"], "--duration '-1s' is negative"),
        (["-d", "0"], "--duration '0' is out of range: give from 1ms to"),
        (["-s", ""], "--size '' is empty"),
        (["-t", "3", "-c", "2"], "--threads 3 is more than --conns 2"),
        (["--driver", "kqueue"], "--driver 'kqueue' is not one of poll, select, epoll, io_uring"),
        (["--fail-if", "p99"], "--fail-if 'p99' compares nothing"),
        (["--json="], "--json '' is no file"),
        (["nonsense"], "target 'nonsense' is not an address"),
        (["http://127.0.0.1:7"], "only tcp:// and udp:// are known"),
        (["udp:unix:/tmp/e.sock"], "'udp:unix:/tmp/e.sock' is not served: datagrams go over UDP"),
        (["udp:", "-s", "11"], "--size 11: a datagram has 12 to 65,507 bytes"),
        (["udp:", "-s64..65508"], "--size 64..65508: a datagram has 12 to 65,507 bytes"),
        (["udp:", "--crr"], "--crr does not go with datagrams: the server knows of no connection"),
        (["udp:", "--close=half"], "--close does not go with datagrams"),
        (["udp:", "--split=half"], "--split does not go with datagrams: one is sent and received"),
        (["udp:", "-R1k", "--max-outstanding=9"], "--max-outstanding does not go with datagrams"),
        (["udp:", "-R1k", "--timeout=1s"], "--timeout is for the closed loop"),
        (["127.0.0.1:0"], "has port 0"),
        (["127.0.0.1:7", "127.0.0.1:8"], "unexpected argument '127.0.0.1:8'"),
        (["127.0.0.1:7", "--server-driver=poll"], "--server-driver is for the bundled server"),
        (["127.0.0.1:7", "--fail-if", "cpu.server>1us"], "needs the bundled server"),
        (["echo", "--lisen", "x"], "did you mean --listen?"),
    ])
    func `ends with 64 and says what is wrong`(arguments: [String], message: String) throws {
        let run = try Command("loadtest", arguments).finish()

        #expect(run.code == 64)
        #expect(run.errors.contains(message), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test(arguments: [
        (["--listen", "nowhere"], "'nowhere' is not an address"), (["--drvier=poll"], "--driver?"),
        (["--max-connections", "0"], "out of range"),
        (["--listen=:1", "--listen=:2", "--model=iterative"], "give one --listen"),
        (
            ["--listen=:1", "--listen=udp::2", "--model=epoll"],
            "--model epoll serves connections or datagrams, and not both"
        ),
        (
            ["--listen=udp:127.0.0.1:0", "--model=fork"],
            "for datagrams give coroutine, poll, epoll"
        ),
        (["--listen=udp:127.0.0.1:0", "--backlog=9"], "--backlog is for connections"),
        (["--batch=9"], "--batch is for datagrams"),
        (["--listen", "unix:@"], "a path or a name"),
        (["--listen", "no.such.host.invalid:1"], "--listen 'no.such.host.invalid:1': "),
        (["surplus"], "unexpected argument 'surplus'"),
    ])
    func `of the server ends with 64, too`(arguments: [String], message: String) throws {
        let run = try Command("echo-server", arguments).finish()

        #expect(run.code == 64)
        #expect(run.errors.contains(message), "\(run.errors)")
    }

    @Test(arguments: ["loadtest", "echo-server"])
    func `can be mended with the help, which is one screen`(command: String) throws {
        let help = try Command.run(command, "--help")

        #expect(help.code == 0)
        #expect(help.lines.count <= 40)
        #expect(help.lines.allSatisfy { $0.count <= 80 })
        #expect(try Command.run(command, "--version").output.contains("0.1.0"))
    }
}

@Suite(.ownThread) struct `The help of loadtest` {
    @Test func `tells everything when it is asked to`() throws {
        let all = try Command.run("loadtest", "--help", "all")
        let short = try Command.run("loadtest", "--help")

        #expect(all.code == 0)
        #expect(all.lines.allSatisfy { $0.count <= 80 })
        for option in ["--crr", "--shard", "--arrivals", "--slow-read", "--hlog"] {
            #expect(all.output.contains(option) && !short.output.contains(option))
        }
    }
}

@Suite(.ownThread) struct `echo-server` {
    @Test(arguments: [Int32(2), 15])
    func `says where it listens, stops at a signal and prints its counters`(signal: Int32) throws {
        let server = try Command("loadtest", ["echo", "--listen=127.0.0.1:0", "--driver=epoll"])
        let ready = try server.line(beginning: "listening on 127.0.0.1:")
        server.send(signal)
        let run = try server.finish()

        #expect(ready.hasSuffix("(coroutine, epoll)"))
        #expect(run.code == 0)
        #expect(run.lines.count == 1)
        #expect(run.errors.hasPrefix("{") && run.errors.hasSuffix("}\n"))
    }

    @Test func `does not take a port that is in use`() throws {
        let first = try Command("echo-server", ["--listen", "127.0.0.1:0"])
        let ready = try first.line(beginning: "listening on ")
        let address = try #require(ready.split(separator: " ").dropFirst(2).first.map(String.init))
        let second = try Command.run("echo-server", "--listen", address)

        #expect(second.code == 69)
        #expect(second.errors.contains("Address already in use"))
        #expect(second.output == "")
    }

    @Test(arguments: ["coroutine", "epoll"])
    func `does not take a path on which somebody listens, and says so`(model: String) throws {
        let path = "/tmp/swiftlet-taken-\(getpid())-\(model).sock"
        let first = try Command("echo-server", ["--listen", "unix:\(path)", "--model", model])
        _ = try first.line(beginning: "listening on ")
        let second = try Command.run("echo-server", "--listen", "unix:\(path)", "--model", model)

        #expect(second.code == 69)
        #expect(second.errors.contains("another server listens there"))
        first.send(15)
        #expect(try first.finish().code == 0)
    }

    @Test func `does not listen on an address that is not ours`() throws {
        let run = try Command.run("echo-server", "--listen", "192.0.2.1:0")

        #expect(run.code == 69)
        #expect(run.errors.contains("Cannot assign requested address"))
    }
}
