import Swiftlet
import Syscalls

/// The ring of the completion loop, its shared buffers, and a count of what is under way.
struct IOUringCalls: ~Copyable {
    /// What a request is for; with a descriptor, its tag.
    enum Operation: UInt64 {
        case stop, accept, receive, send, end

        func tag(_ descriptor: RawDescriptor) -> UInt64 {
            rawValue << 32 | UInt64(UInt32(bitPattern: descriptor.number))
        }
    }

    /// What has completed.
    struct Outcome {
        let operation: Operation
        let descriptor: RawDescriptor
        let completion: IOUring.Completion
    }

    /// The number of the buffers, for requests that receive into them.
    let group: UInt16 = 0
    /// Requests that have not completed: what they use must stay.
    private(set) var underWay = 0
    var buffers: IOUringBuffers
    private var ring: IOUring

    /// System calls made.
    var enters: Int { ring.enters }

    init() throws(IOError) {
        let ring = try attempt(.wait) { () throws(Errno) in
            try IOUring(capacity: 1024, completions: 4096)
        }
        buffers = try attempt(.wait) { () throws(Errno) in
            try IOUringBuffers(count: 512, size: 4096, group: 0, on: ring)
        }
        self.ring = ring
    }

    /// Adds a request to those that the next wait hands over.
    mutating func add(_ request: IOUring.Request) throws(IOError) {
        try put(request)
        underWay += 1
    }

    /// Takes every connection, until it is ended or fails.
    mutating func acceptEach(_ listener: RawDescriptor) throws(IOError) {
        try add(.acceptEach(listener, tag: Operation.accept.tag(listener)))
    }

    /// Asks for the end of a request, which then completes with `ECANCELED`.
    mutating func end(_ tag: UInt64) throws(IOError) {
        try put(.end(tagged: tag, tag: Operation.end.tag(RawDescriptor(-1))))
    }

    /// Asks for the end of every request.
    mutating func endAll() throws(IOError) {
        try put(.endAll(tag: Operation.end.tag(RawDescriptor(-1))))
    }

    private mutating func put(_ request: IOUring.Request) throws(IOError) {
        do throws(Errno) { try ring.add(request) } catch { throw IOError(.wait, .system(error)) }
    }

    /// Hands over every request and waits until one has completed (io_uring_enter(2)).
    mutating func wait(_ nanoseconds: Int64?) throws(IOError) {
        do throws(Errno) {
            try ring.enterAndWait(nanoseconds: nanoseconds)
        } catch {
            throw IOError(.wait, .system(error))
        }
    }

    /// Takes what has completed next; nil when that is all.
    mutating func take() -> Outcome? {
        guard let completion = ring.take(),
            let operation = Operation(rawValue: completion.tag >> 32)
        else { return nil }
        // The end of a request completes only when it has failed, and was not counted.
        if !completion.hasMore, operation != .end { underWay -= 1 }
        let number = CInt(truncatingIfNeeded: completion.tag)
        return Outcome(
            operation: operation, descriptor: RawDescriptor(number), completion: completion)
    }
}
