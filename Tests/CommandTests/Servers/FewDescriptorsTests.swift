import EchoServers
import Testing

/// What the commands say where the limit of descriptors leaves no room to start (getrlimit(2),
/// `RLIMIT_NOFILE`).
@Suite(.ownThread, .timeLimit(.minutes(60))) struct `Where hardly a descriptor is free` {
    @Test(arguments: EchoModel.allCases)
    func `the echo server names the limit that is in the way`(model: EchoModel) throws {
        let run = try run("echo-server", "--listen=127.0.0.1:0 --model=\(model.rawValue)")

        #expect(run.code == 71)
        #expect(run.output == "")
        #expect(run.errors.contains("ulimit -n"))
        #expect(run.errors.split(separator: "\n").count == 1)
    }

    @Test func `the load tester names the limit and how much is needed`() throws {
        let run = try run("loadtest", "-c 10 127.0.0.1:9")

        #expect(run.code == 71)
        #expect(run.errors.contains("ulimit -n"))
    }

    private func run(_ name: String, _ options: String) throws -> Command.Finished {
        let path = try Command.path(of: name)
        return try Command.run("/bin/sh", "-c", "ulimit -n 4; exec '\(path)' \(options)")
    }
}
