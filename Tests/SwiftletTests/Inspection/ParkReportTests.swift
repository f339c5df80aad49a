import Drivers
import SwiftletSimulation
import Syscalls
import Testing

@testable import Swiftlet

/// A call that parks for ever, and the line on which it is written.
struct WayToPark: Sendable, CustomTestStringConvertible {
    let purpose: String
    let line: UInt32
    let call: @Sendable (Connection) async throws -> Void

    init(
        _ purpose: String, line: UInt32 = #line,
        _ call: @escaping @Sendable (Connection) async throws -> Void
    ) {
        self.purpose = purpose
        self.line = line
        self.call = call
    }

    var place: String { "SwiftletTests/ParkReportTests.swift:\(line)" }
    var testDescription: String { "\(purpose), line \(line)" }
}

/// Reports of who waits for what.
@Suite(.serialized) struct ParkReportTests {
    static let ways = [
        WayToPark("to read from 127.0.0.1:") { _ = try await $0.read() },
        WayToPark("to read from 127.0.0.1:") { _ = try await $0.read(exactly: 9) },
        WayToPark("to read from 127.0.0.1:") { _ = try await $0.read(until: 10) },
        WayToPark("to read from 127.0.0.1:") { _ = try await $0.readLine() },
        WayToPark("to read from 127.0.0.1:", line: #line + 4) { connection in
            var bytes = [UInt8](repeating: 0, count: 9)
            var span = bytes.mutableSpan
            var memory = span.mutableBytes
            _ = try await connection.read(into: &memory)
        },
        WayToPark("to read from 127.0.0.1:", line: #line + 2) { connection in
            let loop = try EventLoop.require(.park)
            try await loop.park(on: connection.socket.descriptor, for: .read)
        },
        WayToPark("to write to 127.0.0.1:", line: #line + 2) { connection in
            let much = [UInt8](repeating: 1, count: 1 << 25)
            try await connection.write(much)
        },
        WayToPark("to accept on 127.0.0.1:", line: #line + 2) { _ in
            let listener = try await Listener.bind(to: anyPort())
            _ = try await listener.accept()
        },
        WayToPark("to accept on 127.0.0.1:", line: #line + 1) { _ in
            try await StreamServer.serve(on: ":0") { _ in }
        },
        WayToPark("to connect to 127.0.0.1:", line: #line + 3) { _ in
            let full = try await FullListener()
            defer { withExtendedLifetime(full) {} }
            _ = try await Connection.connect(to: full.address)
        },
        WayToPark("for its time to come") { _ in try await sleep(for: .seconds(3600)) },
        WayToPark("for its time to come", line: #line + 1) { connection in
            try await withTimeout(.seconds(3600)) { _ = try await connection.read() }
        },
    ]

    @Test(arguments: ways)
    func `a parked task tells its call and what it waits for`(way: WayToPark) async throws {
        let reports = try await onLoop {
            let (near, far) = try await makeConnectionPair()
            try spawn { try await way.call(near) }
            let reports = await reportsOnce { $0.place == way.place && $0.purpose != nil }
            withExtendedLifetime(far) {}
            return reports
        }

        let found = reports.filter { $0.place == way.place }
        #expect(found.contains { $0.purpose?.hasPrefix(way.purpose) == true }, "\(reports)")
    }

    @Test func `time passes for who waits, and is left until the deadline`() async throws {
        let line: UInt32 = #line + 4
        let report = try Simulation(seed: 1).run { _ in
            let (near, far) = try await makeConnectionPair()
            try spawn(name: "chat") {
                _ = try await near.read(timeout: .seconds(5))
            }
            await untilParked(1)
            try await sleep(for: .seconds(2))
            return (
                await reportsOnce { _ in true }.first, try await far.localAddress, near.socket.id
            )
        }

        let (chat, peer, id) = (try #require(report.0), report.1, report.2)
        #expect(chat.waited == .seconds(2))
        #expect(chat.remaining == .seconds(3))
        #expect(
            chat.description == """
                'chat' at SwiftletTests/ParkReportTests.swift:\(line) waits to read from \(peer), \
                \(id.descriptor): 2.0 seconds so far, 3.0 seconds more at most
                """)
    }

    @Test func `a handler is called after the peer that it serves`() async throws {
        try await onLoop {
            let listener = try await Listener.bind(to: anyPort())
            let server = StreamServer(listener: listener)
            try spawn {
                try await server.serve { connection in
                    if try await connection.readLine() != nil { try await sleep(for: .seconds(9)) }
                    _ = try await connection.read()
                }
            }
            try await Connection.connect(to: server.address) { connection in
                let name = "handler of \(try await connection.localAddress)"
                let reading = await reportsOnce { $0.name == name }.filter { $0.name == name }
                let peer = try await connection.localAddress
                #expect(reading.map { $0.purpose?.hasPrefix("to read from \(peer), ") } == [true])

                try await connection.write("go to sleep\n")

                let asleep = await reportsOnce { $0.name == name && $0.remaining != nil }
                #expect(asleep.contains { $0.name == name && $0.purpose == "for its time to come" })
            }
        }
    }

    @Test func `a spawned task that waits elsewhere tells where it was spawned`() async throws {
        let line: UInt32 = #line + 3
        let reports = try await onLoop {
            let (stream, end) = AsyncStream.makeStream(of: Int.self)
            try spawn(name: "hears nothing") {
                for await _ in stream {}
            }
            let reports = await reportsOnce { _ in true }
            end.finish()
            return reports
        }

        #expect(
            reports.map(\.description) == [
                """
                'hears nothing', spawned at SwiftletTests/ParkReportTests.swift:\(line), waits for \
                something that the loop cannot see
                """
            ])
        #expect(reports.map(\.waited) == [nil])
    }

    @Test func `who runs or is about to run does not wait`() async throws {
        let reports = try await onLoop {
            let asked = try spawn {
                try spawn {}
                return await EventLoop.current?.parkReports ?? []
            }
            return try await asked.value
        }

        #expect(reports.map(\.description) == [])
    }

    @Test func `any thread may ask, also when the loop has ended`() async throws {
        let loop = try await onLoop {
            let loop = try EventLoop.require(.wait)
            try spawn { try await sleep(for: .seconds(3600)) }
            _ = await reportsOnce { _ in true }
            let elsewhere = Task.detached { await loop.parkReports.count }
            #expect(await elsewhere.value == 1)
            return loop
        }

        #expect(await loop.parkReports.isEmpty)
    }
}

/// The calling loop's reports, as soon as one of them is what is looked for; the last ones if none
/// comes in a thousand turns.
private func reportsOnce(_ isMeant: (ParkReport) -> Bool) async -> [ParkReport] {
    var reports: [ParkReport] = []
    for _ in 0..<1_000 where !reports.contains(where: isMeant) {
        await Task.yield()
        reports = await EventLoop.current?.parkReports ?? []
    }
    return reports
}
