import Syscalls

@testable import SwiftletSimulation

/// A place for what several tasks find out.
final class Notes<Note: Sendable>: Sendable {
    private let notes = Guarded<[Note]>([])
    var all: [Note] { notes.withLock { $0 } }
    func add(_ note: Note) { notes.withLock { $0.append(note) } }
}

/// Continuations that are not resumed for a while.
final class Kept: Sendable {
    private let continuations = Guarded<[CheckedContinuation<Void, Never>]>([])

    func add(_ continuation: CheckedContinuation<Void, Never>) {
        continuations.withLock { $0.append(continuation) }
    }

    func resumeAll() {
        for continuation in continuations.withLock({ $0 }) { continuation.resume() }
    }
}

/// An error of a test's own.
struct Broken: Error {}

/// A simulation that no environment variable changes: for tests of what a certain seed does.
func unforced(seed: UInt64) -> Simulation {
    var simulation = Simulation(seed: seed)
    simulation.forcedSeed = nil
    return simulation
}
