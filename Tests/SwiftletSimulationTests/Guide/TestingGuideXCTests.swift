import Foundation
import Swiftlet
import SwiftletSimulation
import XCTest

/// The sample of docs/TESTING.md for XCTest.
final class BoxOfficeTests: XCTestCase {
    func testTheFirstWhoBuysGetsSeat1() throws {
        try Simulation(seed: 1).run { world in
            let office = world.boxOffice(seats: 100), ann = world.host("ann")
            let answer = try await ann.run { try await buy(at: office.address(port: 7788)) }
            XCTAssertEqual(try XCTUnwrap(answer), "seat 1")
        }
    }
}

/// `Foundation`, which XCTest brings along, has a `Host` of its own.
final class HostNameTests: XCTestCase {
    func testAHostCanBeNamedBesideFoundation() throws {
        try Simulation(seed: 1).run { world in
            let office: SimulatedHost = world.boxOffice(seats: 100)
            XCTAssertTrue(office.isUp)
        }
    }
}
