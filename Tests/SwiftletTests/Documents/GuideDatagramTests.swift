import Swiftlet
import SwiftletSimulation
import Testing

// The samples of docs/guide.md about datagrams: `TidyTests` finds each of them here, line by line.
// They use nothing but what a user of the library has.

@Suite struct GuideDatagramTests {
    @Test func `a server echoes datagrams, and a client asks again`() async throws {
        try await onLoop {
            let serving = try spawn {
                try await DatagramServer.serve(on: "unix:@swiftlet-guide-datagrams") { datagram in
                    try await datagram.reply(datagram.bytes)
                }
            }
            let address = try SocketAddress("unix:@swiftlet-guide-datagrams")
            while (try? await DatagramSocket.connect(to: address)) == nil { await Task.yield() }
            serving.cancel()

            let server = try await DatagramSocket.bind(to: "127.0.0.1:0")
            async let echoing: Void = {
                let question = try await server.receive()
                try await question.reply(question.bytes)
            }()
            let socket = try await DatagramSocket.connect(to: server.localAddress)
            var answer: Datagram?
            while answer == nil {
                try await socket.send("time?")
                answer = try? await socket.receive(timeout: .seconds(1))
            }
            try await echoing
            #expect(answer?.text == "time?")
        }
    }

    @Test func `memory of the caller's takes datagrams without an allocation`() async throws {
        try await onLoop {
            let socket = try await DatagramSocket.bind(to: "127.0.0.1:0")
            try await socket.send("hello", to: socket.localAddress)
            var buffer = [UInt8](repeating: 0, count: 2_048)
            var span = buffer.mutableSpan
            var memory = span.mutableBytes
            let received = try await socket.receive(into: &memory)
            print("\(received.count) bytes from \(received.sender)")
            if received.isTruncated { print("and there was more") }
            #expect(received.count == 5)
        }
    }

    @Test func `one handler counts the datagrams of a peer`() async throws {
        try await onLoop {
            let socket = try await DatagramSocket.bind(to: "127.0.0.1:0")
            var options = DatagramServer.Options()
            options.idleTimeout = .seconds(30)
            let server = try DatagramServer(sockets: [socket], options: options)
            async let serving: Void = server.servePeers { peer in
                var count = 0
                while try await peer.receive() != nil {
                    count += 1
                    try await peer.send("number \(count)")
                }
            }
            let client = try await DatagramSocket.connect(to: server.address)
            for expected in ["number 1", "number 2"] {
                try await client.send("x")
                #expect(try await client.receive().text == expected)
            }
            server.stop()
            try await serving
        }
    }

    @Test func `members of a group receive what is sent to it`() throws {
        try Simulation(seed: 1).run { world in
            let listener = world.host("listener")
            let group = try SocketAddress("239.1.2.3:7777")
            let heard = try listener.spawn {
                let socket = try await DatagramSocket.bind(to: "0.0.0.0:7777")
                try await socket.join(group)
                return try await socket.receive().text
            }
            try await listener.untilListening(port: 7777)
            let sender = try await DatagramSocket.bind(to: "0.0.0.0:0")
            try await sender.setOption(.multicastTimeToLive, to: 4)
            try await sender.send("all of you", to: group)
            #expect(try await heard.value == "all of you")
        }
    }

    @Test func `a batch is echoed by two system calls`() async throws {
        try await onLoop {
            let socket = try await DatagramSocket.bind(to: "127.0.0.1:0")
            let client = try await DatagramSocket.connect(to: socket.localAddress)
            for number in 0..<3 { try await client.send("\(number)") }
            var batch = DatagramBatch(capacity: 32)
            try await socket.receive(into: &batch)
            try await socket.send(batch)
            for number in 0..<3 { #expect(try await client.receive().text == "\(number)") }
            #expect(batch.count == 3)
        }
    }

    @Test func `a ping needs a privilege, and says which`() async throws {
        try await onLoop {
            do {
                let socket = try await DatagramSocket.connect(
                    to: SocketAddress("127.0.0.1:0"), kind: .ping)
                socket.close()
            } catch IOError.notAllowed {
                print("see net.ipv4.ping_group_range")
            }
        }
    }
}
