import Swiftlet
import SwiftletSimulation
import Testing

@testable import Examples

@Suite struct ChatTests {
    /// Reads lines until one ends in `text`.
    private func wait(for text: String, from client: Connection) async throws {
        while let line = try await client.readLine(timeout: .seconds(600)) {
            if line.hasSuffix(text) { return }
        }
        Issue.record("the stream ended before \(text)")
    }

    private func enter(
        _ name: String, _ room: String, at server: String = "server:7010"
    ) async throws -> Connection {
        let client = try await Connection.connect(to: server, timeout: .seconds(600))
        try await client.write("/nick \(name)\n/join \(room)\n")
        try await wait(for: "* \(name) is here", from: client)
        return client
    }

    /// A world with a chat server, and a client in it.
    private func world(
        seed: UInt64 = 1, limits: Hall.Limits = Hall.Limits(),
        _ body: @escaping @Sendable () async throws -> Void
    ) throws {
        try Simulation(seed: seed).run { world in
            let hall = Hall(limits: limits)
            world.failsOnUnhandledErrors = false  // a dropped client is one
            let server = world.host("server") {
                try await StreamServer.serve(on: "server:7010") {
                    try await converse(with: $0, in: hall)
                }
            }
            try await server.untilListening(port: 7010)
            try await body()
        }
    }

    @Test func `what is said in a room is heard there and nowhere else`() throws {
        try world {
            let ann = try await enter("ann", "tea")
            let bob = try await enter("bob", "tea")
            let cat = try await enter("cat", "milk")
            try await ann.write("hello\u{1B}[2J\n/msg cat psst\n")
            try await wait(for: "<ann> hello[2J", from: bob)
            try await wait(for: "<ann> hello[2J", from: ann)
            #expect(try await cat.readLine() == "[ann] psst")
            try await cat.write("/join tea\n/who\n")
            try await wait(for: "<ann> hello[2J", from: cat)
            try await wait(for: "* here: ann, bob, cat", from: cat)
        }
    }

    @Test func `a name belongs to one, and its loss is told`() throws {
        try world {
            let ann = try await enter("ann", "tea")
            let bob = try await enter("bob", "tea")
            try await bob.write("/nick ann\n")
            try await wait(for: "* ann is taken", from: bob)
            // It belongs to one that is still to come.
            try await bob.write("/nick guest7\n")
            try await wait(for: "* guest7 is taken", from: bob)
            try await bob.write("/quit\n")
            try await wait(for: "* bob has left", from: ann)
            #expect(try await bob.readLine() == nil)
        }
    }

    @Test func `a client that does not read is dropped, and the others are not kept`() throws {
        var limits = Hall.Limits()
        limits.outbox = 50
        try world(limits: limits) {
            let ann = try await enter("ann", "tea")
            let deaf = try await enter("deaf", "tea")
            let listening = try spawn {
                try await wait(for: "* deaf was dropped: reads too slowly", from: ann)
            }
            let line = String(repeating: "x", count: 900) + "\n"
            let speaking = try spawn {
                while true { try await ann.write(line) }
            }
            try await listening.value
            speaking.cancel()
            _ = await speaking.result
            try await ann.write("\n")
            try await ann.write("/who\n")
            try await wait(for: "* here: ann", from: ann)
            // What was on its way still comes; then there is an end.
            do { while try await deaf.readLine() != nil {} } catch IOError.system {}
        }
    }

    @Test func `a thousand guests hear everybody in their rooms`() throws {
        var limits = Hall.Limits()
        limits.outbox = 1_000
        try world(limits: limits) {
            try await withThrowingTaskGroup { group in
                for number in 0..<1_000 {
                    group.addTask { try await meet(as: number, in: "r\(number / 20)", of: 20) }
                }
                try await group.waitForAll()
            }
        }
    }

    /// Joins a room, speaks when `count` are there, and leaves when it has heard all of them.
    private func meet(as number: Int, in room: String, of count: Int) async throws {
        let guest = try await enter("g\(number)", room)
        try await guest.write("/who\n")
        var here = 0
        var hasSpoken = false
        var heard: Set<Substring> = []
        while heard.count < count, let line = try await guest.readLine(timeout: .seconds(600)) {
            if line.hasPrefix("* here: ") { here = line.split(separator: ",").count }
            if line.hasSuffix("is here") { here += 1 }
            if let said = line.split(separator: "> from ").dropFirst().first { heard.insert(said) }
            guard here >= count, !hasSpoken else { continue }
            hasSpoken = true
            try await guest.write("from \(number)\n")
        }
        #expect(heard.count == count)
    }

    @Test func `over datagrams several peers talk at once`() async throws {
        try await onLoop {
            let hall = Hall()
            let socket = try await DatagramSocket.bind(to: SocketAddress("127.0.0.1:0"))
            let server = try DatagramServer(sockets: [socket])
            async let serving: Void = server.servePeers { try await converse(with: $0, in: hall) }
            let ann = try await DatagramSocket.connect(to: server.address)
            let bob = try await DatagramSocket.connect(to: server.address)
            for (peer, name) in [(ann, "ann"), (bob, "bob")] {
                try await peer.send("/nick \(name)")
                try await peer.send("/join tea")
                while try await !text(peer).hasSuffix("* \(name) is here\n") {}
            }
            try await bob.send("hello\n")
            while try await text(ann) != "<bob> hello\n" {}
            server.stop()
            try await serving
        }
    }

    private func text(_ peer: DatagramSocket) async throws -> String {
        String(decoding: try await peer.receive().bytes, as: UTF8.self)
    }

    @Test(
        arguments: [
            ("/nick ann", .name("ann")), ("/nick  ann", .name("ann")),
            ("/join a-b_3", .join("a-b_3")),
            ("/msg bob a b  c", .tell("bob", "a b  c")), ("/who", .who), ("hello", .say("hello")),
            ("a\u{202E}b\u{7}", .say("ab")),
        ] as [(String, ChatLine)])
    func `a line means`(line: String, meaning: ChatLine) { #expect(ChatLine(line) == meaning) }

    @Test(arguments: [
        "", "/", "/nick", "/nick a b", "/nick ünï", "/nick \(String(repeating: "x", count: 21))",
        "/who me", "/WHO",
    ])
    func `a line means nothing, and what would is told`(line: String) {
        guard case .wrong(let advice) = ChatLine(line) else {
            Issue.record("\(line) means something")
            return
        }
        #expect(!advice.isEmpty)
    }

    @Test func `no line breaks out of its line`() {
        fuzz([Array("/msg bob hello".utf8), Array("/nick ann".utf8), Array("grüße 👋🏽".utf8)]) {
            let line = ChatLine(String(decoding: $0, as: UTF8.self))
            if case .say(let text) = line { #expect(!text.contains("\n")) }
            if case .name(let name) = line { #expect((1...20).contains(name.utf8.count)) }
        }
    }
}
