import Flags
import Glibc
import Syscalls
import Testing

@testable import EchoServers

/// One step with a client of a hand-written loop, and what is asked for after it.
@Suite struct EchoClientsTests {
    private func options(_ words: String...) throws -> EchoOptions {
        try EchoOptions(EchoOptions.table(command: "echo").parse(words))
    }

    private func send(_ bytes: [UInt8], on socket: RawDescriptor) throws -> Int {
        try bytes.withUnsafeBytes { try socket.send($0) }
    }

    private func receive(_ count: Int, on socket: RawDescriptor) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let received = try bytes.withUnsafeMutableBytes { try socket.receive(into: $0) }
        return Array(bytes[..<received])
    }

    /// Sends until neither side has room; returns how many bytes were sent.
    private func sendUntilFull(
        _ client: RawDescriptor, step: () -> EchoClients.Step
    ) -> Int {
        let piece = [UInt8](repeating: 7, count: 65_536)
        var sent = 0
        while true {
            do throws(Errno) {
                sent += try piece.withUnsafeBufferPointer { piece throws(Errno) in
                    try client.send(UnsafeRawBufferPointer(piece))
                }
            } catch {
                if step() != .moved { return sent }
            }
        }
    }

    @Test func `a client that has said nothing is dry`() throws {
        var clients = EchoClients(try options())
        let (server, client) = try makeSocketPair()
        defer { client.close() }
        clients.add(server)

        let step = clients.step(server)

        #expect(step == .dry)
        #expect(clients.count == 1)
    }

    @Test func `what came is sent back in one step`() throws {
        var clients = EchoClients(try options())
        let (server, client) = try makeSocketPair()
        defer { client.close() }
        clients.add(server)
        #expect(try send([1, 2, 3], on: client) == 3)

        let step = clients.step(server)

        #expect(step == .moved)
        #expect(try receive(10, on: client) == [1, 2, 3])
        #expect(clients.tally.bytesRead == 3)
        #expect(clients.tally.bytesWritten == 3)
    }

    @Test func `a client that does not read is full and is read no more`() throws {
        var clients = EchoClients(try options())
        let (server, client) = try makeSocketPair()
        defer { client.close() }
        clients.add(server)
        let sent = sendUntilFull(client) { clients.step(server) }

        let isFull = clients.isFull(server)
        #expect(isFull)
        let read = clients.tally.bytesRead
        let unsent = read - clients.tally.bytesWritten
        #expect((1...65_536).contains(unsent))
        let step = clients.step(server)
        #expect(step == .full)
        #expect(clients.tally.bytesRead == read)

        var echoed = 0
        while echoed < sent {
            do throws(Errno) {
                var buffer = [UInt8](repeating: 0, count: 65_536)
                echoed += try buffer.withUnsafeMutableBufferPointer { buffer throws(Errno) in
                    try client.receive(into: UnsafeMutableRawBufferPointer(buffer))
                }
            } catch {
                let step = clients.step(server)
                try #require(step == .moved || step == .full)
            }
        }
        #expect(clients.tally.bytesWritten == sent)
    }

    @Test func `the end of the stream closes a client and frees its place`() throws {
        var clients = EchoClients(try options())
        let (server, client) = try makeSocketPair()
        clients.add(server)
        client.close()

        let step = clients.step(server)

        #expect(step == .ended)
        #expect(clients.count == 0)
        #expect(clients.tally.errors == 0)
    }

    @Test func `clients that are left are closed with the loop`() throws {
        let (server, client) = try makeSocketPair()
        defer { client.close() }
        do {
            var clients = EchoClients(try options())
            clients.add(server)
        }

        #expect(try receive(1, on: client) == [])
    }

    @Test func `capitals are made of the small letters of ASCII and of nothing else`() {
        var bytes = (0...255).map { UInt8($0) }
        bytes.withUnsafeMutableBytes { $0.makeUpperCase() }

        for (index, byte) in bytes.enumerated() {
            let isSmall = (97...122).contains(index)
            #expect(Int(byte) == (isSmall ? index - 32 : index))
        }
    }
}

/// Two connected stream sockets, non-blocking and closed on exec (socketpair(2)).
private func makeSocketPair() throws(Errno) -> (RawDescriptor, RawDescriptor) {
    let kind =
        CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    var numbers: [CInt] = [-1, -1]
    _ = try retrying { socketpair(AF_UNIX, kind, 0, &numbers) }
    return (RawDescriptor(numbers[0]), RawDescriptor(numbers[1]))
}
