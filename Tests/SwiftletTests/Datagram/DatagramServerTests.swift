import Syscalls
import Testing

@testable import Swiftlet
@testable import SwiftletSimulation

/// Servers of datagrams: a handler for each of them, or for each peer.
@Suite(.timeLimit(.minutes(30))) struct DatagramServerTests {
    @Test(arguments: Ground.all)
    func `each datagram has a handler of its own, which answers`(ground: Ground) async throws {
        try await ground.run {
            let server = try await withDatagramServer { datagram in
                try await datagram.reply(datagram.bytes)
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                for text in ["one", "", "three"] {
                    try await client.send(text)
                    try #require(try await client.receive().text == text)
                }
                client.close()
            }
            try #require(server.statistics.received == 3)
            try #require(server.statistics.dropped == 0)
            try #require(server.statistics.open == 0)
        }
    }

    @Test(arguments: Ground.all)
    func `a server on several addresses answers from the one that was asked`(
        ground: Ground
    ) async throws {
        try await ground.run {
            let any = try await DatagramSocket.bind(
                to: SocketAddress("0.0.0.0:0"), tellsLocalAddress: true)
            let unix = try await DatagramSocket.bind(to: SocketAddress("unix:"))
            let server = try DatagramServer(sockets: [any, unix])
            let serving = try spawn {
                try await server.serve { try await $0.reply($0.text + "!") }
            }
            let target = try SocketAddress("127.0.0.3:\(any.localAddress.port)")
            let client = try await DatagramSocket.connect(to: target)
            try await client.send("a")
            try #require(try await client.receive().text == "a!")
            let other = try await DatagramSocket.connect(
                to: unix.localAddress, from: SocketAddress("unix:"))
            try await other.send("b")
            try #require(try await other.receive().text == "b!")
            server.stop()
            try await serving.value
        }
    }

    @Test(arguments: Ground.all)
    func `a server of both families answers what was sent to all`(ground: Ground) async throws {
        let any = try SocketAddress("[::]:0")
        // Not every machine has IPv6.
        guard (try? RawDescriptor.datagramSocket(family: any.family, .datagram).close()) != nil
        else { return }
        try await ground.run {
            let socket = try await DatagramSocket.bind(to: any, tellsLocalAddress: true)
            let server = try DatagramServer(sockets: [socket])
            let serving = try spawn { try await server.serve { try await $0.reply($0.bytes) } }
            let client = try await DatagramSocket.bind(to: anyPort(), options: [.broadcast: 1])
            let port = socket.localAddress.port
            try await client.send("all", to: SocketAddress("127.255.255.255:\(port)"))
            let answer = try await client.receive(timeout: .seconds(60))
            try #require(answer.text == "all")
            try #require(try answer.sender == SocketAddress("127.0.0.1:\(port)"))
            server.stop()
            try await serving.value
        }
    }

    @Test(arguments: Ground.all)
    func `what needs one handler too many is dropped and counted`(ground: Ground) async throws {
        try await ground.run {
            var options = DatagramServer.Options()
            options.maxHandlers = 2
            let server = try await withDatagramServer(options: options) { datagram in
                try await datagram.reply("taken")
                try await sleep(for: .seconds(1_000_000))
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                for _ in 0..<2 {
                    try await client.send("x")
                    try #require(try await client.receive().text == "taken")
                }
                for _ in 0..<5 { try await client.send("x") }
                while server.statistics.received < 7 { await Task.yield() }
            }
            try #require(server.statistics.dropped == 5)
            try #require(server.statistics.openMax == 2)
            try #require(server.statistics.open == 0)
        }
    }

    @Test func `a handler that throws harms no other, and is told with its peer`() throws {
        try simulated { _ in
            let told = Notes<SocketAddress>()
            var options = DatagramServer.Options()
            options.onError = { error, peer in told.add(peer) }
            let server = try await withDatagramServer(options: options) { datagram in
                if datagram.text == "bad" { throw IOError(.read, .endOfStream) }
                try await datagram.reply("good")
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                try await client.send("bad")
                try await client.send("good")
                try #require(try await client.receive().text == "good")
                try await settle()
                try #require(told.all == [client.localAddress])
            }
            try #require(server.statistics.handlerErrors == 1)
        }
    }

    // MARK: Stopping

    @Test(arguments: Ground.all)
    func `a server that stops lets its handlers end`(ground: Ground) async throws {
        try await ground.run {
            let gate = Notes<Int>()
            let socket = try await DatagramSocket.bind(to: anyPort())
            let server = try DatagramServer(sockets: [socket])
            let serving = try spawn {
                try await server.serve { datagram in
                    try await datagram.reply("begun")
                    while gate.all.isEmpty { await Task.yield() }
                    try await datagram.reply("done")
                }
            }
            let client = try await DatagramSocket.connect(to: server.address)
            try await client.send("x")
            try #require(try await client.receive().text == "begun")
            server.stop(grace: .seconds(1_000_000))
            server.stop(grace: .seconds(100_000))
            gate.add(1)
            try #require(try await client.receive().text == "done")
            try await serving.value
            try #require(server.isStopping)
        }
    }

    @Test(arguments: Ground.all)
    func `after the grace handlers are cancelled`(ground: Ground) async throws {
        try await ground.run {
            let ends = Notes<IOError?>()
            try await withDatagramServer(grace: .milliseconds(1)) { datagram in
                try await datagram.reply("begun")
                ends.add(await ioError { try await sleep(for: .seconds(1_000_000)) })
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                try await client.send("x")
                try #require(try await client.receive().text == "begun")
            }
            try #require(ends.all == [IOError(.sleep, .cancelled)])
        }
    }

    @Test(arguments: Ground.all)
    func `a server whose task is cancelled leaves nothing`(ground: Ground) async throws {
        try await ground.run { openSockets in
            let sockets = [
                try await DatagramSocket.bind(to: anyPort()),
                try await DatagramSocket.bind(to: anyPort()),
            ]
            let server = try DatagramServer(sockets: sockets)
            let serving = try spawn {
                await ioError {
                    try await server.serve { _ in try await sleep(for: .seconds(1_000_000)) }
                }
            }
            await untilParked(2)
            let second = await ioError { try await server.serve { _ in } }
            try #require(second == IOError(.receive, .busy))
            let client = try await DatagramSocket.connect(to: server.address)
            try await client.send("x")
            while server.statistics.open == 0 { await Task.yield() }
            client.close()
            serving.cancel()
            try #require(try await serving.value == IOError(.receive, .cancelled))
            try #require(openSockets() == 0)
        }
    }

    @Test(arguments: Ground.all)
    func `a server that was stopped before it serves returns at once`(
        ground: Ground
    ) async throws {
        try await ground.run { openSockets in
            let socket = try await DatagramSocket.bind(to: anyPort())
            let server = try DatagramServer(sockets: [socket])
            server.stop()
            try await server.serve { _ in }
            try #require(openSockets() == 0)
            let error = await ioError { try DatagramServer(sockets: []) }
            try #require(error == IOError(.receive, .outOfRange(0)))
        }
    }

    @Test func `a server on each loop answers there`() async throws {
        try await onLoops(2) {
            let sockets = try await DatagramSocket.bindOnEachLoop(to: anyPort())
            let server = try DatagramServer(sockets: sockets)
            let serving = try spawn {
                try await server.serve { try await $0.reply("\(loopPlace() ?? -1)") }
            }
            var places: Set<String> = []
            while places.count < 2 {
                let client = try await DatagramSocket.connect(to: server.address)
                try await client.send("where?")
                places.insert(try await client.receive().text)
                client.close()
            }
            #expect(places == ["0", "1"])
            server.stop()
            try await serving.value
        }
    }

    @Test func `a server that cannot receive tries again, and stops meanwhile`() throws {
        try simulated { world in
            let server = try await withDatagramServer { datagram in
                try await datagram.reply(datagram.bytes)
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                let fault = Fault.failing(.receive, with: .outOfMemory, probability: 1)
                let failing = world.network.inject(fault, .of(world.home))
                try await client.send("x")
                try await sleep(for: .seconds(1))
                try #require((10...100).contains(server.statistics.receiveErrors))
                failing.heal()
                try #require(try await client.receive().text == "x")
                world.network.inject(fault, .of(world.home))
                try await client.send("x")
                try await sleep(for: .seconds(1))
            }
            try #require(server.statistics.received == 1)
        }
    }

    // MARK: Peers

    @Test(arguments: Ground.all)
    func `each peer has one handler, which gets all that comes from it`(
        ground: Ground
    ) async throws {
        try await ground.run {
            try await withPeerServer { peer in
                var count = 0
                while let datagram = try await peer.receive() {
                    count += 1
                    try await peer.send("\(datagram.text) is number \(count)")
                }
            } _: { server in
                let clients = [
                    try await DatagramSocket.connect(to: server.address),
                    try await DatagramSocket.connect(to: server.address),
                ]
                for number in 1...3 {
                    for client in clients {
                        try await client.send("it")
                        try #require(try await client.receive().text == "it is number \(number)")
                    }
                }
                try #require(server.statistics.open == 2)
                try #require(server.statistics.openMax == 2)
            }
        }
    }

    @Test(arguments: Ground.all)
    func `what has no address is no peer, and is counted`(ground: Ground) async throws {
        try await ground.run {
            let socket = try await DatagramSocket.bind(to: SocketAddress("unix:"))
            let server = try DatagramServer(sockets: [socket])
            let serving = try spawn {
                try await server.servePeers { peer in
                    while let datagram = try await peer.receive() {
                        try await peer.send(datagram.bytes)
                    }
                }
            }
            let nameless = try await DatagramSocket.connect(to: server.address)
            let client = try await DatagramSocket.connect(
                to: server.address, from: SocketAddress("unix:"))
            for _ in 0..<2 {
                try await nameless.send("no answer")
                try await client.send("answer")
                try #require(try await client.receive().text == "answer")
            }
            try #require(server.statistics.dropped == 2)
            try #require(server.statistics.openMax == 1)
            server.stop()
            try await serving.value
        }
    }

    @Test func `a peer that is silent for too long ends, and begins anew later`() throws {
        try simulated { _ in
            var options = DatagramServer.Options()
            options.idleTimeout = .seconds(10)
            try await withPeerServer(options: options) { peer in
                var count = 0
                while try await peer.receive() != nil {
                    count += 1
                    try await peer.send("\(count)")
                }
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                for (pause, expected) in [(0, "1"), (9, "2"), (9, "3"), (11, "1")] {
                    try await sleep(for: .seconds(pause))
                    try await client.send("x")
                    try #require(try await client.receive().text == expected)
                }
                try await sleep(for: .seconds(11))
                try #require(server.statistics.open == 0)
                try #require(server.statistics.dropped == 0)
            }
        }
    }

    @Test func `a peer that is silent ends also when its handler looks up now and then`() throws {
        try simulated { _ in
            var options = DatagramServer.Options()
            options.idleTimeout = .seconds(30)
            try await withPeerServer(options: options) { peer in
                var isThere = true
                while isThere {
                    do {
                        isThere = try await peer.receive(timeout: .seconds(4)) != nil
                    } catch IOError.timedOut {}
                }
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                try await client.send("x")
                try await sleep(for: .seconds(29))
                try #require(server.statistics.open == 1)
                try await sleep(for: .seconds(2))
                try #require(server.statistics.open == 0)
            }
        }
    }

    @Test func `a detached task receives what comes from a peer`() async throws {
        try await onLoop {
            try await withPeerServer { peer in
                let text = try await Task.detached { try await peer.receive()?.text }.value
                try await peer.send("\(text ?? "nothing")!")
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                try await client.send("x")
                try #require(try await client.receive().text == "x!")
            }
        }
    }

    @Test func `a peer has a time limit of its own, and a bounded queue`() throws {
        try simulated { _ in
            var options = DatagramServer.Options()
            options.maxWaiting = 3
            options.idleTimeout = nil
            let server = try await withPeerServer(options: options) { peer in
                try await sleep(for: .seconds(1))
                for _ in 0..<3 { _ = try await peer.receive() }
                let error = await ioError { try await peer.receive(timeout: .seconds(1)) }
                try await peer.send("\(error == IOError(.receive, .timedOut))")
                try #require(try await peer.receive() == nil)
            } _: { server in
                let client = try await DatagramSocket.connect(to: server.address)
                for _ in 0..<5 { try await client.send("x") }
                try #require(try await client.receive().text == "true")
                try #require(server.statistics.dropped == 2)
                try #require(server.statistics.received == 5)
            }
            try #require(server.statistics.open == 0)
        }
    }

    @Test func `in a network that loses and repeats datagrams every question is answered at last`()
        throws
    {
        try simulated(seeds: 0..<40) { world in
            world.network.inject(.lostDatagrams(probability: 0.3))
            world.network.inject(.duplicatedDatagrams(probability: 0.3))
            world.network.inject(
                .delayedDatagrams(by: .constant(.milliseconds(30)), probability: 0.3))
            let server = world.host("server") {
                try await DatagramServer.serve(on: "0.0.0.0:7") { try await $0.reply($0.bytes) }
            }
            try await server.untilListening(port: 7)
            let client = try await DatagramSocket.connect(to: server.address(port: 7))
            for number in 0..<20 {
                // Asked again until the answer to just this question comes.
                while true {
                    try await client.send("\(number)")
                    let answer = try? await client.receive(timeout: .milliseconds(100))
                    if answer?.text == "\(number)" { break }
                }
            }
        }
    }
}

/// Serves on the calling loop while `body` runs, stops, and returns the server when it has ended.
@discardableResult
func withDatagramServer(
    options: DatagramServer.Options = DatagramServer.Options(), grace: Duration = .zero,
    handler: @escaping DatagramServer.DatagramHandler,
    _ body: (DatagramServer) async throws -> Void
) async throws -> DatagramServer {
    try await withDatagramServer(options, grace, body) { try await $0.serve(handler: handler) }
}

/// As above, with a handler for each peer.
@discardableResult
func withPeerServer(
    options: DatagramServer.Options = DatagramServer.Options(), grace: Duration = .zero,
    handler: @escaping DatagramServer.PeerHandler,
    _ body: (DatagramServer) async throws -> Void
) async throws -> DatagramServer {
    try await withDatagramServer(options, grace, body) {
        try await $0.servePeers(handler: handler)
    }
}

private func withDatagramServer(
    _ options: DatagramServer.Options, _ grace: Duration,
    _ body: (DatagramServer) async throws -> Void,
    _ serve: @escaping @Sendable (DatagramServer) async throws -> Void
) async throws -> DatagramServer {
    let socket = try await DatagramSocket.bind(to: anyPort())
    let server = try DatagramServer(sockets: [socket], options: options)
    let serving = try spawn { try await serve(server) }
    try await body(server)
    server.stop(grace: grace)
    try await serving.value
    return server
}
