import Generator
import Processes
import Syscalls
import TestServers
import Testing

/// Shell scripts stand in for servers: what counts here is how they start and end.
struct ServerProcessTests {
    private func start(
        _ script: String,
        readyWithin timeout: Duration = .ample
    ) throws -> ServerProcess {
        try ServerProcess.start(
            "/bin/sh",
            arguments: ["server", "-c", script],
            readyWithin: timeout
        )
    }

    private let ready = "echo 'listening on 127.0.0.1:4711 (coroutine, poll)'"

    @Test func `the ready line says where it listens and what it is`() throws {
        let server = try start("\(ready); exec cat /dev/zero >/dev/null")
        #expect(server.address.description == "127.0.0.1:4711")
        #expect(server.model == "coroutine")
        #expect(server.driver == "poll")
        #expect(server.isRunning)
        #expect(try ProcessUsage.read(server.id).residentBytes > 0)
        _ = server.stop()
        #expect(!server.isRunning)
    }

    @Test func `its counters are the last line of its standard error`() throws {
        let server = try start(
            "trap 'echo hello >&2; echo \"{\\\"accepted\\\":3}\" >&2; exit 0' TERM; \(ready);"
                + "while :; do :; done"
        )
        let ended = server.stop(within: .ample)

        #expect(ended.exitCode == 0)
        #expect(!ended.wasKilled)
        #expect(ended.counters == "{\"accepted\":3}")
        #expect(ended.standardError == "hello\n{\"accepted\":3}\n")
        #expect(server.stop() == ended)
    }

    @Test func `one that does not end when asked is killed`() throws {
        let server = try start("trap '' TERM; \(ready); while :; do :; done")
        let ended = server.stop(within: .milliseconds(20))
        #expect(ended.wasKilled)
        #expect(ended.exitCode == 128 + 9)
        #expect(ended.counters == nil)
    }

    @Test func `one that dies by itself is noticed`() throws {
        let server = try start("\(ready); echo ouch >&2; exit 3")
        while server.isRunning {}
        let ended = server.stop()
        #expect(ended.exitCode == 3)
        #expect(ended.standardError == "ouch\n")
        #expect(!ended.wasKilled)
    }

    @Test func `one that writes a lot to standard error is not held up`() throws {
        let server = try start(
            "trap 'head -c 300000 /dev/zero | tr \"\\0\" x >&2; exit 0' TERM; \(ready);"
                + "while :; do :; done"
        )
        let ended = server.stop(within: .ample)
        #expect(!ended.wasKilled)
        #expect(ended.standardError.utf8.count == 300_000)
    }

    @Test func `what keeps it from starting is told`() throws {
        #expect {
            try ServerProcess.start("/nonexistent/server", arguments: ["server"])
        } throws: { error in
            guard case .notStarted(let errno)? = error as? ServerProcess.Failure else {
                return false
            }
            return errno.name == "ENOENT"
        }
        #expect {
            try start("echo 'bind: Address already in use' >&2; exit 71")
        } throws: { error in
            guard case .endedEarly(let code, let text)? = error as? ServerProcess.Failure else {
                return false
            }
            return code == 71 && text == "bind: Address already in use\n"
        }
        #expect {
            try start("echo hello; exec cat /dev/zero >/dev/null")
        } throws: { error in
            guard case .notReady(let line)? = error as? ServerProcess.Failure else { return false }
            return line == "hello"
        }
        #expect {
            try start("while :; do :; done", readyWithin: .milliseconds(20))
        } throws: { error in
            if case .tooSlow? = error as? ServerProcess.Failure { true } else { false }
        }
    }

    @Test(arguments: [
        "", "listening on", "listening on nowhere (a, b)", "listening on 127.0.0.1:1 a, b",
        "listening on 127.0.0.1:1 (a b)", "Listening on 127.0.0.1:1 (a, b)",
    ])
    func `other lines are no ready lines`(line: String) {
        #expect(ReadyLine(line) == nil)
    }
}
