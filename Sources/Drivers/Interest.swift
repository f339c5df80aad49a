import Syscalls

/// A set of directions: what somebody waits for, or what the kernel says is ready.
package struct Interest: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

    // Computed, so that they are constants in every module instead of globals that are made at first use.

    /// Neither direction.
    @inlinable package static var none: Interest { Interest(rawValue: 0) }
    @inlinable package static var readable: Interest { Interest(rawValue: 1) }
    @inlinable package static var writable: Interest { Interest(rawValue: 2) }
    /// Both directions: what a hang-up and an error are reported as.
    @inlinable package static var both: Interest { Interest(rawValue: 3) }
}

/// One descriptor that can make progress, as plain data.
package struct Readiness: Hashable, Sendable {
    package let descriptor: RawDescriptor
    package let ready: Interest

    package init(_ descriptor: RawDescriptor, _ ready: Interest) {
        self.descriptor = descriptor
        self.ready = ready
    }
}
