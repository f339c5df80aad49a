import Syscalls

@testable import Swiftlet

/// Something that threads wait for, one by one, and that tells which of them have come.
final class ThreadGate: Sendable {
    let arrived = Notes<String>()
    private let ends: (reading: RawDescriptor, writing: RawDescriptor)

    init() throws {
        ends = try makePipe()
        try ends.reading.setBlocking()
    }

    deinit {
        ends.reading.close()
        ends.writing.close()
    }

    /// Waits until it is let through; false when it was in vain.
    @discardableResult
    func pass(_ name: String = "") -> Bool {
        arrived.add(name)
        return withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { byte in
            (try? ends.reading.read(into: byte)) == 1
        }
    }

    /// Lets so many through, those that wait or come later.
    func open(for count: Int = 1) throws {
        try ends.writing.writeAll([UInt8](repeating: 1, count: count))
    }

    /// Waits, on a loop, until so many have come.
    nonisolated(nonsending) func until(_ count: Int) async {
        while arrived.all.count < count { await Task.yield() }
    }
}
