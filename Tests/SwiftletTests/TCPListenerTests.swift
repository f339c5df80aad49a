import Syscalls
import Testing

@testable import Swiftlet

/// Listening and accepting, on good days and bad ones.
@Suite(.serialized) struct TCPListenerTests {
    @Test func `a port that is in use is an error of bind, and leaves no descriptor`() async throws
    {
        let sockets = FaultySockets()
        try await onLoop(sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            let error = await ioError { try await TCPListener.bind(to: listener.address) }
            #expect(error?.reason == .system(.addressInUse))
            #expect(sockets.openCount == 1)
        }
    }

    @Test func `an address that is not ours is an error of bind`() async throws {
        let error = try await onLoop {
            // Reserved for documentation: no machine has it (RFC 5737).
            let address = try SocketAddress("192.0.2.1:0")
            return await ioError { try await TCPListener.bind(to: address) }
        }
        #expect(error == IOError(.bind, .system(.addressNotAvailable)))
    }

    @Test func `listeners share a port when each asks for it`() async throws {
        try await onLoop {
            let first = try await TCPListener.bind(to: anyPort(), reusePort: true)
            let second = try await TCPListener.bind(to: first.address, reusePort: true)
            #expect(first.address == second.address)
        }
    }

    @Test(arguments: DriverKind.usable)
    func `who is in the queue already is accepted in turn`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            let listener = try await TCPListener.bind(to: anyPort())
            var clients: [TCPConnection] = []
            for _ in 0..<10 {
                clients.append(try await TCPConnection.connect(to: listener.address))
            }
            for client in clients {
                let accepted = try await listener.accept()
                #expect(try await client.localAddress == accepted.remoteAddress)
            }
        }
    }

    @Test func `a connection that was given up is passed over`() async throws {
        var faults = FaultySockets.Faults()
        faults.accept = [
            Errno(rawValue: 103), .timedOut, Errno(rawValue: 71), Errno(rawValue: 113),
        ]
        try await onLoop(sockets: FaultySockets(faults)) {
            let listener = try await TCPListener.bind(to: anyPort())
            let client = try await TCPConnection.connect(to: listener.address)
            let accepted = try await listener.accept()
            #expect(try await client.localAddress == accepted.remoteAddress)
        }
    }

    @Test func `running out of descriptors is an error that the listener survives`() async throws {
        var faults = FaultySockets.Faults()
        faults.accept = [.tooManyOpenFiles, .tooManyOpenFilesInSystem]
        try await onLoop(sockets: FaultySockets(faults)) {
            let listener = try await TCPListener.bind(to: anyPort())
            let client = try await TCPConnection.connect(to: listener.address)
            let error = await ioError { try await listener.accept() }
            #expect(error?.description == "accept: Too many open files")
            #expect(
                await ioError { try await listener.accept() }
                    == IOError(.accept, .system(.tooManyOpenFilesInSystem)))
            let accepted = try await listener.accept()
            #expect(try await client.localAddress == accepted.remoteAddress)
        }
    }

    @Test(arguments: DriverKind.usable)
    func `closing a listener ends the wait for a connection`(driver: DriverKind) async throws {
        let sockets = FaultySockets()
        try await onLoop(driver, sockets: sockets) {
            let listener = try await TCPListener.bind(to: anyPort())
            let acceptor = try spawn { await ioError { try await listener.accept() } }
            await untilParked(1)
            #expect(await ioError { try await listener.accept() } == IOError(.accept, .busy))
            listener.close()
            #expect(try await acceptor.value == IOError(.accept, .closed))
            #expect(await ioError { try await listener.accept() } == IOError(.accept, .closed))
            #expect(sockets.openCount == 0)
        }
    }

    @Test func `a listener can be used from another executor`() async throws {
        try await onLoop {
            let listener = try await TCPListener.bind(to: anyPort())
            let address = listener.address
            let line = Task.detached {
                let accepted = try await listener.accept()
                return try await accepted.readLine()
            }
            try await TCPConnection.connect(to: address) { try await $0.write("hello\n") }
            #expect(try await line.value == "hello")
        }
    }
}
