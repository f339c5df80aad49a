import Syscalls

/// Something that threads wait for.
package final class Gate: Sendable {
    private let reading: RawDescriptor
    private let writing: RawDescriptor

    package init() throws {
        (reading, writing) = try makePipe()
        try reading.setBlocking()
    }

    deinit {
        reading.close()
        writing.close()
    }

    package func open() {
        _ = [UInt8](repeating: 1, count: 64).withUnsafeBytes { try? writing.write($0) }
    }

    package func wait() {
        withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) {
            _ = try? reading.read(into: $0)
        }
    }
}
