import Foundation
import TestServers
import Testing

/// The echo server on several loops, as a process.
@Suite(.ownThread) struct `echo-server on several loops` {
    @Test(arguments: ["poll", "select", "epoll"])
    func `serves as many on each, and counts each loop`(driver: String) throws {
        let service = try EchoService("--loops", "3", "--driver", driver)
        let clients = try (0..<30).map { _ in try Client(service.address) }
        for (number, client) in clients.enumerated() { try expectEcho(client, of: number) }
        for client in clients { client.close() }

        let counters = try Counters(of: service)

        #expect(counters.total("accepted") == 30)
        #expect(counters.total("open_max") == 30)
        #expect(counters.ofLoops("connections") == [10, 10, 10])
        expectSums(counters, connections: 30)
        #expect(counters.ofLoops("bytes_read").allSatisfy { $0 > 0 })
    }

    /// The kernel spreads by the clients' ports: only the sums are certain.
    @Test func `may have a listener for each loop`() throws {
        let service = try EchoService("--loops", "3", "--reuse-port")
        let clients = try (0..<30).map { _ in try Client(service.address) }
        for (number, client) in clients.enumerated() { try expectEcho(client, of: number) }
        for client in clients { client.close() }

        let counters = try Counters(of: service)

        #expect(counters.total("accepted") == 30)
        #expect(counters.total("open_max") == 30)
        #expect(counters.ofLoops("connections").count == 3)
        expectSums(counters, connections: 30)
    }

    @Test func `a port that another server has is shared with a word`() throws {
        let first = try EchoService("--reuse-port")
        let second = try Command(
            "echo-server", ["--listen=\(first.address)", "--reuse-port", "--loops=2"])

        _ = try second.line(beginning: "listening on")
        try second.waitForLine(saying: "another server has \(first.address) already")
        second.send(15)

        #expect(try second.finish().code == 0)
        first.command.send(15)
        #expect(try first.command.finish().errors.contains("another server") == false)
    }

    @Test(arguments: [["--loops", "3"], ["--loops", "3", "--reuse-port"]])
    func `refuses whoever is one too many for all of them together`(options: [String]) throws {
        let service = try EchoService(options + ["--max-connections", "4"])
        let clients = try (0..<4).map { _ in try Client(service.address) }
        for (number, client) in clients.enumerated() { try expectEcho(client, of: number) }
        let fifth = try Client(service.address)
        #expect(try fifth.receive() == [])
        for client in clients { client.close() }

        let counters = try Counters(of: service)

        #expect(counters.total("refused") == 1)
        #expect(counters.total("open_max") == 4)
    }

    @Test func `stops at the second signal although clients are still there`() throws {
        let service = try EchoService("--loops", "3", "--drain", "1h")
        let clients = try (0..<6).map { _ in try Client(service.address) }
        for (number, client) in clients.enumerated() { try expectEcho(client, of: number) }

        service.command.send(15)
        // The listener is closed first, so whoever is refused knows that the signal was seen.
        try service.command.wait { (try? Client(service.address)) == nil }
        service.command.send(15)
        let run = try service.command.finish()

        #expect(run.code == 0)
        for client in clients { #expect(try client.receive() == []) }
    }

    /// Stacks are address space: so many do not fit.
    @Test func `says when a thread cannot be started`() throws {
        let path = try Command.path(of: "echo-server")
        let setup = "ulimit -v 3000000; exec \(path) --listen 127.0.0.1:0 --loops 1024"
        let run = try Command("/bin/sh", ["-c", setup]).finish()

        #expect(run.code == 71)
        #expect(run.errors.contains("spawn: "), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test func `says when there are not enough descriptors for the loops`() throws {
        let path = try Command.path(of: "echo-server")
        let setup = "ulimit -n 64; exec \(path) --listen 127.0.0.1:0 --loops 1024"
        let run = try Command("/bin/sh", ["-c", setup]).finish()

        #expect(run.code == 71)
        #expect(run.errors.contains("wait: Too many open files"), "\(run.errors)")
        #expect(run.output == "")
    }

    @Test(arguments: ["0", "1025", "many"])
    func `are between 1 and 1024`(count: String) throws {
        let run = try Command.run("echo-server", "--loops", count)

        #expect(run.code == 64)
        #expect(run.errors.contains("--loops '\(count)'"), "\(run.errors)")
    }
}

/// What the server said on its way out.
private struct Counters {
    private let totals: [String: Int]
    private let loops: [[String: Int]]

    /// Stops the service in order.
    init(of service: EchoService) throws {
        service.command.send(15)
        let run = try service.command.finish()
        #expect(run.code == 0)
        let json = try JSONSerialization.jsonObject(with: Data(run.errors.utf8)) as? [String: Any]
        totals = (json ?? [:]).compactMapValues { $0 as? Int }
        let loops = json?["loops"] as? [[String: Any]]
        self.loops = (loops ?? []).map { $0.compactMapValues { $0 as? Int } }
    }

    func total(_ name: String) -> Int? { totals[name] }

    /// One number for each loop.
    func ofLoops(_ name: String) -> [Int] { loops.map { $0[name] ?? -1 } }
}

/// What the loops counted adds up to what the service counted.
private func expectSums(_ counters: Counters, connections: Int) {
    #expect(counters.ofLoops("connections").reduce(0, +) == connections)
    for name in ["bytes_read", "bytes_written"] {
        #expect(counters.ofLoops(name).reduce(0, +) == counters.total(name), "\(name)")
        #expect(counters.total(name).map { $0 > 0 } == true, "\(name)")
    }
}

private func expectEcho(_ client: Client, of number: Int) throws {
    let message = Array("client \(number)".utf8)
    try client.send(message)
    #expect(try client.receive(exactly: message.count) == message)
}
