import Glibc
import Syscalls
import Testing

@testable import Swiftlet

/// Programs that run beside a loop, and of which nothing is left.
@Suite struct SubprocessTests {
    private func shell(_ script: String) -> [String] { ["-c", script] }

    /// Whether a process is there, also one that has ended and was not reaped.
    private func isThere(_ id: Int) -> Bool { kill(pid_t(id), 0) == 0 }

    @Test(arguments: DriverKind.usable)
    func `a program is fed and says what it makes of it`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let output = try await Subprocess.output(
                of: "sort", ["-n"], input: Array("10\n9\n".utf8))
            #expect(output.text == "9\n10\n")
            #expect(output.ending == .exited(0))
            #expect(output.error == [])
        }
    }

    @Test func `arguments go to it as they are, without a shell`() async throws {
        try await onLoop {
            let words = ["%s|", "a b", "$HOME", "*", "'\"", "", "ü"]
            let output = try await Subprocess.output(of: "printf", words)
            #expect(output.text == "a b|$HOME|*|'\"||ü|")
        }
    }

    @Test func `it has the environment and the directory that it was given`() async throws {
        try await onLoop {
            var options = Subprocess.Options()
            options.environment = ["ONE": "1 and more"]
            options.directory = "/usr/lib"
            let output = try await Subprocess.output(
                of: "/bin/sh", shell("pwd; echo $ONE; echo ${HOME-none}"), options: options)
            #expect(output.text == "/usr/lib\n1 and more\nnone\n")
        }
    }

    @Test func `a code and a signal are told apart`() async throws {
        try await onLoop {
            let code = try await Subprocess.output(of: "sh", shell("exit 7"))
            #expect(code.ending == .exited(7))
            let killed = try await Subprocess.output(of: "sh", shell("kill -9 $$"))
            #expect(killed.ending == .killed(by: .kill))
            #expect("\(code.ending), \(killed.ending)" == "exited with 7, killed by SIGKILL")
        }
    }

    @Test func `streams are lines both ways while it runs`() async throws {
        try await onLoop {
            var options = Subprocess.Options()
            options.error = .pipe
            let ending = try await Subprocess.run(
                "sh", shell("while read line; do echo \"got $line\"; done; echo end >&2"),
                options: options
            ) { process in
                for number in 1...3 {
                    try await process.standardInput.write("\(number)\n")
                    #expect(try await process.standardOutput.readLine() == "got \(number)")
                }
                process.standardInput.close()
                #expect(try await process.standardError.readLine() == "end")
                return try await process.wait()
            }
            #expect(ending == .exited(0))
        }
    }

    @Test func `what there is not cannot be run, and leaves nothing open`() async throws {
        try await onLoop {
            let error = await ioError { try await Subprocess.run("/no/such") { _ in } }
            #expect(error.map { "\($0)" } == "run /no/such: No such file or directory")
            var options = Subprocess.Options()
            options.directory = "/nowhere"
            let lost = await ioError { try await Subprocess.run("true", options: options) { _ in } }
            #expect(lost.map { "\($0)" } == "run in /nowhere: No such file or directory")
            let torn = await ioError { try await Subprocess.run("true", ["a\0b"]) { _ in } }
            #expect(torn?.reason == .system(.invalidArgument))
            let denied = await ioError { try await Subprocess.run("/etc/passwd") { _ in } }
            #expect(denied?.reason == .system(.accessDenied))
        }
    }

    @Test func `it inherits none of our descriptors, whoever opened them`() async throws {
        // Not closed on exec, as other code of a program may do.
        let number = try retrying { open("/etc/passwd", O_RDONLY) }
        defer { close(number) }
        let high = dup2(number, 300)
        defer { close(high) }
        try await onLoop {
            let output = try await Subprocess.output(of: "ls", ["/proc/self/fd"])
            // The fourth is that of the directory, which ls reads.
            #expect(output.text == "0\n1\n2\n3\n")
        }
    }

    @Test func `it has no signal blocked, and a group of its own`() async throws {
        try await onLoop {
            let status = try await Subprocess.output(of: "grep", ["SigBlk", "/proc/self/status"])
            #expect(status.text == "SigBlk:\t0000000000000000\n")
            let script = shell("echo $$; cut -d' ' -f5 /proc/$$/stat")
            let lines = try await Subprocess.output(of: "sh", script).text.split(separator: "\n")
            #expect(lines.count == 2 && lines[0] == lines[1])
            var options = Subprocess.Options()
            options.leadsGroup = false
            let shared = try await Subprocess.output(of: "sh", script, options: options)
                .text.split(separator: "\n")
            #expect(shared.last == "\(getpgrp())")
        }
    }

    @Test func `what this process ignores since it runs, its programs do not`() async throws {
        let before = signal(SIGXFSZ, SIG_IGN)
        defer { signal(SIGXFSZ, before) }
        try await onLoop {
            let status = try await Subprocess.output(of: "grep", ["SigIgn", "/proc/self/status"])
            let word = try #require(status.text.split(whereSeparator: \.isWhitespace).last)
            let ignored = try #require(UInt64(word, radix: 16))
            #expect(ignored & 1 << (SIGXFSZ - 1) == 0)
        }
    }

    @Test func `a scope that throws ends its program, and what that has started`() async throws {
        struct Enough: Error {}
        let ids = Notes<Int>()
        try await onLoop {
            await #expect(throws: Enough.self) {
                try await Subprocess.run("sh", shell("sleep 1000 & echo $!; wait")) { process in
                    let child = try await process.standardOutput.readLine().flatMap { Int($0) }
                    ids.add(process.id)
                    ids.add(try #require(child))
                    throw Enough()
                }
            }
            #expect(!isThere(ids.all[0]))
            // Whoever adopts the orphan reaps it at a time of its own.
            while isRunning(ids.all[1]) { await Task.yield() }
        }
    }

    /// Whether a process is there and has not ended.
    private func isRunning(_ id: Int) -> Bool {
        guard let text = try? File.read("/proc/\(id)/stat", atMost: 4096) else { return false }
        return text.split(separator: " ").dropFirst(2).first != "Z"
    }

    @Test func `one that ignores the request is killed after the grace`() async throws {
        try await onLoop {
            var options = Subprocess.Options()
            options.grace = .milliseconds(10)
            let ids = Notes<Int>()
            let running = try spawn { [options] in
                try await Subprocess.run(
                    "sh", shell("trap '' TERM; echo up; while :; do sleep 1000; done"),
                    options: options
                ) { process in
                    #expect(try await process.standardOutput.readLine() == "up")
                    ids.add(process.id)
                    _ = try await process.wait()
                }
            }
            while ids.all.isEmpty { await Task.yield() }
            running.cancel()
            #expect(await ioError { try await running.value } == IOError(.run, .cancelled))
            #expect(!isThere(ids.all[0]))
        }
    }

    @Test func `one that is asked to end has its grace`() async throws {
        struct Enough: Error {}
        let (reading, writing) = try makePipe()
        let note = ByteReader(takingOver: reading)
        defer { extendLifetime(note) }
        try await onLoop {
            var options = Subprocess.Options()
            options.grace = .seconds(3600)
            options.environment = ["NOTE": "/proc/\(getpid())/fd/\(writing.number)"]
            let script = "trap 'echo bye > $NOTE; exit' TERM; echo up; while :; do read x; done"
            await #expect(throws: Enough.self) {
                try await Subprocess.run("sh", shell(script), options: options) { process in
                    #expect(try await process.standardOutput.readLine() == "up")
                    throw Enough()
                }
            }
            let word = try await note.readLine()
            #expect(word == "bye")
        }
        writing.close()
    }

    @Test func `a loop that ends ends its programs`() async throws {
        let ids = Notes<Int>()
        try await onLoop {
            try spawn {
                try await Subprocess.run("sleep", ["1000"]) { process in
                    ids.add(process.id)
                    _ = try await process.wait()
                }
            }
            while ids.all.isEmpty { await Task.yield() }
        }
        #expect(!isThere(ids.all[0]))
    }

    @Test func `any number of tasks wait for one end, with a timeout or without`() async throws {
        try await onLoop {
            try await Subprocess.run("cat") { process in
                let late = await ioError { try await process.wait(timeout: .milliseconds(1)) }
                #expect(late.map { "\($0)" } == "run cat: the deadline passed")
                let waiting = try (0..<3).map { _ in try spawn { try await process.wait() } }
                await Task.yield()
                process.send(.terminate)
                for task in waiting { #expect(try await task.value == .killed(by: .terminate)) }
                // It is over, and its number may be another one's.
                process.send(.kill)
                #expect(try await process.wait() == .killed(by: .terminate))
            }
        }
    }

    @Test func `one that says too much is ended`() async throws {
        try await onLoop {
            let error = await ioError {
                try await Subprocess.output(of: "cat", ["/dev/zero"], limit: 100_000)
            }
            #expect(error == IOError(.read, .tooLong))
        }
    }

    @Test func `one that wants no input may say so`() async throws {
        try await onLoop {
            let input = [UInt8](repeating: 7, count: 1_000_000)
            let output = try await Subprocess.output(of: "true", input: input)
            #expect(output.ending == .exited(0))
        }
    }

    @Test func `nothing is left of five hundred programs`() async throws {
        try await onLoop {
            let before = openDescriptors()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        for _ in 0..<49 { try await Subprocess.run("true") { _ in } }
                        return try await Subprocess.run("true") { process in
                            _ = try await process.wait()
                            return process.id
                        }
                    }
                }
                for try await id in group { #expect(!isThere(id)) }
            }
            // Other tests, which run beside this one, have descriptors too.
            #expect(openDescriptors() < before + 300)
        }
    }
}
