import Glibc
import SchemaChecks
import SwiftletSimulation
import Syscalls
import Testing

@testable import Swiftlet

/// What an inspection tells, in each form.
@Suite struct InspectionTests {
    /// What was told in a process where something of everything is under way.
    private struct Scene: Sendable {
        let told: String
        let server: SocketAddress
        let client: SocketAddress
    }

    /// Asks for a form by HTTP; things have names that begin with the form.
    private static func scene(_ form: String) async throws -> Scene {
        try await onLoop {
            let database = Semaphore(capacity: 1, name: "\(form) database")
            let lines = Channel<Int>(name: "\(form) lines")
            try spawn(name: "holder") {
                try await database.withPermit { try await sleep(for: .seconds(36_000)) }
            }
            try spawn(name: "waiter") { try await database.withPermit {} }
            try spawn(name: "receiver") {
                _ = try await lines.receive(timeout: .seconds(36_000))
            }
            var options = StreamServer.Options()
            options.maxConnections = 7
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener, options: options)
            try spawn { try await server.serve { _ = try await $0.read(exactly: 9) } }
            let client = try await Connection.connect(to: server.address)
            try await client.write("hello")
            // The listener's, and the handler's, which has read.
            await untilParked(2)
            while loopStatistics().bytesRead < 5 || loopWaiters() < 2 { await Task.yield() }

            let path = InspectionPath()
            let inspection = try await EventLoop.serveInspection(
                on: path.address, options: .ofThisRun)
            let address = inspection.address
            let told = try await blocking {
                try get(form == "text" ? "/" : "/\(form)", of: address)
            }
            return Scene(
                told: told, server: server.address, client: try await client.localAddress)
        }
    }

    @Test func `text tells a line for each task, socket and thing`() async throws {
        let scene = try await InspectionTests.scene("text")
        let lines = scene.told.split(separator: "\n").map(String.init)

        func has(_ parts: String...) {
            let isThere = lines.contains { line in parts.allSatisfy(line.contains) }
            #expect(isThere, "no line with \(parts) in:\n\(scene.told)")
        }
        has("loop ", ": turns ", ", read bytes 5,")
        has("  'holder' at SwiftletTests/InspectionTests.swift:", " waits for its time to come")
        has("  'waiter' at ", "waits for semaphore 'text database' (1 of 1 taken: by 'holder' at ")
        has("  'receiver' at ", "receive from channel 'text lines'", "seconds more at most")
        has("  'handler of \(scene.client)' at ", "waits to read from \(scene.client)")
        has(", listener: \(scene.server)")
        has(
            ", stream: \(scene.server) with \(scene.client), of 'handler of \(scene.client)', "
                + "5 bytes to read, 0 not acknowledged")
        has(", stream: \(scene.client) with \(scene.server), 0 bytes to read")
        has("server '\(scene.server)': open connections 1, ", ", connections limit 7")
        has("semaphore 'text database': capacity 1, taken 1, waiting 1")
        has("  held by 'holder' at SwiftletTests/InspectionTests.swift:")
        has("channel 'text lines': capacity 0, elements 0, waiting senders 0, waiting receivers 1")
        has("thread pool 'clients': threads 1, ", ", running 1")
    }

    @Test func `JSON keeps to its schema and says what waits at what`() async throws {
        let scene = try await InspectionTests.scene("json")
        let document = try JSON(scene.told)

        let violations = try Schema.shipped("inspection.schema.json").violations(of: document)
        #expect(violations == [])
        #expect(scene.told.hasSuffix("}\n") && scene.told.count { $0 == "\n" } == 1)
        let loop = try #require(document["loops"].array.first)
        #expect(document["loops"].array.count == 1)
        #expect(loop["state"].string == "answers")
        #expect(loop["figures", "read_bytes"].number == 5)

        let waiter = try #require(loop["tasks"].array.first { $0["name"].string == "waiter" })
        let database = try #require(
            document["things"].array.first { $0["name"].string == "json database" })
        #expect(waiter["thing"] == database["thing"])
        #expect(waiter["remaining_seconds"] == .null)
        #expect(database["kind"].string == "semaphore")
        #expect(database["figures", "waiting"].number == 1)
        #expect(database["holders"].array.first?.string?.hasPrefix("'holder' at ") == true)
        let receiver = try #require(loop["tasks"].array.first { $0["name"].string == "receiver" })
        #expect(receiver["remaining_seconds"].number.map { $0 <= 36_000 } == true)

        let served = try #require(
            loop["sockets"].array.first { $0["remote"].string == "\(scene.client)" })
        #expect(served["unread_bytes"].number == 5)
        #expect(served["task"].string == "handler of \(scene.client)")
        let server = try #require(
            document["things"].array.first { $0["address"].string == "\(scene.server)" })
        #expect(server["figures", "open_connections"].number == 1)
    }

    @Test func `metrics keep to the grammar of Prometheus`() async throws {
        let scene = try await InspectionTests.scene("metrics")
        let page = try PrometheusPage(scene.told)

        func value(_ name: String, _ labels: [String: String]) -> Double? {
            page.series[name, default: []].first { $0.labels == labels }?.value
        }
        let loops = page.series["swiftlet_loop_read_bytes_total", default: []]
        #expect(loops.map(\.value) == [5])
        #expect(loops.first?.labels.keys.sorted() == ["loop"])
        #expect(page.series["swiftlet_loop_answers"]?.map(\.value) == [1])
        #expect(value("swiftlet_semaphore_taken", ["name": "metrics database"]) == 1)
        #expect(value("swiftlet_channel_waiting_receivers", ["name": "metrics lines"]) == 1)
        #expect(value("swiftlet_server_accepted_total", ["address": "\(scene.server)"]) == 1)
        #expect(value("swiftlet_server_connections_limit", ["address": "\(scene.server)"]) == 7)
        #expect(page.kinds["swiftlet_loop_longest_turn_seconds"] == "gauge")
    }

    @Test func `metrics come to a closure of the program's own, too`() async throws {
        let metrics = try await onLoops(2) { await EventLoop.metrics(of: EventLoop.all) }

        let turns = try #require(metrics.first { $0.name == "swiftlet_loop_turns_total" })
        #expect(turns.kind == .counter)
        #expect(turns.series.count == 2)
        #expect(metrics.map(\.name) == metrics.map(\.name).sorted())
        let answers = try #require(metrics.first { $0.name == "swiftlet_loop_answers" })
        #expect(answers.series.map(\.value) == [1, 1])
    }

    // MARK: Loops that do not answer

    @Test func `a loop that is stuck is told as such, and the others are told`() async throws {
        let gate = try ThreadGate()
        try await onLoops(2) {
            let stuck = try EventLoop.all[1].spawn(name: "stuck") { gate.pass() }
            await gate.until(1)

            // The first one may be slow; the second one never answers.
            var options = InspectionServer.Options.ofThisRun
            var states: [String?] = []
            var patience = Duration.milliseconds(10)
            while states.first != "answers" {
                options.patience = patience
                let inspection = try await EventLoop.serveInspection(
                    on: anyPort(), options: options)
                let told = try await blocking { try get("/json", of: inspection.address) }
                let document = try JSON(told)
                let schema = try Schema.shipped("inspection.schema.json")
                #expect(schema.violations(of: document) == [])
                states = document["loops"].array.map { $0["state"].string }
                #expect(states.last == "does not answer")
                inspection.stop()
                patience *= 4
            }
            try gate.open()
            _ = await stuck.result
            let metrics = await EventLoop.metrics(of: EventLoop.all, patience: .seconds(600))
            let answers = metrics.first { $0.name == "swiftlet_loop_answers" }
            #expect(answers?.series.map(\.value) == [1, 1])
        }
    }

    @Test func `an inspection answers while the only loop is stuck`() async throws {
        let gate = try ThreadGate()
        let texts = Notes<String>()
        try await onLoop {
            var options = InspectionServer.Options.ofThisRun
            options.patience = .milliseconds(1)
            let inspection = try await EventLoop.serveInspection(on: anyPort(), options: options)
            let client = try RunningThread.start {
                while gate.arrived.all.isEmpty { sched_yield() }
                for path in ["/", "/metrics", "/json"] {
                    texts.add((try? get(path, of: inspection.address)) ?? "no answer")
                }
                try? gate.open()
            }
            gate.pass()
            client.join()
        }

        let told = texts.all.joined()
        #expect(told.contains(": does not answer within 0.001 seconds\n"))
        #expect(told.contains("swiftlet_loop_answers{loop=\""))
        #expect(told.contains("\"state\":\"does not answer\",\"patience_seconds\":0.001"))
    }

    // MARK: What is told of

    @Test func `a loop that has ended is told of no more`() async throws {
        let ended = Notes<LoopExecutor>()
        try await onLoops(3) {
            for loop in EventLoop.all { ended.add(loop.executor) }
            let numbers = Roster.loops.filter { loop in
                EventLoop.all.contains { $0.executor === loop.executor }
            }.map(\.number)
            #expect(numbers == numbers.sorted() && numbers.count == 3)
        }

        #expect(!Roster.loops.contains { loop in ended.all.contains { $0 === loop.executor } })
        // One that was asked before it ended, and has not answered.
        let inquiry = Inquiry(.everything)
        ended.all[0].post(.inspect(inquiry))
        guard case .ended = await inquiry.answer(until: .never) else {
            return #expect(Bool(false), "it answered")
        }
    }

    @Test func `a loop of a simulation, and its servers, are not told of`() throws {
        let loops = Notes<LoopExecutor>()
        let errors = Notes<IOError>()
        try Simulation(seed: 1).run { _ in
            if let loop = EventLoop.current { loops.add(loop.executor) }
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:4711"))
            let server = StreamServer(listener: listener)
            try spawn { try await server.serve { _ in } }
            await untilParked(1)
            #expect(!Roster.loops.contains { loop in loops.all.contains { $0 === loop.executor } })
            #expect(!Roster.servers.contains { $0 === server })
            let error = await ioError {
                try await EventLoop.serveInspection(on: "unix:/tmp/swiftlet-never")
            }
            if let error { errors.add(error) }
        }

        #expect(errors.all == [IOError(.listen, .system(Errno(rawValue: EOPNOTSUPP)))])
    }

    /// Something with a name, which is known last by what makes its account.
    private final class Fleeting: Accountable {
        private static let kept = Guarded<Fleeting?>(nil)

        static func make() {
            let made = Fleeting()
            kept.withLock { $0 = made }
            Roster.enter(made)
        }

        func account(_ names: TaskNames) -> Account {
            Fleeting.kept.withLock { $0 = nil }
            return Account(of: self, "thing", .init(key: "name", value: "fleeting thing"), [])
        }

        deinit { Roster.leave(ObjectIdentifier(self)) }
    }

    @Test func `what goes while its account is made is taken out, and stops nothing`() {
        Fleeting.make()

        _ = Roster.accounts([:])

        #expect(!Roster.accounts([:]).contains { $0.label.value == "fleeting thing" })
    }

    @Test func `what has a name is told of while it lives, and a server while it serves`()
        async throws
    {
        func isThere(_ name: String) -> Bool {
            Inspection(of: [], .zero).accounts.contains { $0.label.value == name }
        }
        do {
            let queue = Queue<Int>(name: "short-lived queue")
            let lock = Lock(name: "short-lived lock")
            let unnamed = Broadcast<Int>(capacity: 1)
            #expect(isThere("short-lived queue") && isThere("short-lived lock"))
            let accounts = Roster.accounts([:])
            #expect(!accounts.contains { $0.identity == ObjectIdentifier(unnamed) })
            withExtendedLifetime((queue, lock)) {}
        }
        #expect(!isThere("short-lived queue") && !isThere("short-lived lock"))

        try await onLoop {
            let server = StreamServer(listener: try await Listener.bind(to: anyPort()))
            #expect(!Roster.servers.contains { $0 === server })
            let serving = try spawn { try await server.serve { _ in } }
            await untilParked(1)
            #expect(Roster.servers.contains { $0 === server })
            server.stop()
            try await serving.value
            #expect(!Roster.servers.contains { $0 === server })
        }
    }

    @Test func `what has a name comes and goes while it is asked`() async throws {
        let isOver = Latch()
        let coming = try RunningThread.start {
            while !isOver.isSet {
                let (queue, lock) = (Queue<Int>(name: "fleeting"), Lock(name: "fleeting"))
                withExtendedLifetime((queue, lock)) {}
            }
        }
        for _ in 0..<2_000 {
            let accounts = Roster.accounts([:]).filter { $0.label.value == "fleeting" }
            #expect(accounts.count <= 2)
        }
        isOver.set()
        coming.join()
    }

    @Test func `a name that would control a terminal does not`() async throws {
        let lock = Lock(name: "\u{1B}[2J\u{9B}2J\nloop 99")
        let text = Inspection(of: [], .zero).text

        #expect(text.contains("lock '\u{FFFD}[2J\u{FFFD}2J\u{FFFD}loop 99': "))
        withExtendedLifetime(lock) {}
    }
}

/// Tasks of the calling loop that wait for other tasks.
private func loopWaiters() -> Int { EventLoop.current?.executor.state.waiters.count ?? 0 }
