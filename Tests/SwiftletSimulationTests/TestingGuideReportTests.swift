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
        nonisolated func serve(_ connection: TCPConnection) async throws {
            while let line = try await connection.readLine(timeout: .seconds(30)) {
                guard line == "buy" else { return }
                let seat = try await sell()
                try await connection.write(seat.map { "seat \($0)\n" } ?? "sold out\n")
            }
        }
    }

    @Test func `the seed that oversells makes the report`() {
        withKnownIssue {
            do throws(SimulationFailure) {
                try `the last seat is sold once`()
            } catch {
                print(error)
                print("=====")
                throw error
            }
        }
    }

    func `the last seat is sold once`() throws(SimulationFailure) {
        try Simulation.explore(seeds: 0..<1000) { world in
            let office = world.host("office") {
                let office = BoxOffice(seats: 1)
                try await TCPServer.serve(on: "0.0.0.0:7788", handler: office.serve)
            }
            let ann = world.host("ann"), bob = world.host("bob")

            async let first = ann.run { try await buy(at: office.address(port: 7788)) }
            async let second = bob.run { try await buy(at: office.address(port: 7788)) }
            let answers = try await [first, second]
            try #require(Set(answers) == ["seat 1", "sold out"])
        }
    }

    @Test func `a conversation in which both wait is a deadlock`() throws {
        let failure = #expect(throws: SimulationFailure.self) { try `Ann is greeted`() }
        print(try #require(failure))
        print("=====")
    }

    func `Ann is greeted`() throws(SimulationFailure) {
        try Simulation(seed: 1).run { world in
            let server = world.host("server") {
                try await TCPServer.serve(on: "0.0.0.0:7788") { connection in
                    let name = try await connection.readLine() ?? "nobody"
                    try await connection.write("hello, \(name)\n")
                }
            }
            let ann = world.host("ann")
            try await ann.run(name: "ann's purchase") {
                try await TCPConnection.connect(to: server.address(port: 7788)) { connection in
                    let welcome = try await connection.readLine()
                    try #require(welcome == "welcome")
                    try await connection.write("Ann\n")
                }
            }
        }
    }

    @Test func `chance from outside is found`() throws {
        let failure = #expect(throws: SimulationFailure.self) { try `a client comes back`() }
        print(try #require(failure))
        print("=====")
    }

    func `a client comes back`() throws(SimulationFailure) {
        var simulation = Simulation(seed: 1)
        simulation.checksDeterminism = true
        try simulation.run { _ in
            try await sleep(for: .seconds(Double.random(in: 1...2)))
        }
    }
}
