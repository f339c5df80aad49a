import Syscalls

/// Where an event loop meets the kernel: it says which descriptors are ready, and waits.
///
/// The contract, which `Tests/DriversTests/Driver/DriverContractTests.swift` holds every driver to:
///
/// * **Readiness is a hint.** A descriptor may be reported when the next call would block after
///   all, so callers try, and wait again. What is ready and not used is reported again by the next
///   wait. A caller that has used it up may say so, and is told of what comes after it.
/// * **A hang-up or an error is reported to both directions**, or to both that were asked for where
///   the kernel does not tell it apart (select): the next system call says which it was.
/// * **Nothing is reported about a descriptor without interest.** When it is withdrawn, not even a
///   hang-up ends a wait; so a descriptor with no task parked on it never spins a loop.
/// * **Numbers are reused.** Interest is withdrawn before a descriptor is closed; the same number
///   may come back at once for another file. Interest in a number that is not open is an error, or
///   is reported so that the next call on it fails; it can be withdrawn like any other. A number
///   may come from outside: a negative one, or one beyond all that are open, is an error and costs
///   nothing.
/// * **A wake is never lost** and is safe from any thread: it ends the wait under way, or else the
///   next.
/// * **A deadline never passes early**: a wait that ends because of it ends at or after it. One
///   that has passed makes the wait look and return. `.never` is far away, not an overflow.
/// * **A look tells all, or at least 256.** A wait until `.past` that reports fewer has missed
///   nothing that was ready when it began. What it leaves out comes with the next ones, before
///   anything is reported twice. Any other wait may report as few as it likes.
/// * **A wait may return with nothing**: for a wake, a deadline or a signal. The caller knows what
///   it waits for.
///
/// Every method but `wake` is called by one thread at a time, and by one only once it has waited.
package protocol Driver: AnyObject {
    /// The present instant, real or simulated.
    var now: Instant { get }

    /// Replaces the interest in a descriptor, from the next wait on. An empty one forgets the
    /// descriptor.
    ///
    /// Throws what the kernel says when it cannot watch the descriptor; nothing has changed then.
    func setInterest(_ interest: Interest, in descriptor: RawDescriptor) throws(Errno)

    /// Waits until something is ready, the deadline passes or `wake` is called.
    ///
    /// Appends what is ready to `ready`. A deadline of `.past` looks without waiting, and tells all
    /// or at least 256.
    func wait(until deadline: Instant, into ready: inout [Readiness]) throws(Errno)

    /// Whether it heeds `usedUp`; one that does not need not be told.
    var heedsUse: Bool { get }

    /// Says that what was reported is used up: a call would have blocked since then, or a stream
    /// moved less than it could have, which epoll(7) says is enough. What comes later is reported.
    ///
    /// A receive also stops short at the urgent mark of tcp(7), with more behind it. So a driver
    /// that takes the word for true reports that rest all the same; nothing else tells of it.
    ///
    /// It spares a driver that would have to ask again the look that would find nothing.
    func usedUp(_ directions: Interest, of descriptor: RawDescriptor)

    /// Ends the wait under way, or the next one if there is none.
    func wake()
}

extension Driver {
    // A system call that looks at every descriptor in every wait has no use for the word.

    /// False.
    package var heedsUse: Bool { false }
    /// Nothing happens.
    @inlinable package func usedUp(_ directions: Interest, of descriptor: RawDescriptor) {}
}

extension Instant {
    /// Before every other instant, so that a wait until then looks and returns.
    @inlinable package static var past: Instant { Instant(nanoseconds: .min) }

    /// Nanoseconds that a wait until this instant may take, from `now` on; nil is for ever.
    ///
    /// At most a day: kernels refuse times beyond their own range, and a wait may return with
    /// nothing.
    package func nanosecondsToWait(from now: @autoclosure () -> Instant) -> Int64? {
        switch self {
        case .never: nil
        case .past: 0
        default: min(max(now().nanoseconds(to: self), 0), 86_400_000_000_000)
        }
    }
}

/// A set of directions: what a task waits for, or what the kernel says is ready.
///
/// Not an `OptionSet`, whose generic methods are real calls in another module and cost more than
/// the bit operations that they make; this type is used several times for every message. And it is
/// public, because what is only `package` is never inlined in another module.
public struct Interest: Hashable, Sendable, ExpressibleByArrayLiteral {
    @usableFromInline var bits: UInt8

    @inlinable init(bits: UInt8) { self.bits = bits }

    /// Both of the directions, or one, or none: `[.readable, .writable]`, `[]`.
    public init(arrayLiteral directions: Interest...) {
        bits = directions.reduce(0) { $0 | $1.bits }
    }

    /// Neither direction.
    @inlinable public static var none: Interest { Interest(bits: 0) }
    /// Bytes, connections or signals to take, or the end of the stream.
    @inlinable public static var readable: Interest { Interest(bits: 1) }
    /// Room for bytes, or an attempt to connect that has ended.
    @inlinable public static var writable: Interest { Interest(bits: 2) }
    /// Both directions: what a hang-up and an error are reported as.
    @inlinable public static var both: Interest { Interest(bits: 3) }

    /// Whether it names no direction.
    @inlinable @inline(__always) public var isEmpty: Bool { bits == 0 }

    /// Whether every direction of `other` is in this set.
    @inlinable public func contains(_ other: Interest) -> Bool { bits & other.bits == other.bits }

    /// The directions of either set.
    @inlinable public func union(_ other: Interest) -> Interest {
        Interest(bits: bits | other.bits)
    }

    /// The directions of both sets.
    @inlinable public func intersection(_ other: Interest) -> Interest {
        Interest(bits: bits & other.bits)
    }

    /// The directions of this set that are not in the other one.
    @inlinable public func subtracting(_ other: Interest) -> Interest {
        Interest(bits: bits & ~other.bits)
    }

    /// Adds the directions of another set.
    @inlinable public mutating func insert(_ other: Interest) { bits |= other.bits }

    /// Takes the directions of another set out.
    @inlinable public mutating func remove(_ other: Interest) { bits &= ~other.bits }

    /// Spelled out so that it is inlined, as the rest is.
    @inlinable public static func == (left: Interest, right: Interest) -> Bool {
        left.bits == right.bits
    }
}

/// One descriptor that can make progress, as plain data.
public struct Readiness: Hashable, Sendable {
    /// Which descriptor.
    public let descriptor: RawDescriptor
    /// The directions in which it can make progress; both after a hang-up or an error.
    public let ready: Interest

    /// A descriptor and what it is ready for.
    @inlinable public init(_ descriptor: RawDescriptor, _ ready: Interest) {
        self.descriptor = descriptor
        self.ready = ready
    }
}
