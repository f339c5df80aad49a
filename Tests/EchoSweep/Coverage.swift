import Swiftlet
import SwiftletSimulation

/// How often each kind of thing has happened in a sweep, to show that it is not empty.
package struct Coverage: Sendable, Equatable {
    /// What is counted.
    package enum Event: String, CaseIterable, Sendable {
        // Faults that began.
        case slowNetwork = "latency"
        case delayedSegments = "segments delayed"
        case bandwidth
        case splitSegments = "segments split"
        case partition = "partitions"
        case resetFault = "connections reset by the network"
        case refusedConnects = "connects refused by the network"
        case fullBacklog = "full backlogs"
        case shortReads = "short reads"
        case shortWrites = "short writes"
        case spuriousReadiness = "spurious readiness"
        case failingAccept = "accept fails"
        case failingOpen = "open fails"
        case clockDrift = "clock drift"
        case crash = "crashes"

        // What became of clients.
        case connected = "connected"
        case complete = "conversations that were complete"
        case halfClosed = "half-closed and answered to the end"
        case abandoned = "left in the middle"
        case resetByClient = "reset by the client"
        case refused = "connection refused"
        case reset = "connection reset by peer"
        case brokenPipe = "broken pipe"
        case givenUp = "given up by the kernel"
        case timedOut = "timeout of an operation"
        case scopeTimedOut = "timeout of a scope"
        case limitReached = "timeout of an attempt"
        case cancelled = "client cancelled"
        case noDescriptor = "no descriptor for a client"
        case endedEarly = "ended early by the server"
        case hostDown = "client crashed with its host"
        case relieved = "reader relieved by another"

        // What the server did.
        case served = "handlers that ended well"
        case handlerFailed = "handlers that failed"
        case handlerCancelled = "handlers cancelled"
        case idleTimeout = "idle timeout"
        case acceptPutOff = "accept put off"
        case turnedAway = "turned away by maxConnections"
        case started = "server starts"
        case stopped = "server stops"

        // What the loops did.
        case parks
        case spuriousWakes = "wakes with no task parked"
        case wouldBlocks = "calls that would block"
        case bytesEchoed = "bytes echoed"
        case calm = "seeds in which nothing goes wrong"
        case simulatedSeconds = "simulated seconds"
    }

    private var counts: [Event: Int] = [:]
    /// A fingerprint of all events of all seeds, the same in whatever order the seeds are run.
    package internal(set) var digest: UInt64 = 0

    /// Nothing has happened yet.
    package init() {}

    package subscript(event: Event) -> Int { counts[event, default: 0] }

    mutating func count(_ event: Event, _ times: Int = 1) { counts[event, default: 0] += times }

    /// Adds what happened in another run.
    package mutating func add(_ other: Coverage) {
        for event in Event.allCases where other[event] > 0 { count(event, other[event]) }
        digest &+= other.digest
    }

    /// What never happened.
    package var missing: [Event] { Event.allCases.filter { self[$0] == 0 } }
}

extension Coverage: CustomStringConvertible {
    /// A line for each event.
    package var description: String {
        Event.allCases.map { event in
            let number = "\(self[event])"
            let padding = String(repeating: " ", count: max(0, 12 - number.count))
            return "\(padding)\(number)  \(event.rawValue)"
        }.joined(separator: "\n")
    }
}

extension Fault {
    /// What a fault is counted as; nil for one that no plan draws.
    var event: Coverage.Event? {
        switch self {
        case .latency: .slowNetwork
        case .delayedSegments: .delayedSegments
        case .bandwidth: .bandwidth
        case .splitSegments: .splitSegments
        case .partition: .partition
        case .refusedConnects: .refusedConnects
        case .fullBacklog: .fullBacklog
        case .reset: .resetFault
        case .shortReads: .shortReads
        case .shortWrites: .shortWrites
        case .spuriousReadiness: .spuriousReadiness
        case .failing(.accept, with: _, probability: _): .failingAccept
        case .failing: .failingOpen
        case .crash: .crash
        case .clockDrift: .clockDrift
        case .slowNames, .failingNames, .lostDatagrams, .duplicatedDatagrams, .delayedDatagrams,
            .packetSize:
            nil
        }
    }
}
