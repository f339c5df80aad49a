import Syscalls
import Testing

@testable import Swiftlet

/// Listening and accepting, on good days and bad ones.
@Suite(.serialized) struct ListenerTests {
    @Test(arguments: Ground.all)
    func `a port that is in use is an error of bind, and leaves no descriptor`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let listener = try await Listener.bind(to: anyPort())
            let error = await ioError { try await Listener.bind(to: listener.address) }
            try #require(error == IOError(.bind, .system(.addressInUse)))
            try #require(error?.address == listener.address)
            try #require(
                error?.description == "bind \(listener.address): Address already in use")
            try #require(openSockets() == 1)
        }
    }

    @Test(arguments: Ground.all)
    func `an address that is not ours is an error of bind`(ground: Ground) async throws {
        try await ground.run { openSockets in
            // Reserved for documentation: no machine has it (RFC 5737).
            let address = try SocketAddress("192.0.2.1:0")
            try #require(
                await ioError { try await Listener.bind(to: address) }
                    == IOError(.bind, .system(.addressNotAvailable)))
            try #require(openSockets() == 0)
        }
    }

    @Test(arguments: Ground.all)
    func `listeners share a port when each asks for it`(ground: Ground) async throws {
        try await ground.run {
            let first = try await Listener.bind(to: anyPort(), reusePort: true)
            let second = try await Listener.bind(to: first.address, reusePort: true)
            try #require(first.address == second.address)
        }
    }

    @Test(arguments: Ground.all)
    func `who is in the queue already is accepted in turn`(ground: Ground) async throws {
        try await ground.run {
            let listener = try await Listener.bind(to: anyPort())
            var clients: [Connection] = []
            for _ in 0..<10 {
                clients.append(try await Connection.connect(to: listener.address))
            }
            for client in clients {
                let accepted = try await listener.accept()
                try #require(try await client.localAddress == accepted.remoteAddress)
            }
        }
    }

    @Test func `a connection that was given up is passed over`() throws {
        try simulated { world in
            // ECONNABORTED, ETIMEDOUT, EPROTO and EHOSTUNREACH; all four in a row at times.
            for number in [103, 110, 71, 113] as [CInt] {
                world.network.inject(
                    .failing(.accept, with: Errno(rawValue: number), probability: 0.5))
            }
            let listener = try await Listener.bind(to: anyPort())
            let client = try await Connection.connect(to: listener.address)
            let accepted = try await listener.accept()
            try #require(try await client.localAddress == accepted.remoteAddress)
        }
    }

    @Test func `running out of descriptors is an error that the listener survives`() throws {
        try simulated { world in
            let listener = try await Listener.bind(to: anyPort())
            let client = try await Connection.connect(to: listener.address)
            world.home.descriptorLimit = 2
            let error = await ioError { try await listener.accept() }
            try #require(error?.description == "accept: Too many open files")
            world.home.descriptorLimit = 3
            let fault = world.network.inject(
                .failing(.accept, with: .tooManyOpenFilesInSystem, probability: 1))
            try #require(
                await ioError { try await listener.accept() }
                    == IOError(.accept, .system(.tooManyOpenFilesInSystem)))
            fault.heal()
            let accepted = try await listener.accept()
            try #require(try await client.localAddress == accepted.remoteAddress)
        }
    }

    @Test(arguments: Ground.all)
    func `closing a listener ends the wait for a connection`(ground: Ground) async throws {
        try await ground.run { openSockets in
            let listener = try await Listener.bind(to: anyPort())
            let acceptor = try spawn { await ioError { try await listener.accept() } }
            await untilParked(1)
            try #require(await ioError { try await listener.accept() } == IOError(.accept, .busy))
            listener.close()
            try #require(try await acceptor.value == IOError(.accept, .closed))
            try #require(await ioError { try await listener.accept() } == IOError(.accept, .closed))
            try #require(openSockets() == 0)
        }
    }

    @Test func `a listener can be used from another executor`() async throws {
        try await onLoop {
            let listener = try await Listener.bind(to: anyPort())
            let address = listener.address
            let line = Task.detached {
                let accepted = try await listener.accept()
                return try await accepted.readLine()
            }
            try await Connection.connect(to: address) { try await $0.write("hello\n") }
            #expect(try await line.value == "hello")
        }
    }
}
