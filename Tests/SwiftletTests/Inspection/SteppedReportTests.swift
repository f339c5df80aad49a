import Drivers
import Syscalls
import Testing

@testable import Swiftlet

/// What a loop that somebody else turns tells of its parked tasks.
@Suite struct SteppedReportTests {
    @Test func `a witness hears in which call a task parks, and its name`() throws {
        let witness = ListeningWitness()
        let line: UInt32 = #line + 4
        let reports = try turned(witness) {
            await withTaskGroup(of: Void.self) { group in
                // The end of the loop wakes it.
                group.addTask(name: "dreamer") { try? await sleep(for: .seconds(60)) }
            }
        }

        let place = "SwiftletTests/SteppedReportTests.swift:\(line)"
        #expect(witness.parked.map(\.name) == ["dreamer"])
        #expect(witness.parked.map(\.place) == [place])
        #expect(reports.map(\.name) == ["dreamer", "parent"])
        #expect(reports.first?.place == place)
        #expect(reports.first?.remaining == .seconds(60))
    }

    @Test func `who waits is told in one order: by deadline, and then by who came first`() throws {
        let reports = try turned(ListeningWitness()) {
            for number in 0..<20 {
                let seconds = number < 10 ? 60 : 30
                try spawn(name: "\(number)") { try await sleep(for: .seconds(seconds)) }
            }
            for number in 20..<40 {
                try spawn(name: "\(number)") {
                    for await _ in AsyncStream<Int>.makeStream().stream {}
                }
            }
        }

        let expected = Array(10..<20) + Array(0..<10) + Array(20..<40)
        #expect(reports.map(\.name) == expected.map { "\($0)" })
    }
}

extension SteppedReportTests {
    @Test func `those at meeting points are told in the order in which they came`() throws {
        let reports = try turned(ListeningWitness()) {
            let events = (0..<5).map { _ in Event() }
            for (number, event) in events.enumerated() {
                try spawn(name: "\(number)") { try await event.wait() }
            }
            for _ in 0..<3 { await Task.yield() }
            events[1].set()
        }
        #expect(reports.map(\.name) == ["0", "2", "3", "4"])
    }

    @Test func `the name of a task is forgotten that another thread lets go on`() throws {
        let stepped = SteppedLoop(
            driver: StillDriver(), sockets: SystemSockets(), witness: ListeningWitness())
        let loop = stepped.loop.executor
        let event = Event()
        try stepped.loop.spawn(name: "waiting") { try await event.wait() }
        for _ in 0..<20 { try stepped.turn() }
        #expect(Array(loop.state.names.values) == ["waiting"])
        // The loop belongs to no thread now.
        event.set()
        for _ in 0..<20 { try stepped.turn() }
        #expect(loop.state.names.isEmpty && stepped.isChildless)
        stepped.beginEnding()
        stepped.finishEnding()
    }
}

/// Turns a loop with a task, 'parent', until nothing can happen but by time; its reports then.
private func turned(
    _ witness: ListeningWitness, _ body: @escaping @Sendable () async throws -> Void
) throws -> [ParkReport] {
    let stepped = SteppedLoop(driver: StillDriver(), sockets: SystemSockets(), witness: witness)
    try stepped.loop.spawn(name: "parent", body)
    for _ in 0..<20 { try stepped.turn() }
    let reports = stepped.parkReports
    stepped.beginEnding()
    while !stepped.isChildless { try stepped.turn() }
    stepped.finishEnding()
    return reports
}

/// A driver for which time stands still.
private final class StillDriver: Driver {
    let now = Instant(nanoseconds: 1_000_000_000)
    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno) {}
    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno) {}
    func wake() {}
}

/// A witness that changes no order and notes who parks.
private final class ListeningWitness: LoopWitness {
    private(set) var parked: [(name: String?, place: String)] = []

    func choose(below bound: Int) -> Int { bound - 1 }

    func saw(_ step: LoopStep) {
        if case .parked(_, on: _, until: _, in: let call, name: let name) = step {
            parked.append((name, call.place))
        }
    }
}
