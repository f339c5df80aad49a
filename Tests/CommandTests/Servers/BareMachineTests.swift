import EchoServers
import Foundation
import Glibc
import Processes
import Syscalls
import TestServers
import Testing

/// Commands that are started where something is missing which is usually there.
@Suite(.timeLimit(.minutes(60))) struct `Where something is missing` {
    // MARK: /proc

    private static let withoutProc = "mount -t tmpfs none /proc && exec \"$0\" \"$@\""
    private static let mayUnmount = (try? Command.run("/usr/bin/unshare", "-rm", "true").code) == 0

    @Test(.enabled(if: mayUnmount), arguments: [EchoModel.threads, .epoll])
    func `without /proc a server does what its words say`(model: EchoModel) throws {
        let path = try Command.path(of: "echo-server")
        let command = try Command(
            "/usr/bin/unshare",
            ["-rm", "/bin/sh", "-c", Self.withoutProc, path, "--listen=127.0.0.1:0"]
                + ["--model=\(model.rawValue)"])

        let line = try command.line(beginning: "listening on")
        command.send(SIGTERM)

        #expect(line.hasSuffix("(\(model.rawValue), \(model.rawValue))"))
        #expect(!line.contains(":7788 "))
        #expect(try command.finish().code == 0)
    }

    @Test(.enabled(if: mayUnmount)) func `without /proc loadtest reads its words`() throws {
        let run = try Command.run(
            "/usr/bin/unshare", "-rm", "/bin/sh", "-c", Self.withoutProc,
            try Command.path(of: "loadtest"), "--version")

        #expect(run.code == 0)
        #expect(run.output.hasPrefix("loadtest "))
    }

    @Test(arguments: ["echo-server", "loadtest"])
    func `a word that is no text is refused, and names no other file`(command: String) throws {
        let line = #"exec "$0" --json "$(printf 'out\377.json')""#
        let run = try Command.run("/bin/sh", "-c", line, try Command.path(of: command))

        #expect(run.code == 64)
        #expect(run.errors.contains("\(command): word 2 of its command line is not UTF-8"))
    }

    // MARK: A place to write

    @Test(arguments: [
        ("echo-server", ["--help"]), ("echo-server", ["--version"]),
        ("loadtest", ["--help"]), ("loadtest", ["--version"]), ("loadtest", ["echo", "--help"]),
        ("loadtest", ["compare", "--help"]), ("loadtest", ["diff", "--version"]),
    ])
    func `an answer that cannot be written is an error`(command: String, words: [String]) throws {
        let line = "exec \"$0\" \"$@\" >/dev/full"
        let run = try Command("/bin/sh", ["-c", line, try Command.path(of: command)] + words)
            .finish()

        #expect(run.code == 73)
        #expect(run.errors.contains("cannot write to standard output: No space left on device"))
    }

    // MARK: Standard descriptors

    @Test(arguments: [("echo-server", []), ("loadtest", ["echo"])])
    func `closed standard descriptors are opened on the null device`(
        command: String, verb: [String]
    ) throws {
        let server = try Command(
            "/bin/sh",
            ["-c", "exec \"$0\" \"$@\" <&- 2>&-", try Command.path(of: command)] + verb
                + ["--listen=127.0.0.1:0"])

        _ = try server.line(beginning: "listening on")
        let links = [0, 2].map { number in
            try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(server.child.id)/fd/\(number)")
        }
        server.send(SIGTERM)

        #expect(links == ["/dev/null", "/dev/null"])
        #expect(try server.finish().code == 0)
    }

    // MARK: A reader of standard error

    /// Fills the pipe that a server has as its standard error, which is then not read.
    private func fillStandardError(of process: CInt) throws {
        let flags = O_WRONLY | O_NONBLOCK
        let pipe = Descriptor(
            adopting: RawDescriptor(try retrying { open("/proc/\(process)/fd/2", flags) }))
        let page = [UInt8](repeating: UInt8(ascii: "x"), count: 4095) + [UInt8(ascii: "\n")]
        while (try? page.withUnsafeBytes({ try pipe.raw.write($0) })) != nil {}
    }

    @Test(arguments: EchoModel.allCases)
    func `a server whose words are not read serves, and ends when it is told to`(
        model: EchoModel
    ) throws {
        let service = try EchoService("--model=\(model.rawValue)", "--drain=10ms")
        let client = try Client(service.address)
        try client.send("a word")
        #expect(try client.receive(exactly: 6) == Array("a word".utf8))
        try fillStandardError(of: service.command.child.id)

        service.command.send(SIGUSR1)
        try client.send("another")
        #expect(try client.receive(exactly: 7) == Array("another".utf8))
        service.command.send(SIGTERM)

        try service.command.waitForEnd()
        #expect(try service.command.finish().code == 0)
    }

    @Test func `a load test whose progress is not read measures to its end`() throws {
        let service = try EchoService()
        let words = ["\(service.address)", "-c2", "-d500ms", "--warmup=0", "--interval=100ms"]
        let command = try Command("loadtest", words + Command.patient)
        try fillStandardError(of: command.child.id)

        try command.waitForEnd()

        let run = try command.finish()
        #expect(run.code == 0)
        #expect(run.lines.count > 3)
    }

    @Test func `what was lost is counted and said later`() throws {
        let service = try EchoService("--model=epoll", "--drain=10ms")
        let client = try Client(service.address)
        let process = service.command.child.id
        try fillStandardError(of: process)
        service.command.send(SIGUSR1)
        // Taken from the queue of the process; the thread that took it then serves the client.
        while try !File.read("/proc/\(process)/status", atMost: 4096)
            .contains("ShdPnd:\t0000000000000000")
        { sched_yield() }
        try client.send("a word")
        #expect(try client.receive(exactly: 6) == Array("a word".utf8))

        try service.command.waitForLine(saying: "xxx")
        service.command.send(SIGUSR1)

        try service.command.waitForLine(saying: "lines lost: 1)")
    }
}
