import Glibc
import TestServers
import Testing

/// The echo server, asked what it waits for.
@Suite(.ownThread) struct WhoWaitsTests {
    @Test func `SIGUSR1 prints what each coroutine waits for, and stops nothing`() throws {
        let service = try EchoService("--drain=10ms")
        let client = try Client(service.address)
        try client.send("a word")
        #expect(try client.receive(exactly: 6) == Array("a word".utf8))

        // Of two signals that wait, the lower number is taken first (signal(7)).
        service.command.send(SIGUSR1)
        service.command.send(SIGTERM)
        let errors = try service.command.finish().errors

        let lines = errors.split(separator: "\n").filter { $0.hasPrefix("loop 0: ") }
        #expect(
            lines.contains {
                $0.contains("'handler of 127.0.0.1:")
                    && $0.contains("' at EchoServers/CoroutineEcho.swift:")
                    && $0.contains(" waits to read from 127.0.0.1:")
            }, "\(errors)")
        #expect(lines.contains { $0.contains("waits to accept on \(service.address)") })
    }
}
