import Generator
import Processes
import Syscalls
import TestServers
import Testing

/// Servers that are told an address. A thread of the test serves where the process should have;
/// what counts is how the process starts and ends.
struct ForeignServerTests {
    private func start(_ script: String, at address: SocketAddress) throws -> ServerProcess {
        try ServerProcess.start(
            foreign: ["sh", "-c", script], at: [address], readyWithin: .ample)
    }

    private func failure(_ words: [String], port: UInt16, within: Duration) -> ServerProcess
        .Failure?
    {
        do throws(ServerProcess.Failure) {
            _ = try ServerProcess.start(
                foreign: words, at: [SocketAddress(loopbackPort: port)], readyWithin: within)
            return nil
        } catch {
            return error
        }
    }

    /// A port on which nobody listens, for as long as the test has it.
    private func silentPort(_ body: (UInt16) throws -> Void) throws {
        let socket = Descriptor(adopting: try RawDescriptor.streamSocket(family: 2))
        try socket.raw.bind(to: SocketAddress(loopbackPort: 0))
        try body(try socket.raw.localAddress().port)
    }

    @Test func `it is ready when it echoes, and its group ends with it`() throws {
        let service = try TestServer { $0.echo() }
        defer { service.stop() }
        let server = try start("sleep 1000 & exec sleep 1000", at: service.address)
        while ProcessTree(of: server.id).members.count < 2 {}

        let ended = server.stop(within: .ample)

        #expect(ended.exitCode == 128 + 15)
        #expect(!ended.wasKilled)
        while !ProcessTree(of: server.id).members.isEmpty {}
    }

    @Test func `what a script leaves behind when it ends is killed`() throws {
        let service = try TestServer { $0.echo() }
        defer { service.stop() }
        let server = try start(
            "sh -c 'trap \"\" TERM; while :; do sleep 1; done' & exec sleep 1000",
            at: service.address)
        while ProcessTree(of: server.id).members.count < 2 {}

        _ = server.stop()

        while !ProcessTree(of: server.id).members.isEmpty {}
    }

    @Test func `one that writes all the time is not held up, and its last words are kept`() throws {
        let service = try TestServer { $0.echo() }
        defer { service.stop() }
        let server = try start(
            "head -c 900000 /dev/zero >&2; head -c 900000 /dev/zero; echo done >&2; exec sleep 99",
            at: service.address)
        // A sleeping process has written all it had to.
        while try File.read("/proc/\(server.id)/comm", atMost: 4096) != "sleep\n" {
            server.takeOutput()
        }
        // Its last words may have come since; what only `stop` finds is added to what is kept.
        server.takeOutput()

        let ended = server.stop(within: .ample)

        #expect(ended.standardError.hasSuffix("done\n"))
        #expect(ended.standardError.utf8.count <= 64 << 10)
    }

    @Test func `what keeps it from serving is told`() throws {
        try silentPort { port in
            guard
                case .notStarted(.noEntry) = failure(["/no/such"], port: port, within: .ample)
            else { Issue.record("a command that is not there"); return }
            guard
                case .endedEarly(3, "no module\n") = failure(
                    ["sh", "-c", "echo no module >&2; exit 3"], port: port, within: .ample)
            else { Issue.record("a command that ends"); return }
            guard
                case .notListening(SocketAddress(loopbackPort: port), _, _) = failure(
                    ["sleep", "1000"], port: port, within: .milliseconds(30))
            else { Issue.record("a command that does not listen"); return }
        }
    }

    @Test func `one that answers something else is told from one that does not listen`() throws {
        let service = try TestServer { peer in
            peer.send(peer.receive().map { $0 ^ 1 })
            peer.swallow()
        }
        defer { service.stop() }

        let failure = failure(
            ["sleep", "1000"], port: service.address.port, within: .ample)

        guard case .noEcho(let reason) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(reason == "the bytes that came back were other ones")
    }

    // What readiness and silence are made of.

    @Test func `an answer that ends early says how much there was`() throws {
        let service = try TestServer { peer in peer.send(Array(peer.receive().prefix(3))) }
        defer { service.stop() }

        let outcome = EchoProbe.ask(service.address, until: .now.advanced(by: .ample))

        #expect(outcome == .wrong("it closed the connection after 3 of 16 bytes"))
    }

    @Test func `an answer that does not come is waited for until the deadline`() throws {
        let service = try TestServer { $0.swallow() }
        defer { service.stop() }

        let socket = try EchoProbe.connect(to: service.address, until: .now.advanced(by: .ample))
        defer { socket.close() }
        let outcome = EchoProbe.talk(on: socket, until: .now.advanced(by: .milliseconds(20)))

        #expect(outcome == .wrong("within the time limit it sent 0 of 16 bytes"))
    }
}
