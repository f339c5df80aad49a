import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

/// A replay of other code than what was recorded ends, and says where it took another way.
@Suite struct ReplayDivergenceTests {
    @Test func `a changed reply is found where it is sent`() throws {
        let recording = try recordedConversation()
        var manners = Manners()
        manners.reply = { bytes in bytes.map { $0 == UInt8(ascii: "w") ? UInt8(ascii: "W") : $0 } }

        let (divergence, _) = try divergence(replaying: recording, manners)

        let recorded = try #require(divergence.recorded)
        let called = try #require(divergence.called)
        #expect(recorded.hasPrefix("send 11 bytes with the digest"))
        #expect(called.hasPrefix("send 11 bytes with the digest"))
        #expect(!recorded.hasPrefix(called))
    }

    @Test func `a message of another length is found where it is sent`() throws {
        let recording = try recordedConversation()
        var manners = Manners()
        manners.messages = ["one", "twice", "three"]

        let (divergence, _) = try divergence(replaying: recording, manners)

        #expect(divergence.recorded?.hasPrefix("send 11 bytes") == true)
        #expect(divergence.called?.hasPrefix("send 13 bytes") == true)
    }

    @Test func `one more client is found where it opens its socket`() throws {
        let recording = try recordedConversation()
        var manners = Manners()
        manners.clients = 4

        let (divergence, _) = try divergence(replaying: recording, manners)

        #expect(divergence.called?.hasPrefix("open a socket for 127.9.8.7:") == true)
    }

    @Test func `a run that ends before the recorded one is found at its end`() throws {
        let recording = try recordedConversation()

        let error = #expect(throws: ReplayError.self) { try Simulation.replay(recording) {} }

        guard case .diverged(let divergence) = error else { return }
        #expect(divergence.called == nil)
        #expect(divergence.recorded?.hasPrefix("open a socket") == true)
    }

    @Test func `a run that goes on after the recorded one is found at its end`() throws {
        let recording = Recording()
        try EventLoop.run(recording: recording) {}

        let (divergence, _) = try divergence(replaying: recording, Manners())

        #expect(divergence.recorded == nil)
        #expect(divergence.step == recording.steps + 1)
    }

    @Test func `every task is resumed and ends when a replay takes another way`() throws {
        let recording = try recordedConversation()
        var manners = Manners()
        manners.messages = ["one", "two", "four"]

        let (_, heard) = try divergence(replaying: recording, manners)

        for end in ["the server", "client 0", "client 1", "client 2"] {
            #expect(heard.contains("\(end) ends"))
        }
    }

    @Test func `the report has the step, both ways and the steps before`() throws {
        let recording = try recordedConversation()
        var manners = Manners()
        manners.messages = ["none"]

        let (divergence, _) = try divergence(replaying: recording, manners)

        let steps = recording.tape.map(\.description)
        #expect(divergence.recorded == steps[divergence.step - 1])
        #expect(divergence.before == Array(steps[..<(divergence.step - 1)].suffix(6)))
        let report = "\(ReplayError.diverged(divergence))"
        #expect(report.contains("another way at step \(divergence.step)\n"))
        #expect(report.contains("step \(divergence.step - 1): \(divergence.before[5])\n"))
        #expect(report.contains("recorded: \(try #require(divergence.recorded))\n"))
        #expect(report.hasSuffix("replayed: \(try #require(divergence.called))"))
    }

    /// A file may claim anything of the machine, and the loop has to live with it.
    @Test func `a recording with some bytes changed replays or fails, but does no harm`() throws {
        let tape = try recordedConversation().tape
        var replayed = 0
        for seed in 0..<1000 {
            var random = SeededRandom(seed: UInt64(seed))
            var bytes = tape.bytes
            bytes[random.number(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            // Bytes that are no steps are another test's.
            let changed = try? Tape(
                bytes: bytes[...], count: tape.count, isCut: false, foreignCalls: 0)
            guard let changed else { continue }
            replayed += 1
            _ = try? Simulation.replay(Recording(of: changed)) { try await conversation() }
        }
        #expect(replayed > 100)
    }

    @Test func `another thread that has a part in a replay ends it`() throws {
        let recording = Recording()
        try EventLoop.run(recording: recording) { _ = try await spawn { 7 }.value }

        #expect(throws: ReplayError.otherThreads(calls: 1)) {
            try Simulation.replay(recording) { _ = try await spawnedFromElsewhere() }
        }
    }
}

private func recordedConversation() throws -> Recording {
    let recording = Recording()
    try EventLoop.run(recording: recording) { _ = try await conversation() }
    return recording
}

/// Where the replay of a conversation takes another way, and what its tasks noted.
private func divergence(
    replaying recording: Recording, _ manners: Manners
) throws -> (Divergence, heard: [String]) {
    let heard = Notes<String>()
    let error = #expect(throws: ReplayError.self) {
        try Simulation.replay(recording) { _ = try await conversation(manners, noting: heard) }
    }
    guard case .diverged(let divergence) = error else { throw try #require(error) }
    return (divergence, heard.all)
}
