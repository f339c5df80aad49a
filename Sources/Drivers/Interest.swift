import Syscalls

/// A set of directions: what somebody waits for, or what the kernel says is ready.
package struct Interest: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let readable = Interest(rawValue: 1 << 0)
    package static let writable = Interest(rawValue: 1 << 1)
    /// Both directions: what a hang-up and an error are reported as.
    package static let both: Interest = [.readable, .writable]
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
