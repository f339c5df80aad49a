import Foundation
import Swiftlet
import SwiftletSimulation
import Testing

// The samples of docs/TESTING.md that fail, and the reports that it prints: each is what the sample
// says, character by character, but for the numbers of lines.

/// The office as docs/TESTING.md shows it first, with its bug.
@Suite struct TestingGuideReportTests {
    actor BoxOffice {
        private let seats: Int
        private var sold = 0

        init(seats: Int) { self.seats = seats }

        /// Sells a seat, and returns its number; nil when all are sold.
        func sell() async throws -> Int? {
            guard sold < seats else { return nil }
            try await sleep(for: .microseconds(200))  // the payment
            sold += 1
            return sold
        }

        /// Serves one client: a line "buy" is answered by a line.
        nonisolated func serve(_ connection: Connection) async throws {
            while let line = try await connection.readLine(timeout: .seconds(30)) {
                guard line == "buy" else { return }
                let seat = try await sell()
                try await connection.write(seat.map { "seat \($0)\n" } ?? "sold out\n")
            }
        }
    }

    @Test func `a seat that is sold twice makes the report`() throws {
        let report = Notes<String>()
        withKnownIssue("the office has a bug") {
            do throws(SimulationFailure) {
                try `the last seat is sold once`()
            } catch {
                report.add("\(error)")
            }
        }
        try expectPrinted(report.all)
    }

    func `the last seat is sold once`() throws(SimulationFailure) {
        try Simulation.explore(seeds: 0..<1000) { world in
            let office = world.host("office") {
                let office = BoxOffice(seats: 1)
                try await StreamServer.serve(on: "0.0.0.0:7788", handler: office.serve)
            }
            let ann = world.host("ann"), bob = world.host("bob")

            async let first = ann.run { try await buy(at: office.address(port: 7788)) }
            async let second = bob.run { try await buy(at: office.address(port: 7788)) }
            let answers = try await [first, second]
            try #require(Set(answers) == ["seat 1", "sold out"])
        }
    }

    @Test func `a conversation in which both wait makes the report`() throws {
        let failure = #expect(throws: SimulationFailure.self) { try `Ann is greeted`() }
        try expectPrinted([try #require(failure).description])
    }

    func `Ann is greeted`() throws(SimulationFailure) {
        try Simulation(seed: 1).run { world in
            let server = world.host("server") {
                try await StreamServer.serve(on: "0.0.0.0:7788") { connection in
                    let name = try await connection.readLine() ?? "nobody"
                    try await connection.write("hello, \(name)\n")
                }
            }
            let ann = world.host("ann")
            try await ann.run(name: "ann's greeting") {
                try await Connection.connect(to: server.address(port: 7788)) { connection in
                    let greeting = try await connection.readLine()
                    try #require(greeting == "hello")
                    try await connection.write("Ann\n")
                }
            }
        }
    }

    @Test func `chance from outside makes the report`() throws {
        let failure = #expect(throws: SimulationFailure.self) { try `a client comes back`() }
        try expectPrinted([try #require(failure).description])
    }

    func `a client comes back`() throws(SimulationFailure) {
        var simulation = Simulation(seed: 1)
        simulation.checksDeterminism = true
        try simulation.run { _ in
            try await sleep(for: .seconds(Double.random(in: 1...2)))
        }
    }
}

/// Expects docs/TESTING.md to print reports: all of their lines in their order, but for those in
/// whose place there is "…".
///
/// Numbers of lines in this file do not count, nor do instants that chance decides.
private func expectPrinted(_ reports: [String]) throws {
    let page = try lines(of: "docs/TESTING.md")
    for report in reports {
        let lines = report.split(separator: "\n").map { masked(String($0)) }
        let start = try #require(page.firstIndex { masked($0) == lines[0] }, "\(report)")
        let printed = page[start...].prefix { $0 != "```" }
        var rest = lines[...]
        var mayLeaveOut = false
        for line in printed.map(masked) {
            if line.contains("…") {
                mayLeaveOut = true
                continue
            }
            let place = try #require(rest.firstIndex(of: line), "no '\(line)' in\n\(report)")
            #expect(place == rest.startIndex || mayLeaveOut, "'\(line)' comes later in\n\(report)")
            rest = rest[(place + 1)...]
            mayLeaveOut = false
        }
        #expect(rest.isEmpty || mayLeaveOut, "more lines than are printed:\n\(report)")
    }
}

private func masked(_ line: String) -> String {
    line.replacing(/\.swift:\d+/, with: ".swift").replacing(/until \d+\.\d+/, with: "until then")
}

private func lines(of path: String) throws -> [String] {
    let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: path), encoding: .utf8)
        .components(separatedBy: "\n")
}
