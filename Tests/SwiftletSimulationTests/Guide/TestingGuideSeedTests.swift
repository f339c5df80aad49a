import Foundation
import Testing

@testable import SwiftletSimulation

/// The samples of docs/TESTING.md with many seeds: 20, or as many as SWIFTLET_SAMPLE_SEEDS says,
/// which are 1,000 in `.ci/run samples`.
///
/// What the page says of one seed holds for each, or the sample is no good.
@Suite struct TestingGuideSeedTests {
    static let samples: [@Sendable () throws -> Void] = [
        { try TestingGuideTests().`the first who buys gets seat 1`() },
        { try TestingGuideTests().`whoever says nothing is sent away after 30 seconds`() },
        { try TestingGuideTests().`the last seat is sold once`() },
        { try TestingGuideNetworkTests().`a purchase takes two round trips and the payment`() },
        { try TestingGuideNetworkTests().`a slow line makes the answer late`() },
        { try TestingGuideNetworkTests().`who tries again after a reset has paid twice`() },
        {
            try TestingGuideNetworkTests()
                .`a client behind a partition gives up, and is served when it heals`()
        },
        { try TestingGuideMachineTests().`an office that comes back sells seat 1 again`() },
        {
            try TestingGuideMachineTests()
                .`an office without descriptors serves who waits for one`()
        },
        { try TestingGuideMachineTests().`a fast clock sends the silent away early`() },
        { try TestingGuideMachineTests().`seats are sold through a bad minute`() },
        { try TestingGuideMachineTests().`no seat is sold twice, whatever goes wrong`() },
    ]

    @Test(arguments: samples.indices)
    func `a sample of the page passes with every seed`(sample: Int) throws {
        let seeds =
            ProcessInfo.processInfo.environment["SWIFTLET_SAMPLE_SEEDS"].map { Int($0) } ?? 20
        for seed in 0..<(try #require(seeds, "SWIFTLET_SAMPLE_SEEDS is no whole number")) {
            try Simulation.$outerSeed.withValue("\(seed)") {
                try TestingGuideSeedTests.samples[sample]()
            }
        }
    }
}
