import Glibc
import Swiftlet
import SwiftletSimulation
import Testing

/// The sample of docs/TESTING.md about recordings, on a real loop and without one.
@Suite struct TestingGuideRecordingTests {
    @Test func `a recorded purchase happens again`() throws {
        let path = "/tmp/swiftlet-\(getpid())-\(UInt64.random(in: 0 ... .max)).recording"
        defer { unlink(path) }
        @Sendable func serve() async throws -> String? {
            let office = BoxOffice(seats: 100)
            let listener = try await Listener.bind(to: SocketAddress("127.0.0.1:0"))
            let serving = try spawn {
                try await StreamServer(listener: listener).serve(handler: office.serve)
            }
            defer { serving.cancel() }
            return try await buy(at: listener.address)
        }
        func record() throws -> String? {
            let recording = Recording()
            defer { try? recording.write(to: path) }
            return try EventLoop.run(driver: .epoll, recording: recording) { try await serve() }
        }
        func replay() throws -> String? {
            let recording = try Recording(contentsOf: path)
            return try Simulation.replay(recording) { try await serve() }
        }

        let (recorded, replayed) = (try record(), try replay())

        #expect(recorded == "seat 1")
        #expect(replayed == "seat 1")
    }
}
