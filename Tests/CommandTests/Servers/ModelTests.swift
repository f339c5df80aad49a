import Conformance
import Drivers
import EchoServers
import Glibc
import Processes
import SchemaChecks
import Syscalls
import TestServers
import Testing

/// What every model of the echo server promises, and how it ends.
@Suite(.ownThread, .timeLimit(.minutes(60))) struct `Every model` {
    static let models = EchoModel.allCases.filter {
        $0 != .ioUring || hasIOUring
    }

    private func expectEcho(
        _ client: Client, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try client.send(text)
        #expect(
            try client.receive(exactly: text.utf8.count) == Array(text.utf8),
            sourceLocation: sourceLocation)
    }

    @Test(arguments: models)
    func `echoes as an echo service must`(model: EchoModel) throws {
        let service = try EchoService("--model=\(model.rawValue)")
        let checks = Conformance.checks(of: .stream).filter {
            $0 != .crowd || model.shape != .oneAtATime
        }

        let findings = Conformance.check(
            checks, at: service.address, process: service.command.child.id, timeout: .ample)

        #expect(findings == [])
        #expect(try service.stop()["accept_errors"] == 0)
    }

    @Test(arguments: models)
    func `serves a Unix socket as it serves TCP`(model: EchoModel) throws {
        let path = "/tmp/swiftlet-model-\(getpid())-\(model.rawValue).sock"
        // What a server that was killed has left.
        let killed = try EchoService(on: "unix:\(path)", ["--model=\(model.rawValue)"])
        killed.command.send(SIGKILL)
        #expect(try killed.command.finish().code != 0)
        // The kernel takes a ring apart after the end of its process.
        try killed.waitUntilItListensNoMore()
        let service = try EchoService(on: "unix:\(path)", ["--model=\(model.rawValue)"])
        let checks = Conformance.checks(of: .stream).filter {
            $0 != .crowd || model.shape != .oneAtATime
        }

        let findings = Conformance.check(
            checks, at: service.address, process: service.command.child.id, timeout: .ample)

        #expect(findings == [])
        #expect(service.address.unixPath == path)
        #expect(try service.stop()["accept_errors"] == 0)
        #expect(access(path, F_OK) == -1)
    }

    @Test(arguments: models.filter(\.servesDatagrams))
    func `serves datagrams, each as one`(model: EchoModel) throws {
        let service = try EchoService(on: "udp:127.0.0.1:0", ["--model=\(model.rawValue)"])

        let findings = Conformance.check(
            Conformance.checks(of: .datagram), at: service.address,
            process: service.command.child.id, timeout: .ample)

        #expect(findings == [])
        #expect(try service.stop()["handler_errors"] == 0)
    }

    @Test(arguments: models.filter { $0.shape != .oneAtATime })
    func `serves several addresses side by side`(model: EchoModel) throws {
        let path = "/tmp/swiftlet-several-\(getpid())-\(model.rawValue).sock"
        let service = try EchoService([
            "--model=\(model.rawValue)", "--listen=unix:\(path)", "--listen=127.0.0.2:0",
            "--drain=10ms",
        ])
        let last = try service.command.line(beginning: "listening on 127.0.0.2:")
        let address = String(last.split(separator: " ")[2])
        let clients = try [
            Client(service.address), Client(SocketAddress("unix:\(path)")),
            Client(SocketAddress(address)), Client(service.address),
        ]
        for client in clients { try expectEcho(client, "one word") }

        #expect(try service.stop()["accepted"] == 4)
        #expect(access(path, F_OK) == -1)
        // The second one's address is taken, so the first one is let go.
        let other = try EchoService(["--model=\(model.rawValue)"])
        let run = try Command.run(
            "echo-server", "--model", model.rawValue, "--listen", "unix:\(path)", "--listen",
            "\(other.address)")
        #expect(run.code == 69)
        #expect(run.errors.contains("cannot serve on \(other.address): "), "\(run.errors)")
        #expect(access(path, F_OK) == -1)
        _ = try other.stop()
    }

    @Test(arguments: models.filter(\.servesDatagrams).map { [$0.rawValue] } + [["coroutine", "9"]])
    func `serves datagrams on several addresses`(model: [String]) throws {
        let batch = model.count > 1 ? ["--batch=\(model[1])"] : []
        let service = try EchoService(
            on: "udp:127.0.0.1:0", ["--model=\(model[0])", "--listen=udp:127.0.0.2:0"] + batch)
        let last = try service.command.line(beginning: "listening on udp:127.0.0.2:")
        let other = try #require(ServiceAddress(String(last.split(separator: " ")[2])))

        for address in [service.address, other.address] {
            let findings = Conformance.check(
                Conformance.checks(of: .datagram), at: address,
                process: service.command.child.id, timeout: .ample)
            #expect(findings == [])
        }

        let counters = try service.stop()
        #expect(counters["handler_errors"] == 0)
        #expect(counters["bytes_read"] == counters["bytes_written"])
    }

    @Test(arguments: models)
    func `answers in capitals when it is asked to`(model: EchoModel) throws {
        let service = try EchoService("--model=\(model.rawValue)", "--upper")
        let client = try Client(service.address)
        try client.send("`abc xyz{ ABC 123 \u{e4}")

        #expect(try client.receive(exactly: 20) == Array("`ABC XYZ{ ABC 123 \u{e4}".utf8))
        client.close()
        #expect(try service.stop()["bytes_written"] == 20)
    }

    @Test(arguments: models)
    func `leaves nothing behind when it is told to stop`(model: EchoModel) throws {
        let service = try EchoService("--model=\(model.rawValue)", "--drain=10ms")
        let clients = try (0..<(model.shape == .oneAtATime ? 1 : 5)).map { _ in
            try Client(service.address)
        }
        for client in clients { try expectEcho(client, "one word") }
        let group = service.command.child.id

        service.command.send(SIGTERM)
        let counters = try service.lastWords()

        #expect(ProcessTree(of: group).members == [])
        for client in clients { #expect(try client.receive() == []) }
        #expect(counters["accepted"]?.number == Double(clients.count))
        #expect(counters["open_max"]?.number == Double(clients.count))
        #expect(counters["bytes_read"]?.number == Double(8 * clients.count))
        #expect(counters["bytes_read"] == counters["bytes_written"])
        #expect(counters["handler_errors"]?.number == 0)
    }

    /// A Ctrl-C at the terminal is for every process of the group.
    @Test(arguments: models)
    func `serves a client to its end after a signal to its whole group`(model: EchoModel) throws {
        let service = try EchoService("--model=\(model.rawValue)", "--drain=1h")
        let client = try Client(service.address)
        try expectEcho(client, "before")

        service.command.child.sendToGroup(signal: SIGINT)
        try service.waitUntilItListensNoMore()
        try expectEcho(client, "and after")
        try client.closeWrite()

        #expect(try client.receive() == [])
        #expect(try service.lastWords()["handler_errors"]?.number == 0)
    }

    @Test(arguments: models)
    func `says how many connections there are when SIGUSR1 asks, and serves on`(
        model: EchoModel
    ) throws {
        let service = try EchoService("--model=\(model.rawValue)", "--drain=10ms")
        let client = try Client(service.address)
        try expectEcho(client, "before")

        service.command.send(SIGUSR1)
        try service.command.waitForLine(saying: "connections: 1 open, 1 accepted")

        try expectEcho(client, "and after")
        #expect(try service.stop()["accepted"] == 1)
    }

    @Test(arguments: models)
    func `waits no longer after the second signal`(model: EchoModel) throws {
        let service = try EchoService("--model=\(model.rawValue)", "--drain=1h")
        let client = try Client(service.address)
        try expectEcho(client, "before")
        let group = service.command.child.id

        service.command.send(SIGTERM)
        try service.waitUntilItListensNoMore()
        service.command.send(SIGTERM)

        #expect(try service.lastWords()["bytes_written"]?.number == 6)
        #expect(ProcessTree(of: group).members == [])
        #expect(try client.receive() == [])
    }

    @Test(arguments: models)
    func `queues as many connections as the backlog says`(model: EchoModel) throws {
        let service = try EchoService("--model=\(model.rawValue)", "--backlog=3", "--drain=10ms")
        service.command.send(SIGSTOP)
        try service.command.wait { try isStopped(service.command.child.id) }
        // Half of them will not come up; nobody waits for them.
        let sockets = try (0..<8).map { _ in
            let socket = try RawDescriptor.streamSocket(family: service.address.family)
            _ = try socket.connect(to: service.address)
            return socket
        }
        defer { for socket in sockets { socket.close() } }

        // The kernel queues one more than it is told to (listen(2)).
        try service.command.wait { try queued(at: service.address) >= 4 }
        #expect(try queued(at: service.address) == 4)
        service.command.send(SIGCONT)
        _ = try service.stop()
    }

    /// Whether the kernel has stopped a process (proc(5), `stat`).
    private func isStopped(_ process: CInt) throws -> Bool {
        let fields = try File.read("/proc/\(process)/stat", atMost: 4096).split(separator: " ")
        return fields.count > 2 && fields[2] == "T"
    }

    /// Connections that wait to be accepted: what /proc/net/tcp says of a listener (proc(5)).
    private func queued(at address: SocketAddress) throws -> Int {
        let port = String(address.port, radix: 16, uppercase: true)
        let table = try File.read("/proc/net/tcp", atMost: 1 << 24)
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[1].hasSuffix(":" + port), fields[3] == "0A" else {
                continue
            }
            let queues = fields[4].split(separator: ":")
            return queues.last.flatMap { Int($0, radix: 16) } ?? 0
        }
        return 0
    }
}

/// Whether this machine lets a process use io_uring.
let hasIOUring = (try? DriverKind.ioUring.makeDriver()) != nil
