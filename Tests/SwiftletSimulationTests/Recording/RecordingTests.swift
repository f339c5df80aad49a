import Glibc
import Swiftlet
import Syscalls
import Testing

@testable import SwiftletSimulation

/// What a recording keeps of a run, and how it comes to a file and back.
@Suite struct RecordingTests {
    @Test func `a recording that comes back from its file replays as before`() throws {
        let recording = Recording()
        let heard = try EventLoop.run(recording: recording) { try await conversation() }
        let path = "/tmp/swiftlet-\(getpid())-\(UInt64.random(in: 0 ... .max)).recording"
        defer { unlink(path) }

        try recording.write(to: path)
        let copy = try Recording(contentsOf: path)

        #expect(copy.steps == recording.steps)
        #expect(try Simulation.replay(copy) { try await conversation() } == heard)
    }

    @Test func `a file that is not there is named with the kernel's reason`() {
        let path = "/tmp/swiftlet-is-not-here/a.recording"
        let expected = RecordingError(path: path, reason: .system(.noEntry))

        #expect(throws: expected) { try Recording(contentsOf: path) }
        #expect(throws: expected) { try Recording().write(to: path) }
        #expect("\(expected)".contains("No such file"))
    }

    @Test func `a file that is no recording is named`() {
        let expected = RecordingError(path: "/proc/self/status", reason: .foreign)

        #expect(throws: expected) { try Recording(contentsOf: "/proc/self/status") }
    }

    @Test func `a recording is filled anew by the next run`() throws {
        let recording = Recording()
        try EventLoop.run(recording: recording) { _ = try await conversation() }
        try EventLoop.run(recording: recording) {}

        #expect(try Simulation.replay(recording) { 7 } == 7)
    }

    @Test func `a run in which another thread had a part is recorded as one that has no replay`()
        throws
    {
        let recording = Recording()
        let value = try EventLoop.run(recording: recording) { try await spawnedFromElsewhere() }

        #expect(value == 7)
        let refusal = try #require(recording.refusal)
        #expect(throws: refusal) { try Simulation.replay(recording) { 7 } }
        #expect("\(refusal)".contains("other threads"))
        #expect(try Tape(file: recording.tape.file).foreignCalls == recording.tape.foreignCalls)
    }

    @Test func `names are replayed, and so are the files of Unix sockets`() throws {
        let recording = Recording()
        let path = "/tmp/swiftlet-\(getpid())-recorded.sock"
        let body: @Sendable () async throws -> [SocketAddress] = {
            var addresses = try await Resolving.resolver.addresses(of: "localhost")
            // The second one finds the first one's file taken, and then there is none.
            let listener = try await Listener.bind(
                to: "unix:\(path)", access: SocketFileAccess(mode: 0o600))
            try #require(await (try? Listener.bind(to: "unix:\(path)")) == nil)
            listener.close()
            addresses.append(listener.address)
            let (one, other) = try await Connection.pair()
            try await one.write("x")
            try #require(try await other.read(exactly: 1) == [120])
            try #require(try await one.peerCredentials.processID > 0)
            return addresses
        }
        let addresses = try EventLoop.run(recording: recording, body)

        #expect(recording.refusal == nil)
        #expect(access(path, F_OK) == -1)
        #expect(try Simulation.replay(recording, body) == addresses)
        #expect(access(path, F_OK) == -1)
    }

    @Test func `a run that stays on its loop can be replayed`() throws {
        let recording = Recording()
        try EventLoop.run(recording: recording) { _ = try await conversation() }

        #expect(recording.refusal == nil)
        #expect(recording.steps > 50)
    }
}
