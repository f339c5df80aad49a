import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

/// A recorded run happens again, without the machine that it ran on.
@Suite struct ReplayTests {
    @Test(arguments: DriverKind.usable)
    func `a conversation is repeated in the same order without a listener`(
        kind: DriverKind
    ) throws {
        let recording = Recording()
        let heard = try EventLoop.run(driver: kind, recording: recording) {
            try await conversation(expecting: nil)
        }

        for _ in 0..<3 {
            let again = try Simulation.replay(recording) {
                try await conversation(expecting: .connectionRefused)
            }
            #expect(again == heard)
        }
        #expect(heard.count == 3 * 3 * 2 + 4)
    }

    @Test(arguments: DriverKind.usable)
    func `datagrams are received again without a sender`(kind: DriverKind) throws {
        let recording = Recording()
        let body: @Sendable () async throws -> [String] = {
            let server = try await DatagramSocket.bind(
                to: privateAddress(), tellsLocalAddress: true)
            let client = try await DatagramSocket.connect(to: server.localAddress)
            var texts: [String] = []
            for text in ["one", "", "three"] {
                try await client.send(text)
                let question = try await server.receive()
                try await question.reply(question.text + "!")
                texts.append(try await client.receive().text)
            }
            return texts
        }

        let heard = try EventLoop.run(driver: kind, recording: recording, body)

        #expect(heard == ["one!", "!", "three!"])
        #expect(try Simulation.replay(recording, body) == heard)
    }

    @Test func `time that passed in the recorded run passes again`() throws {
        let recording = Recording()
        let body: @Sendable () async throws -> Duration? = {
            let listener = try await Listener.bind(to: privateAddress())
            do {
                try await withTimeout(.seconds(86_400)) { _ = try await listener.accept() }
                return nil
            } catch let error as TimeoutError {
                return error.timeout
            }
        }

        let recorded = try EventLoop.record(
            over: JumpingDriver(), into: recording, body)
        let replayed = try Simulation.replay(recording, body)

        #expect(recorded == .seconds(86_400))
        #expect(replayed == recorded)
    }

    #if !SWIFTLET_PUBLIC_API_ONLY
        @Test func `a sleep of the standard library lasts as long as it did`() throws {
            let recording = Recording()
            let body: @Sendable () async throws -> [Int] = {
                let ended = Notes<Int>()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for task in 0..<5 {
                        group.addTask {
                            for _ in 0..<3 { try await Task.sleep(for: .microseconds(1500)) }
                            ended.add(task)
                        }
                    }
                    try await group.waitForAll()
                }
                return ended.all
            }

            let ended = try EventLoop.record(over: JumpingDriver(), into: recording, body)

            #expect(recording.tape.count { $0.call == RecordedCall(.timer) } == 15)
            for _ in 0..<3 { #expect(try Simulation.replay(recording, body) == ended) }
        }
    #endif

    @Test func `an error of the body comes again`() throws {
        let recording = Recording()
        let body: @Sendable () async throws -> Void = {
            let listener = try await Listener.bind(to: privateAddress())
            listener.close()
            _ = try await Connection.connect(to: listener.address)
        }
        let refused = IOError(.connect, .system(.connectionRefused))

        #expect(throws: refused) { try EventLoop.run(recording: recording, body) }
        #expect(throws: refused) { try Simulation.replay(recording, body) }
    }

    @Test func `an error of the driver comes again`() throws {
        let recording = Recording()
        let failed = IOError(.wait, .system(.noBufferSpace))

        #expect(throws: failed) {
            try EventLoop.record(over: BrokenDriver(), into: recording) {
                _ = try await conversation()
            }
        }
        #expect(throws: failed) {
            try Simulation.replay(recording) { _ = try await conversation() }
        }
    }

    @Test func `the beginning of a run is replayed, and then it is said that there is no more`()
        throws
    {
        let recording = Recording(bytesMax: 400)
        try EventLoop.run(recording: recording) { _ = try await conversation() }
        let heard = Notes<String>()

        #expect(throws: ReplayError.cut(steps: recording.steps)) {
            try Simulation.replay(recording) { _ = try await conversation(noting: heard) }
        }
        #expect(heard.all.contains("the server ends"))
        #expect(recording.tape.bytes.count <= 400)
    }
}

/// A conversation during which the kernel says this to another client of its server.
private func conversation(expecting outcome: Errno?) async throws -> [String] {
    var manners = Manners()
    manners.whileServing = { server in
        let found = try outcomeOfConnecting(to: server)
        #expect(found == outcome)
    }
    return try await conversation(manners)
}
