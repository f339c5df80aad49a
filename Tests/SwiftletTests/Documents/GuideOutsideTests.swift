import Glibc
import Swiftlet
import Syscalls
import Testing

// The samples of docs/guide.md about what blocks and the world outside: `TidyTests` finds each of
// them here, line by line. They use nothing but what a user of the library has, so there is no
// `@testable` above.

@Suite struct GuideOutsideTests {
    @Test func `what blocks goes to a thread`() async throws {
        let numbers = Array(1...1_000)
        let sum = try await onLoop {
            let sum = try await offload(timeout: .seconds(5)) {
                numbers.reduce(0, &+)
            }
            return sum
        }
        #expect(sum == 500_500)
    }

    @Test func `a pool of one's own has limits of its own`() async throws {
        @Sendable func write(_ text: String) {}
        try await onLoop {
            var limits = ThreadPool.Limits()
            limits.threads = 1
            limits.queue = 100
            let journal = ThreadPool(name: "journal", limits: limits)
            try await offload(on: journal) { write("started") }
            #expect(journal.statistics.done == 1)
        }
    }

    @Test func `programs are fed and read`() async throws {
        let text = try await onLoop {
            let output = try await Subprocess.output(
                of: "sort", ["-n"], input: Array("10\n9\n".utf8))
            guard output.ending == .exited(0) else { return "sort \(output.ending)" }
            return output.text
        }
        #expect(text == "9\n10\n")
    }

    @Test func `a program is talked to while it runs`() async throws {
        try await onLoop {
            try await Subprocess.run("cat") { process in
                try await process.standardInput.write("hello\n")
                let echo = try await process.standardOutput.readLine(timeout: .seconds(60))
                process.send(.terminate)
                #expect(try await process.wait() == .killed(by: .terminate))
                #expect(echo == "hello")
            }
        }
    }

    @Test func `lines are read from standard input`() async throws {
        let (reading, writing) = try makePipe()
        try writing.writeAll(Array("one\ntwo\n".utf8))
        writing.close()
        let lines = Notes<String>()
        @Sendable func readLines(
            from input: ByteReader = .standardInput, to output: ByteWriter = .standardOutput
        ) async throws {
            while let line = try await input.readLine(limit: 1_000) {
                try await output.write(line.uppercased() + "\n")
            }
        }
        let (ours, theirs) = try makePipe()
        try await onLoop {
            try await readLines(
                from: ByteReader(takingOver: reading), to: ByteWriter(takingOver: theirs))
            let reader = ByteReader(takingOver: ours)
            while let line = try await reader.readLine() { lines.add(line) }
        }
        #expect(lines.all == ["ONE", "TWO"])
    }

    @Test func `a file is read and written at any place`() async throws {
        let path = "/tmp/swiftlet-guide-\(getpid())"
        defer { unlink(path) }
        try await onLoop {
            let head = try await DiskFile.open(path, for: .making) { file in
                try await file.write(Array("hello".utf8), at: 1_000)
                try await file.synchronize()
                return try await file.read(at: 998, atMost: 4)
            }
            #expect(head == [0, 0, 104, 101])
        }
    }

    @Test func `a forwarder is a relay between two connections`() async throws {
        try await onLoop {
            let target = try await Listener.bind(to: "127.0.0.1:0")
            let upper = StreamServer(listener: target)
            async let shouting: Void = upper.serve { connection in
                while let line = try await connection.readLine() {
                    try await connection.write(line.uppercased() + "\n")
                }
            }
            let address = target.address
            let listener = try await Listener.bind(to: "127.0.0.1:0")
            let server = StreamServer(listener: listener)
            async let forwarding: Void = server.serve { client in
                try await Connection.connect(to: address, timeout: .seconds(60)) { target in
                    let bytes = try await relay(between: client, and: target)
                    print("\(bytes.fromOne) bytes there, \(bytes.fromOther) back")
                }
            }
            let line = try await Connection.connect(to: server.address) { connection in
                try await connection.write("hello\n")
                try await connection.closeWrite()
                return try await connection.readLine()
            }
            #expect(line == "HELLO")
            server.stop()
            upper.stop()
            _ = try await (forwarding, shouting)
        }
    }
}

@Suite(.serialized) struct GuideSignalTests {
    @Test func `signals are a sequence`() async throws {
        try await onLoop {
            let heard = try spawn {
                var heard: [Signal] = []
                for await signal in Signals(.hangup, .interrupt) {
                    heard.append(signal)
                    if signal == .interrupt { break }
                }
                return heard
            }
            while isDefault(SIGINT) { await Task.yield() }
            sendToThisThread(SIGINT)
            #expect(try await heard.value.last == .interrupt)
        }
    }

    @Test func `a server stops by a signal`() async throws {
        try await onLoop {
            let serving = try spawn {
                try await StreamServer.serve(
                    on: "127.0.0.1:0", until: .interrupt, .terminate, grace: .seconds(5)
                ) { connection in
                    while let bytes = try await connection.read() {
                        try await connection.write(bytes)
                    }
                }
            }
            while isDefault(SIGINT) { await Task.yield() }
            sendToThisThread(SIGINT)
            try await serving.value
        }
    }

    private func isDefault(_ signal: CInt) -> Bool {
        var action = sigaction()
        sigaction(signal, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 0
    }
}
