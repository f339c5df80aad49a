import CLinux
import Glibc

/// An io_uring (io_uring(7)): requests go to the kernel, and completions come back, through memory
/// that both share.
///
///     submission   [ . . r r r . . . ]      head: the kernel's, tail: ours
///     completion   [ . c c . . . . . ]      head: ours, tail: the kernel's
///
/// `add` writes requests, and `enter` hands over all of them and waits, in one system call; `take`
/// then reads what came. There is no policy here: what a request means is known to its owner, which
/// tells completions apart by the tag that each request carries.
///
/// Completions that do not fit are kept by the kernel until there is room, so none is lost.
package struct IOUring: ~Copyable {
    private let descriptor: Descriptor
    private let rings: Mapping
    private let requests: Mapping
    private let submission: Ring
    private let completion: Ring
    private let slots: UnsafeMutablePointer<io_uring_sqe>
    private let results: UnsafePointer<io_uring_cqe>
    /// The tail of the submission ring as it will be at the next `enter`.
    private var tail: UInt32
    /// The head of the completion ring, of which the kernel learns when all have been taken.
    private var head: UInt32
    private var isEnabled = false
    private var patience = Patience()
    /// How often the ring was entered: the system calls that it has cost.
    package private(set) var enters = 0

    /// Opens a ring, closed on exec, that belongs to the first thread which enters it
    /// (io_uring_setup(2)).
    ///
    /// - Parameters:
    ///   - capacity: requests that fit before they must be handed over; a power of two.
    ///   - completions: completions that fit before the kernel must keep them; a power of two.
    ///   - setup: the system call, so that a test can refuse.
    /// - Throws: `ENOSYS` where the kernel has no io_uring or that of before Linux 5.19, `EPERM`
    ///   where the machine or a container forbids it, or what else the kernel says.
    package init(
        capacity: Int, completions: Int,
        setup: (UInt32, inout io_uring_params) -> CInt = { clinux_io_uring_setup($0, &$1) }
    ) throws(Errno) {
        var parameters = io_uring_params()
        parameters.cq_entries = UInt32(completions)
        let opened = try IOUring.open(UInt32(capacity), &parameters, setup)
        let (sq, cq) = (parameters.sq_off, parameters.cq_off)
        let size = max(
            Int(sq.array) + Int(parameters.sq_entries) * MemoryLayout<UInt32>.stride,
            Int(cq.cqes) + Int(parameters.cq_entries) * MemoryLayout<io_uring_cqe>.stride)
        let shared = try Mapping(of: opened.raw, byteCount: size, from: IORING_OFF_SQ_RING)
        let entries = try Mapping(
            of: opened.raw,
            byteCount: Int(parameters.sq_entries) * MemoryLayout<io_uring_sqe>.stride,
            from: IORING_OFF_SQES)
        submission = Ring(shared.base, head: sq.head, tail: sq.tail, count: parameters.sq_entries)
        completion = Ring(shared.base, head: cq.head, tail: cq.tail, count: parameters.cq_entries)
        slots = entries.base.assumingMemoryBound(to: io_uring_sqe.self)
        results = UnsafePointer(
            (shared.base + Int(cq.cqes)).assumingMemoryBound(to: io_uring_cqe.self))
        // The kernel reads requests in the order that this array gives: always that of the slots.
        let order = (shared.base + Int(sq.array)).assumingMemoryBound(to: UInt32.self)
        for index in 0..<parameters.sq_entries { order[Int(index)] = index }
        tail = submission.tail.pointee
        head = completion.head.pointee
        descriptor = opened
        rings = shared
        requests = entries
    }

    /// The flags of a ring, best first; a kernel that does not know one answers `EINVAL`.
    ///
    /// Work that a completion needs is done when the ring's thread enters, not whenever it makes a
    /// system call (Linux 6.1); or at least without interrupting it (5.19).
    private static let modes: [Int] = [
        CLINUX_SETUP_SINGLE_ISSUER | CLINUX_SETUP_DEFER_TASKRUN,
        CLINUX_SETUP_COOP_TASKRUN,
    ]

    /// What a kernel that knows those flags has as well, and what this file relies on.
    private static let needed =
        IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG
        | UInt32(CLINUX_FEAT_CQE_SKIP)

    private static func open(
        _ capacity: UInt32, _ parameters: inout io_uring_params,
        _ setup: (UInt32, inout io_uring_params) -> CInt
    ) throws(Errno) -> Descriptor {
        for mode in modes {
            parameters.flags =
                UInt32(mode | CLINUX_SETUP_SUBMIT_ALL) | IORING_SETUP_CQSIZE
                | IORING_SETUP_R_DISABLED
            let number = setup(capacity, &parameters)
            guard number < 0 else {
                let ring = Descriptor(adopting: RawDescriptor(number))
                guard parameters.features & needed == needed else { throw .notImplemented }
                return ring
            }
            let error = Errno.current
            guard error == .invalidArgument else { throw error }
        }
        throw .notImplemented
    }

    /// Requests that were added and not handed over.
    package var pending: Int { Int(tail &- clinux_load_acquire(submission.head)) }

    /// Puts a request behind the others; when there is no room, hands those over first.
    package mutating func add(_ request: Request) throws(Errno) {
        var attempts = 0
        while pending == Int(submission.count) {
            // The kernel may take none for a moment, for want of memory.
            if attempts == 100 { throw Errno(rawValue: EBUSY) }
            try enter()
            attempts += 1
        }
        slots[Int(tail & submission.mask)] = request.entry
        tail &+= 1
        clinux_store_release(submission.tail, tail)
    }

    /// Hands over every request, without waiting, and lets the kernel complete what it can.
    package mutating func enter() throws(Errno) { try enter(awaiting: 0, nanoseconds: nil) }

    /// Hands over every request and waits until a completion can be taken, at most so long; nil is
    /// for ever (io_uring_enter(2)).
    ///
    /// A signal ends the wait like a passed time: with nothing. So does a kernel that first wants
    /// its completions taken.
    package mutating func enterAndWait(nanoseconds: Int64?) throws(Errno) {
        try enter(awaiting: nanoseconds == 0 ? 0 : 1, nanoseconds: nanoseconds)
    }

    private mutating func enter(awaiting count: UInt32, nanoseconds: Int64?) throws(Errno) {
        if !isEnabled { try enable() }
        enters += 1
        let (ring, submitted) = (descriptor.raw.number, UInt32(pending))
        guard count > 0, let nanoseconds else {
            let result = clinux_io_uring_enter(
                ring, submitted, count, IORING_ENTER_GETEVENTS, nil, 0)
            return try check(result)
        }
        var timeout = __kernel_timespec(
            tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        let result = withUnsafePointer(to: &timeout) { timeout in
            var argument = io_uring_getevents_arg()
            argument.ts = UInt64(UInt(bitPattern: timeout))
            return clinux_io_uring_enter(
                ring, submitted, count, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
                MemoryLayout<io_uring_getevents_arg>.size)
        }
        try check(result)
    }

    private mutating func check(_ result: CInt) throws(Errno) {
        guard result < 0 else { return patience.renew() }
        let error = Errno.current
        if ![EINTR, ETIME, EBUSY].contains(error.rawValue) { try patience.outlast(error) }
    }

    /// Makes the calling thread the one that may enter (`IORING_REGISTER_ENABLE_RINGS`).
    private mutating func enable() throws(Errno) {
        try register(UInt32(IORING_REGISTER_ENABLE_RINGS), nil, 0)
        isEnabled = true
    }

    /// Gives the ring something to work with (io_uring_register(2)).
    func register(
        _ operation: UInt32, _ argument: UnsafeRawPointer?, _ count: UInt32
    ) throws(Errno) {
        _ = try retrying {
            clinux_io_uring_register(descriptor.raw.number, operation, argument, count)
        }
    }

    /// Takes the oldest completion; nil when there is none.
    package mutating func take() -> Completion? {
        guard head != clinux_load_acquire(completion.tail) else { return nil }
        let result = results[Int(head & completion.mask)]
        head &+= 1
        clinux_store_release(completion.head, head)
        return Completion(tag: result.user_data, result: result.res, flags: result.flags)
    }
}

/// Where one of the two rings has its head and its tail.
private struct Ring {
    let head: UnsafeMutablePointer<UInt32>
    let tail: UnsafeMutablePointer<UInt32>
    let count: UInt32
    /// Turns a position, which only ever grows, into an index: the kernel's counts are powers of 2.
    var mask: UInt32 { count - 1 }

    init(_ base: UnsafeMutableRawPointer, head: UInt32, tail: UInt32, count: UInt32) {
        self.head = (base + Int(head)).assumingMemoryBound(to: UInt32.self)
        self.tail = (base + Int(tail)).assumingMemoryBound(to: UInt32.self)
        self.count = count
    }
}
