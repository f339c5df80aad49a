import Glibc
import Processes
import Syscalls
import Testing

struct ChildProcessTests {
    /// Everything that a program writes to standard output until it ends.
    private func output(
        of path: String,
        _ arguments: [String]
    ) throws -> (text: String, ending: ChildProcess.Ending) {
        let child = try ChildProcess.start(path, arguments: arguments)
        defer {
            child.standardOutput.close()
            child.standardError.close()
        }
        let ending = try child.waitAndReap()
        // A child that is just being started elsewhere holds a copy of the pipe for a moment.
        try child.standardOutput.setBlocking()
        var bytes: [UInt8] = []
        #expect(!child.standardOutput.readAvailable(into: &bytes))
        return (String(decoding: bytes, as: UTF8.self), ending)
    }

    @Test func `a child gets its arguments, an empty input and our environment`() throws {
        let (text, ending) = try output(
            of: "/bin/sh",
            ["name", "-c", "echo $0 $1; cat; test -n \"$PATH\"", "zero", "one"]
        )
        #expect(text == "zero one\n")
        #expect(ending == .exited(code: 0))
    }

    @Test func `an exit code and a signal are told apart`() throws {
        #expect(try output(of: "/bin/sh", ["sh", "-c", "exit 7"]).ending == .exited(code: 7))
        let killed = try output(of: "/bin/sh", ["sh", "-c", "kill -9 $$"]).ending
        #expect(killed == .killed(signal: 9))
        #expect(killed.shellCode == 137)
    }

    @Test func `a child has no signal blocked or ignored, whatever we have`() throws {
        ignoreBrokenPipes()
        let signals = SignalSet([SIGUSR2])
        signals.block()
        defer { unblock(SIGUSR2) }
        let (text, _) = try output(
            of: "/bin/grep",
            ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
        )
        let masks = text.split(whereSeparator: \.isNewline).compactMap { line in
            line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
        }
        // The C library keeps signals 32 and 33 for itself and leaves them ignored.
        #expect(masks.map { $0 & 0x7fff_ffff } == [0, 0])
    }

    @Test func `a child has a process group of its own and none of our descriptors`() throws {
        let (reading, writing) = try makePipe()
        defer {
            reading.close()
            writing.close()
        }
        let (text, _) = try output(
            of: "/bin/sh",
            ["sh", "-c", "echo $$; cut -d' ' -f5 /proc/$$/stat"]
        )
        let lines = text.split(whereSeparator: \.isNewline)
        #expect(lines.count == 2 && lines[0] == lines[1])

        let open = try output(
            of: "/bin/sh",
            ["sh", "-c", "test -e /proc/$$/fd/\(writing.number) || echo closed"]
        )
        #expect(open.text == "closed\n")
    }

    @Test func `the end of a child can be watched`() throws {
        let child = try ChildProcess.start("/bin/cat", arguments: ["cat", "/dev/zero"])
        defer {
            child.standardOutput.close()
            child.standardError.close()
        }
        let end = try child.makeEndDescriptor()
        #expect(!child.hasEnded)

        child.send(signal: ChildProcess.kill)
        var entry = pollfd(fd: end.raw.number, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, -1) == 1)
        #expect(child.hasEnded)
        #expect(try child.waitAndReap() == .killed(signal: SIGKILL))
    }

    @Test func `a program that is not there is an error and leaves nothing open`() throws {
        let before = try makePipe()
        before.reading.close()
        before.writing.close()
        #expect(throws: Errno(rawValue: ENOENT)) {
            try ChildProcess.start("/nonexistent/program", arguments: ["program"])
        }
    }
}

struct ProcessUsageTests {
    @Test func `our own CPU time grows and our memory is in RAM`() throws {
        let before = try ProcessUsage.read(getpid())
        while try ProcessUsage.read(getpid()).cpuNanoseconds == before.cpuNanoseconds {}
        #expect(before.cpuNanoseconds > 0)
        #expect(before.residentBytes > 100_000)
    }

    @Test func `a process that is not there is an error`() {
        #expect(throws: Errno.self) { try ProcessUsage.read(.max) }
    }

    @Test func `the kernel says which local ports it gives away`() throws {
        let ports = try Machine.ephemeralPorts()
        #expect(ports.lowerBound > 0)
        #expect(ports.upperBound <= 65_535)
    }
}

/// Lets a signal interrupt the calling thread again.
private func unblock(_ signal: CInt) {
    var set = sigset_t()
    sigaddset(&set, signal)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
}
