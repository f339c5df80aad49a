import Glibc
import Syscalls
import Testing

@testable import Swiftlet

/// Clients of an inspection, good ones and bad ones, and what it leaves behind.
@Suite(.serialized) struct InspectionServerTests {
    /// Inspects a loop that serves itself, at a path, and lets `body` ask.
    @discardableResult
    private func inspecting<Value: Sendable>(
        _ change: (inout InspectionServer.Options) -> Void = { _ in },
        _ body: @escaping @Sendable (SocketAddress) throws -> Value
    ) async throws -> Value {
        var changed = InspectionServer.Options.ofThisRun
        change(&changed)
        let options = changed
        return try await onLoop {
            var options = options
            options.loops = EventLoop.all
            let path = InspectionPath()
            let inspection = try await EventLoop.serveInspection(
                on: path.address, options: options)
            let address = inspection.address
            return try await blocking { try body(address) }
        }
    }

    // MARK: Good clients

    @Test(arguments: ["", "json", "metrics", "json\n", "\n", "anything\r\n", "metrics\nand more\n"])
    func `a client that sends a line, or none, is answered and left`(line: String) async throws {
        let told = try await inspecting { try ask($0, line, endingAfter: true) }

        let word = line.split(whereSeparator: \.isNewline).first ?? ""
        switch word {
        case "json": #expect(told.hasPrefix("{\"loops\":[{\"loop\":"))
        case "metrics": #expect(told.hasPrefix("# HELP swiftlet_"))
        default: #expect(told.hasPrefix("loop "))
        }
    }

    @Test func `a client that says nothing gets text`() async throws {
        let told = try await inspecting({ $0.silence = .milliseconds(1) }) { try ask($0) }

        #expect(told.hasPrefix("loop "))
    }

    @Test(arguments: ["GET / HTTP/1.0\r\n\r\n", "GET /json HTTP/1.1\nHost: x\n\n"])
    func `an answer of HTTP is as long as it says`(request: String) async throws {
        let answer = try await inspecting { try ask($0, request) }

        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
        #expect(parts[0].hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(parts[0].contains("Content-Length: \(parts[1].utf8.count)\r\n"))
    }

    @Test func `HEAD has no body, and what is not there is refused`() async throws {
        let answers = try await inspecting { address in
            try ["HEAD /json", "GET /favicon.ico", "POST /json", "DELETE /"].map {
                try ask(address, "\($0) HTTP/1.1\r\nHost: x\r\n\r\n")
            }
        }

        #expect(answers[0].hasPrefix("HTTP/1.1 200 ") && answers[0].hasSuffix("\r\n\r\n"))
        #expect(answers[1].hasPrefix("HTTP/1.1 404 "))
        #expect(answers[2].hasPrefix("HTTP/1.1 405 ") && answers[3].hasPrefix("HTTP/1.1 405 "))
    }

    @Test func `many who ask at the same time are all answered`() async throws {
        let counts = try await inspecting { address in
            let clients = try (0..<50).map { _ in try InspectionClient(address) }
            for client in clients { try client.send("GET /json HTTP/1.1\r\n\r\n") }
            return try clients.map { try $0.receiveAll().count }
        }

        #expect(counts.allSatisfy { $0 > 100 })
    }

    // MARK: Bad clients

    @Test func `half a request ends after its time`() async throws {
        let answers = try await inspecting({ $0.headPatience = .milliseconds(1) }) { address in
            try ["GET", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"].map {
                try ask(address, $0)
            }
        }

        #expect(answers == ["", "", ""])
    }

    @Test func `a request that ends in the middle is not answered`() async throws {
        let answers = try await inspecting { address in
            try ["GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x"].map {
                try ask(address, $0, endingAfter: true)
            }
        }

        #expect(answers == ["", ""])
    }

    @Test func `a head of a megabyte is refused`() async throws {
        let long = String(repeating: "x", count: 1_000_000)
        let lines = String(repeating: "a: b\r\n", count: 10_000)
        let answers = try await inspecting { address in
            try [long, "GET /\(long) HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\(lines)\r\n"].map {
                try ask(address, $0, endingAfter: true)
            }
        }

        #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 431 ") })
    }

    @Test func `a hundred silent clients keep out others only for their time`() async throws {
        let (told, refused) = try await inspecting({ $0.silence = .milliseconds(50) }) { address in
            let silent = try (0..<100).map { _ in try InspectionClient(address) }
            let texts = silent.map { (try? $0.receiveAll()) ?? "" }
            // One that is slower than that is taken for a silent one.
            var told = ""
            for _ in 0..<1_000 where !told.hasPrefix("{") {
                told = (try? get("/json", of: address)) ?? ""
            }
            return (told, texts.count { $0.isEmpty })
        }

        #expect(told.hasPrefix("{\"loops\":"))
        #expect(refused < 100)
    }

    @Test func `one client more than may be is closed at once`() async throws {
        let texts = try await inspecting({ $0.connectionsMax = 2 }) { address in
            let silent = try (0..<2).map { _ in try InspectionClient(address) }
            // The third one learns that both are in.
            var third = ""
            repeat { third = (try? ask(address, "json\n")) ?? "" } while third != ""
            for client in silent { try client.send("json\n") }
            return try silent.map { try $0.receiveAll() }
        }

        #expect(texts.allSatisfy { $0.hasPrefix("{") })
    }

    @Test func `clients that leave at any moment harm no other`() async throws {
        let told = try await inspecting { address in
            for request in ["", "G", "GET / HTTP/1.1\r\n", "GET /json HTTP/1.1\r\n\r\n"] {
                for isReset in [false, true] {
                    let client = try InspectionClient(address)
                    try client.send(request)
                    if isReset { client.socket.shutdownBoth() }
                }
            }
            return try get("/json", of: address)
        }

        #expect(told.hasPrefix("{\"loops\":"))
    }

    @Test func `a client that does not read is cut off`() async throws {
        try await onLoop {
            // More than a socket holds.
            for _ in 0..<3_000 { try spawn { try await sleep(for: .seconds(36_000)) } }
            var options = InspectionServer.Options.ofThisRun
            options.connectionPatience = .milliseconds(50)
            let path = InspectionPath()
            let inspection = try await EventLoop.serveInspection(
                on: path.address, options: options)
            let address = inspection.address
            let events = try await blocking {
                let client = try InspectionClient(address)
                // It may be cut off before that.
                try? client.send("GET /json HTTP/1.1\r\n\r\n")
                return client.waitForEnd()
            }
            #expect(events & CInt(POLLHUP) != 0)
        }
    }

    // MARK: Where it listens

    @Test func `only its owner may open the path, which goes at the end`() async throws {
        let path = InspectionPath()
        let address = try path.address
        let modes = try await onLoop {
            let before = umask(0)
            defer { umask(before) }
            try await EventLoop.serveInspection(on: address, options: .ofThisRun)
            let usual = path.status?.st_mode
            let second = await ioError { try await EventLoop.serveInspection(on: address) }
            #expect(second == IOError(.bind, .system(.addressInUse)))
            #expect(second?.address == address)
            return usual
        }

        #expect(modes.map { $0 & 0o7777 } == 0o600)
        #expect(path.status == nil)
    }

    @Test func `it stops before the run ends, and its path is free`() async throws {
        let path = InspectionPath()
        let address = try path.address
        try await onLoop {
            for _ in 0..<3 {
                let inspection = try await EventLoop.serveInspection(
                    on: address, options: .ofThisRun)
                let told = try await blocking { try ask(address, "json\n") }
                #expect(told.hasPrefix("{"))
                inspection.stop()
                while path.status != nil { await Task.yield() }
            }
        }
    }

    @Test(arguments: ["0.0.0.0:0", "[::]:0", "10.0.0.1:0", "[::ffff:10.0.0.1]:0"])
    func `an address that other machines reach must be allowed`(address: String) async throws {
        let error = try await onLoop {
            await ioError { try await EventLoop.serveInspection(on: address) }
        }

        #expect(error?.reason == .notOfThisMachine)
    }

    @Test(arguments: ["127.0.0.1:0", "localhost:0", "[::ffff:127.0.0.1]:0", "unix:"])
    func `an address of this machine needs no permission`(address: String) async throws {
        let told = try await onLoop {
            let inspection = try await EventLoop.serveInspection(on: address, options: .ofThisRun)
            return try await blocking { try get("/json", of: inspection.address) }
        }

        #expect(told.hasPrefix("{"))
    }

    @Test func `every address may be allowed`() async throws {
        try await onLoop {
            var options = InspectionServer.Options.ofThisRun
            options.allowsOtherMachines = true
            let inspection = try await EventLoop.serveInspection(on: "0.0.0.0:0", options: options)
            let address = SocketAddress(loopbackPort: inspection.address.port)
            let told = try await blocking { try get("/json", of: address) }
            #expect(told.hasPrefix("{"))
        }
    }

    // MARK: Its end

    @Test func `a caller that is cancelled leaves nothing that listens`() async throws {
        let path = InspectionPath()
        let address = try path.address
        try await onLoop {
            for turns in 0..<20 {
                let starting = Task(executorPreference: EventLoop.current?.taskExecutor) {
                    try await EventLoop.serveInspection(on: address, options: .ofThisRun)
                }
                for _ in 0..<turns { await Task.yield() }
                starting.cancel()
                // It may have come before the cancellation.
                if case .success(let inspection) = await starting.result { inspection.stop() }
                while path.status != nil { await Task.yield() }
            }
        }
        #expect(path.status == nil)
    }

    @Test func `nothing is left of it`() async throws {
        let path = InspectionPath()
        let address = try path.address
        func once() async throws {
            try await onLoop {
                try await EventLoop.serveInspection(on: address, options: .ofThisRun)
                let client = try InspectionClient(address)
                _ = try await blocking { try get("/metrics", of: address) }
                withExtendedLifetime(client) {}
            }
        }
        // What the process keeps for good is there after the first.
        try await once()
        let loops = Notes<Weak>()
        try await onLoop {
            loops.add(Weak(loop: EventLoop.current?.executor))
            try await EventLoop.serveInspection(on: address, options: .ofThisRun)
        }

        #expect(loops.all.count == 1 && loops.all[0].loop == nil)
        #expect(path.status == nil)
    }
}

/// A loop that is not kept.
private struct Weak: Sendable {
    weak let loop: LoopExecutor?
}
