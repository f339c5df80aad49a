import Syscalls

/// A set of directions: what somebody waits for, or what the kernel says is ready.
///
/// Not an `OptionSet`, whose generic methods are real calls in another module and cost more than
/// the bit operations that they make; this type is used several times for every message.
package struct Interest: Hashable, Sendable, ExpressibleByArrayLiteral {
    @usableFromInline var bits: UInt8

    @inlinable init(bits: UInt8) { self.bits = bits }

    /// Both of the directions, or one, or none: `[.readable, .writable]`, `[]`.
    package init(arrayLiteral directions: Interest...) {
        bits = directions.reduce(0) { $0 | $1.bits }
    }

    /// Neither direction.
    @inlinable package static var none: Interest { Interest(bits: 0) }
    /// Bytes, connections or signals to take, or the end of the stream.
    @inlinable package static var readable: Interest { Interest(bits: 1) }
    /// Room for bytes, or an attempt to connect that has ended.
    @inlinable package static var writable: Interest { Interest(bits: 2) }
    /// Both directions: what a hang-up and an error are reported as.
    @inlinable package static var both: Interest { Interest(bits: 3) }

    /// Whether it names no direction.
    @inlinable package var isEmpty: Bool { bits == 0 }

    /// Whether every direction of `other` is in this set.
    @inlinable package func contains(_ other: Interest) -> Bool { bits & other.bits == other.bits }

    /// The directions of either set.
    @inlinable package func union(_ other: Interest) -> Interest {
        Interest(bits: bits | other.bits)
    }

    /// The directions of both sets.
    @inlinable package func intersection(_ other: Interest) -> Interest {
        Interest(bits: bits & other.bits)
    }

    /// The directions of this set that are not in the other one.
    @inlinable package func subtracting(_ other: Interest) -> Interest {
        Interest(bits: bits & ~other.bits)
    }

    /// Adds the directions of another set.
    @inlinable package mutating func insert(_ other: Interest) { bits |= other.bits }

    /// Takes the directions of another set out.
    @inlinable package mutating func remove(_ other: Interest) { bits &= ~other.bits }

    /// Spelled out so that it is inlined, as the rest is.
    @inlinable package static func == (left: Interest, right: Interest) -> Bool {
        left.bits == right.bits
    }
}

/// One descriptor that can make progress, as plain data.
package struct Readiness: Hashable, Sendable {
    /// Which descriptor.
    package let descriptor: RawDescriptor
    /// The directions in which it can make progress; both after a hang-up or an error.
    package let ready: Interest

    /// A descriptor and what it is ready for.
    package init(_ descriptor: RawDescriptor, _ ready: Interest) {
        self.descriptor = descriptor
        self.ready = ready
    }
}
